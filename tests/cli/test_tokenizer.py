"""`domainbert tokenizer report|extend`, on a tiny base and texts of one's own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoModel, AutoModelForMaskedLM, AutoTokenizer

from domainbert.testing import tiny_checkpoint

Cli = Callable[..., Any]
TEXT = "Quokkas and a quokka met two zebras. A quokka (not a wombat) moved the boat.\n" * 6
PLUGIN = """
from pathlib import Path

import domainbert

TERMS = domainbert.Terms(Path(__file__).with_name("terms.txt"), "CC0-1.0", "made up")

@domainbert.hookimpl
def domainbert_domains():
    yield domainbert.Domain(name="zoo", title="Of animals", terms=TERMS)
    yield domainbert.Domain(name="bare", title="Without terms")
"""


@pytest.fixture(scope="session")
def bases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    made = tmp_path_factory.mktemp("bases")
    return {
        "bert": tiny_checkpoint(made / "bert"),
        "headless": tiny_checkpoint(made / "headless", with_head=False),
        "roberta": tiny_checkpoint(made / "roberta", "roberta"),
        "slots": tiny_checkpoint(made / "slots", words=["[unused0]", "[unused1]"]),
    }


@pytest.fixture
def zoo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "zoo.py").write_text(PLUGIN)
    (tmp_path / "terms.txt").write_text("# animals\nquokka\nquokka\nboat\n[MASK]\ngnu\nwombat\n")
    (tmp_path / "notes.txt").write_text(TEXT)
    return tmp_path


def test_report_on_terms_and_text(cli: Cli, zoo: Path, bases: dict[str, Path]) -> None:
    words = ("tokenizer", "report", bases["bert"], "--domain", "zoo", "--plugin", "zoo.py")
    found = json.loads(cli(*words, "--text", "*.txt", "--text", "notes.txt", "--json").out)
    terms = found["fragmentation"]["terms"]
    # quokka twice, boat, [ MASK ], gnu, wombat
    assert (terms["words"], terms["pieces"], terms["split"]) == (
        8,
        6 + 6 + 1 + 1 + 4 + 1 + 3 + 6,
        5,
    )
    assert terms["pieces_per_word"] == 28 / 8
    text = found["fragmentation"]["text"]
    assert text["words"] > 6 * 18
    costly = {item["word"]: item for item in found["costliest_words"]}
    assert costly["quokka"] == {
        "word": "quokka",
        "count": 14,
        "pieces": ["q", "##u", "##o", "##k", "##k", "##a"],
        "term": True,
        "cost": 84,
    }
    assert found["costliest_words"][0]["word"] == "quokka"
    (saving,) = found["savings"]
    assert saving["share"] == saving["tokens"] / text["pieces"]
    assert found["terms_read"] == {
        "read": 6, "usable": 3, "absent": 0, "whole": 1, "unknown": 0, "duplicate": 1, "blank": 0,
        "control": 0, "special": 1,
    }  # fmt: skip


def test_report_is_a_table_and_names_the_next_command(
    cli: Cli, zoo: Path, bases: dict[str, Path]
) -> None:
    outcome = cli("tokenizer", "report", bases["bert"], "--text", "notes.txt")
    assert outcome.code == 0
    assert "pieces per word" in outcome.out
    assert outcome.out.splitlines()[-1] == (
        f"Next: domainbert tokenizer extend {bases['bert']} --text notes.txt --size 500 -o OUT"
    )
    outcome = cli("tokenizer", "report", bases["bert"], "--domain", "zoo", "--plugin", "zoo.py")
    assert (outcome.code, "new entries" in outcome.out) == (0, False)


def test_extend_writes_a_folder_that_loads(cli: Cli, zoo: Path, bases: dict[str, Path]) -> None:
    given = ("--domain", "zoo", "--plugin", "zoo.py", "--text", "notes.txt", "--size", 3)
    outcome = cli("tokenizer", "extend", bases["bert"], *given, "-o", "out", "--json")
    assert (outcome.code, outcome.err.count("error")) == (0, 0)
    told = json.loads(outcome.out)
    assert (told["entries"], told["out"], told["slots"]) == (3, "out", "grow")
    tokenizer = AutoTokenizer.from_pretrained("out")
    model = AutoModelForMaskedLM.from_pretrained("out")
    old = AutoTokenizer.from_pretrained(bases["bert"])
    assert model.config.vocab_size == len(tokenizer) == len(old) + 3
    assert model.get_output_embeddings().weight is model.get_input_embeddings().weight
    ids = tokenizer("quokka quokkax", add_special_tokens=False)["input_ids"]
    assert ids == [len(old), *old("quokkax", add_special_tokens=False)["input_ids"]]
    added = json.loads(Path("out/vocabulary.json").read_text())["added"]
    assert [entry["text"] for entry in added] == ["quokka", "Quokkas", "wombat"]
    assert cli("tokenizer", "report", "out", "--text", "notes.txt").code == 0


def test_a_base_without_a_head_stays_without_one(
    cli: Cli, zoo: Path, bases: dict[str, Path]
) -> None:
    given = ("--text", "notes.txt", "--size", 1, "-o", "out")
    assert cli("tokenizer", "extend", bases["headless"], *given).code == 0
    model, info = AutoModelForMaskedLM.from_pretrained("out", output_loading_info=True)
    assert any(name.startswith("cls.") for name in info["missing_keys"])
    assert AutoModel.from_pretrained("out").config.vocab_size == model.config.vocab_size


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["report", "bert"], "Give --domain, whose terms are looked at, or --text, or both."),
        (["report", "bert", "--domain", "bare"], "domain 'bare' has no terms; give --text."),
        (["report", "bert", "--domain", "none"], "none"),
        (["report", "nowhere/", "--text", "notes.txt"], "nowhere/"),
        (["report", "bert", "--text", "no*.md"], "no file matches"),
        (["report", "bert", "--text", "zoo.py"], "zoo.py"),
        (["report", "bert", "--text", "empty.txt"], "--text: no word in empty.txt."),
        (["report", "roberta", "--text", "notes.txt"], "of the kind BPE; only WordPiece"),
        (["extend", "bert", "--text", "notes.txt"], "Give --size or --min-gain, one of the two."),
        (
            ["extend", "bert", "--text", "notes.txt", "--size", "2", "--min-gain", "2"],
            "Give --size or --min-gain, one of the two.",
        ),
        (
            ["extend", "bert", "--text", "notes.txt", "--min-gain", "nan"],
            "--min-gain nan: expected a positive number of tokens.",
        ),
        (["extend", "bert", "--domain", "zoo", "--size", "2"], "--text is missing"),
        (["extend", "bert", "--text", "whole.txt", "--size", "2"], "No word can be added"),
        (
            ["extend", "bert", "--text", "notes.txt", "--size", "2", "--slots", "unused"],
            "the vocabulary has 0 free [unused] entries, 2 are needed",
        ),
        (["extend", "roberta", "--text", "notes.txt", "--size", "2"], "only WordPiece"),
    ],
    ids=lambda value: " ".join(value[1:]) if isinstance(value, list) else "",
)
def test_bad_input(
    cli: Cli, zoo: Path, bases: dict[str, Path], words: list[str], message: str
) -> None:
    (zoo / "empty.txt").write_text(" \n\n")
    (zoo / "whole.txt").write_text("the boat the boat\n")
    given = [bases.get(word, word) for word in words]
    if words[0] == "extend":
        given += ["-o", "out"]
    outcome = cli("tokenizer", *given, "--plugin", "zoo.py")
    assert outcome.code == 2
    assert outcome.err.startswith("error: ")
    assert message in outcome.err
    assert "Traceback" not in outcome.err
    assert not (zoo / "out").exists()


def test_an_existing_folder_is_not_overwritten(cli: Cli, zoo: Path, bases: dict[str, Path]) -> None:
    (zoo / "out").mkdir()
    given = ("--text", "notes.txt", "--size", 1, "-o", "out")
    outcome = cli("tokenizer", "extend", bases["bert"], *given)
    assert (outcome.code, outcome.err) == (
        2,
        "error: out: exists already. Name a new folder with -o.\n",
    )
