"""`domainbert tokenizer report|extend`, on a tiny base and the test's texts."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoModelForMaskedLM, AutoTokenizer

from domainbert.testing import tiny_checkpoint

Cli = Callable[..., Any]
Bases = dict[str, Path]
TEXT = "Quokkas and a quokka met two zebras. A quokka (not a wombat) moved the boat.\n" * 6
PLUGIN = """
from pathlib import Path

import domainbert

TERMS = domainbert.Terms(Path(__file__).with_name("terms.txt"), "CC0-1.0", "made up")

@domainbert.hookimpl
def domainbert_domains():
    yield domainbert.Domain(name="zoo", title="Of animals", terms=TERMS)
"""
ZOO = ("--domain", "zoo", "--plugin", "zoo.py")


@pytest.fixture(scope="session")
def bases(tmp_path_factory: pytest.TempPathFactory) -> Bases:
    made = tmp_path_factory.mktemp("bases")
    return {
        "bert": tiny_checkpoint(made / "bert"),
        "roberta": tiny_checkpoint(made / "roberta", "roberta"),
    }


@pytest.fixture(autouse=True)
def zoo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("zoo.py").write_text(PLUGIN)
    Path("terms.txt").write_text("# animals\nquokka\nquokka\nboat\ngnu\nwombat\n")
    Path("notes.txt").write_text(TEXT)


def test_report_on_terms_and_text(cli: Cli, bases: Bases) -> None:
    words = ("tokenizer", "report", bases["bert"], *ZOO, "--text", "*.txt")
    found = json.loads(cli(*words, "--text", "notes.txt", "--json").out)
    terms, text = found["fragmentation"]["terms"], found["fragmentation"]["text"]
    # quokka twice, boat, gnu, wombat
    assert (terms["words"], terms["pieces"], terms["split"]) == (5, 6 + 6 + 1 + 3 + 6, 4)
    assert terms["pieces_per_word"] == 22 / 5
    assert text["words"] > 6 * 18
    assert found["costliest_words"][0] == {
        "word": "quokka", "count": 14, "pieces": ["q", "##u", "##o", "##k", "##k", "##a"],
        "term": True, "cost": 84,
    }  # fmt: skip
    (saving,) = found["savings"]
    assert saving["share"] == saving["tokens"] / text["pieces"]
    assert found["terms_read"] == {"read": 5, "distinct": 4, "usable": 3, "whole": 1}


def test_extend_writes_a_folder_that_loads(cli: Cli, bases: Bases) -> None:
    given = (*ZOO, "--text", "notes.txt", "--size", 3, "-o", "out", "--json")
    outcome = cli("tokenizer", "extend", bases["bert"], *given)
    assert outcome.code == 0, outcome.err
    summary = json.loads(outcome.out)
    assert (summary["entries"], summary["out"], summary["slots"]) == (3, "out", "grow")
    tokenizer, old = map(AutoTokenizer.from_pretrained, ("out", bases["bert"]))
    model = AutoModelForMaskedLM.from_pretrained("out")
    assert model.config.vocab_size == len(tokenizer) == len(old) + 3
    assert model.get_output_embeddings().weight is model.get_input_embeddings().weight
    ids = tokenizer("quokka quokkax", add_special_tokens=False)["input_ids"]
    assert ids == [len(old), *old("quokkax", add_special_tokens=False)["input_ids"]]
    added = json.loads(Path("out/vocabulary.json").read_text())["added"]
    assert [entry["text"] for entry in added] == ["quokka", "Quokkas", "wombat"]
    assert cli("tokenizer", "report", "out", "--text", "notes.txt").code == 0


NEITHER = "Give --size or --min-gain, one of the two."


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("report bert", "give --text, or --domain with terms, or both."),
        ("report bert --text empty.txt", "--text: no word in empty.txt."),
        ("report roberta --text notes.txt", "of the kind BPE; only WordPiece"),
        ("extend bert --text notes.txt -o out --size 2 --min-gain 2", NEITHER),
        ("extend bert --text notes.txt -o out --min-gain nan", "expected a positive number"),
        ("extend bert --text whole.txt -o out --size 2", "No word can be added"),
        ("extend bert --text notes.txt -o out --size 2 --slots unused", "0 free [unused] entries"),
        ("extend bert --text notes.txt -o full --size 2", "full: exists already. Name a new"),
    ],
)
def test_bad_input(cli: Cli, bases: Bases, words: str, message: str) -> None:
    Path("full").mkdir()
    Path("empty.txt").write_text(" \n\n")
    Path("whole.txt").write_text("the boat the boat\n")
    given = [bases.get(word, word) for word in words.split()]
    outcome = cli("tokenizer", *given, "--plugin", "zoo.py")
    assert (outcome.code, outcome.err[:7]) == (2, "error: ")
    assert message in outcome.err
    assert not Path("out").exists()
