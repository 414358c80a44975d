"""`domainbert predict`: texts in, entities or classes out."""

from __future__ import annotations

import csv
import io
import json
import multiprocessing
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from helpers.tasks import SETTINGS, classification, tagging
from seqeval.metrics.sequence_labeling import get_entities

from domainbert.corpus.sources import Source, find_sources
from domainbert.errors import BaseModelError, RunFailed, Stopped
from domainbert.model.load import find_base
from domainbert.pipeline import predict as module
from domainbert.pipeline import workers
from domainbert.pipeline.annotate import open_annotator
from domainbert.pipeline.evaluate import evaluate
from domainbert.pipeline.kept import kept_models
from domainbert.pipeline.predict import Output, predict
from domainbert.pipeline.trial import ModelUnderTest
from domainbert.plugin.components import LoadedTask
from domainbert.recipe.corpus import CorpusSection
from domainbert.run.session import Session
from domainbert.storage.files import sha256_file

Cli = Callable[..., Any]
TEXT = "the captain of the harbour moved it. the baker of the old mill opened it"


@pytest.fixture
def model(family_folder: Any, session: Session) -> Callable[..., Path]:
    """Fine-tune a tiny model on a task, and return its folder."""

    def make(loaded: LoadedTask, **changes: Any) -> Path:
        folder = family_folder("bert")
        base = ModelUnderTest("base", folder, sha256_file(folder / "model.safetensors"))
        about = {"seeds": (0,), "epochs": 12, "baselines": False, **changes}
        evaluate([base], [loaded], SETTINGS.model_copy(update=about), session)
        ((kept, _),) = kept_models(session.run, loaded.task.name)
        return kept

    return make


@pytest.fixture
def tagger(model: Callable[..., Path]) -> Path:
    return model(tagging())


def found(outcome: Any) -> list[dict[str, Any]]:
    assert outcome.code == 0, outcome.err
    return [json.loads(line) for line in outcome.out.splitlines()]


def test_the_tags_of_test_sentences_are_those_of_the_result(tagger: Path, session: Session) -> None:
    annotator = open_annotator(find_base(str(tagger), Path()), session)
    sentences = tagging().splits["test"]
    annotations = annotator.annotate([" ".join(s.words) for s in sentences])
    lines = (session.run.results / "town/base-seed-0.jsonl").read_text().splitlines()
    for sentence, line, annotation in zip(sentences, lines, annotations, strict=True):
        tags = json.loads(line)["predicted"]
        starts = [len(" ".join([*sentence.words[:n], ""])) for n in range(len(sentence.words))]
        ends = [start + len(word) for start, word in zip(starts, sentence.words, strict=True)]
        expected = [(kind, starts[a], ends[b]) for kind, a, b in get_entities(tags)]
        assert [(e["type"], e["start"], e["end"]) for e in annotation["entities"]] == expected


HARD = [
    "the captain \ud800 moved", "", " \n ", "\0", "a\0b", "\U0001f600 the captain",
    "\u202eabc\u202c \u05e9\u05dc\u05d5\u05dd",
    "x" * 5000, "the captain of the harbour moved it. " * 300,
]  # fmt: skip


@pytest.mark.parametrize("text", HARD)
def test_a_mention_is_what_stands_at_its_offsets(tagger: Path, session: Session, text: str) -> None:
    annotator = open_annotator(find_base(str(tagger), Path()), session)
    alone, among = annotator.annotate([text]), annotator.annotate([TEXT, text, TEXT])
    assert alone[0] == among[1]
    for entity in alone[0]["entities"]:
        assert 0 <= entity["start"] < entity["end"] <= len(text)
        assert (
            text[entity["start"] : entity["end"]].strip() == text[entity["start"] : entity["end"]]
        )
        assert entity["type"] in {"ROLE", "PLACE"} and 0 <= entity["score"] <= 1
    if "harbour" in text:  # a long text loses no entity
        assert len(alone[0]["entities"]) == 300 * len(
            annotator.annotate([TEXT.split(". ", maxsplit=1)[0]])[0]["entities"]
        )


def test_every_format_holds_the_same_entities(
    tagger: Path, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    texts = {"a": TEXT, "b": "nothing here", "c": "the captain\nof the harbour"}
    rows = (json.dumps({"id": name, "text": text}) + "\n" for name, text in texts.items())
    Path("in.jsonl").write_text("".join(rows))
    lines = found(cli("predict", tagger, "in.jsonl"))
    assert {line["id"]: line["text"] for line in lines} == texts
    entities = {
        (line["id"], e["start"], e["end"], e["text"], e["type"])
        for line in lines
        for e in line["entities"]
    }
    assert entities and all(texts[i][a:b] == mention for i, a, b, mention, _ in entities)
    table = csv.DictReader(io.StringIO(cli("predict", tagger, "in.jsonl", "--format", "csv").out))
    assert {
        (r["id"], int(r["start"]), int(r["end"]), r["text"], r["type"]) for r in table
    } == entities
    pubtator = cli("predict", tagger, "in.jsonl", "--format", "pubtator").out
    assert {
        (i, int(a), int(b), mention, kind)
        for i, a, b, mention, kind in (
            line.split("\t") for line in pubtator.splitlines() if "\t" in line
        )
    } == {(i, a, b, mention.replace("\n", " "), kind) for i, a, b, mention, kind in entities}
    conll = cli("predict", tagger, "in.jsonl", "--format", "conll").out
    assert sum("\tB-" in line for line in conll.splitlines()) == len(entities)
    assert cli("predict", tagger, "in.jsonl", "--format", "brat", "-o", "brat").code == 0
    assert {path.name for path in Path("brat").glob("[!.]*")} == {
        f"{name}.{ending}" for name in texts for ending in ("txt", "ann")
    }
    assert Path("brat/a.txt").read_text() == TEXT
    assert sum(len(p.read_text().splitlines()) for p in Path("brat").glob("*.ann")) == len(entities)


def test_classes_come_with_probabilities(
    model: Callable[..., Path], cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = model(classification())
    Path("in.txt").write_text("the captain moved it\nthe harbour was old\n")
    one, two = found(cli("predict", folder, "in.txt", "--text-unit", "line"))
    for line in (one, two):
        assert sum(line["scores"].values()) == pytest.approx(1, abs=1e-3)
        assert line["labels"] == [max(line["scores"], key=line["scores"].get)]
    rows = cli("predict", folder, "in.txt", "--text-unit", "line", "--format", "csv").out
    assert rows.splitlines()[0] == "id,label,score"
    assert [row.split(",")[1] for row in rows.splitlines()[1:]] == [*one["labels"], *two["labels"]]
    refused = cli("predict", folder, "in.txt", "--format", "conll")
    assert (refused.code, "is for entities; use jsonl or csv" in refused.err) == (2, True)


def test_several_labels_by_the_threshold_of_validation(
    model: Callable[..., Path], session: Session
) -> None:
    folder = model(classification(several=True))
    annotator = open_annotator(find_base(str(folder), Path()), session)
    examples = classification(several=True).splits["test"]
    annotations = annotator.annotate([example.text for example in examples])
    lines = (session.run.results / "town/base-seed-0.jsonl").read_text().splitlines()
    stored = [json.loads(line)["predicted"] for line in lines]
    assert [sorted(a["labels"]) for a in annotations] == [sorted(labels) for labels in stored]


@pytest.fixture
def in_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Source, ...]:
    """Twenty texts in a file, annotated and written three at a time."""
    monkeypatch.setattr(module, "CHUNK", 3)
    monkeypatch.setattr(workers, "CHUNK", 3)
    rows = (json.dumps({"text": f"{n}. {TEXT}"}) + "\n" for n in range(20))
    (tmp_path / "in.jsonl").write_text("".join(rows))
    return find_sources([CorpusSection(path="in.jsonl")], None, tmp_path)


def test_a_call_that_was_stopped_goes_on_with_the_same_bytes(
    tagger: Path, session: Session, tmp_path: Path, in_chunks: tuple[Source, ...]
) -> None:
    annotator = open_annotator(find_base(str(tagger), Path()), session)
    whole = list(predict(annotator, in_chunks, Output(None, "jsonl"), session))
    seen: list[int] = []

    def stopping(texts: list[str]) -> Any:
        seen.append(len(texts))
        if len(seen) == 4:
            raise Stopped("SIGTERM", "stopped")
        return annotator.annotate(texts)

    out = Output(tmp_path / "out.jsonl", "jsonl")
    stopper = workers.in_turn(SimpleNamespace(annotate=stopping))
    with pytest.raises(Stopped):
        list(predict(annotator, in_chunks, out, session, stopper))
    assert not (tmp_path / "out.jsonl").exists()
    with (tmp_path / ".out.jsonl.partial").open("ab") as stream:
        stream.write(b"half of a li")  # what a kill leaves behind the last whole chunk
    list(predict(annotator, in_chunks, out, session, stopper))
    assert seen == [3, 3, 3, 3, 3, 3, 3, 2]
    assert (tmp_path / "out.jsonl").read_text() == "".join(whole)
    assert not list(tmp_path.glob(".out*"))


@pytest.mark.slow
def test_several_processes_give_the_same_and_a_killed_one_is_said(
    tagger: Path, session: Session, tmp_path: Path, in_chunks: tuple[Source, ...]
) -> None:
    place = find_base(str(tagger), Path())
    annotator = open_annotator(place, session)
    whole = list(predict(annotator, in_chunks, Output(None, "jsonl"), session))
    out = Output(tmp_path / "out.jsonl", "jsonl")
    with workers.side_by_side(place, (), 2, session) as annotate:
        assert annotate
        assert (
            list(predict(annotator, in_chunks, Output(None, "jsonl"), session, annotate)) == whole
        )
        for child in multiprocessing.active_children():
            child.kill()
        with pytest.raises(RunFailed, match="a process of --processes died"):
            list(predict(annotator, in_chunks, out, session, annotate))
    assert not multiprocessing.active_children()
    gone = replace(place, folder=tmp_path / "gone")
    with workers.side_by_side(gone, (), 2, session) as annotate:
        assert annotate
        with pytest.raises(BaseModelError, match=r"config\.json is missing"):
            list(predict(annotator, in_chunks, Output(None, "jsonl"), session, annotate))
    list(predict(annotator, in_chunks, out, session))
    assert (tmp_path / "out.jsonl").read_text() == "".join(whole)


def test_standard_input_is_read_by_lines(
    tagger: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    stdin = SimpleNamespace(buffer=io.BytesIO(f"{TEXT}\nnothing\n".encode()))
    monkeypatch.setattr(sys, "stdin", stdin)
    lines = found(cli("predict", tagger, "-"))
    assert [(line["id"], line["text"]) for line in lines] == [
        ("stdin.txt:1", TEXT), ("stdin.txt:2", "nothing"),
    ]  # fmt: skip


def test_readers_of_a_domain(tagger: Path, cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text(
        "<PubmedArticleSet><PubmedArticle><MedlineCitation><PMID>1</PMID><Article>"
        "<ArticleTitle>the captain of the harbour moved it</ArticleTitle></Article>"
        "</MedlineCitation></PubmedArticle></PubmedArticleSet>"
    )
    words = ("--domain", "bio", "--reader", "pubmed")
    (line,) = found(cli("predict", tagger, tmp_path / "a.xml", *words))
    assert line["id"] == "pmid:1"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--format", "xml"], "--format xml: expected one of jsonl, csv"),
        (["--format", "brat"], "--format brat: writes two files per document; name a folder"),
        (["-o", "in.jsonl"], "in.jsonl: is there already"),
        (["--column", "abstract"], "no field 'abstract'"),
        (["--text-unit", "page"], "--text-unit: "),
        (["--reader", "none"], "none"),
        (["--processes", "0"], "greater than or equal to 1"),
    ],
)
def test_what_cannot_be_done_is_said(
    tagger: Path, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str],
    message: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    Path("in.jsonl").write_text('{"text": "x"}\n')
    refused = cli("predict", tagger, "in.jsonl", *words)
    assert (refused.code, message in " ".join(refused.err.split())) == (2, True), refused.err


def test_models_that_do_not_suit_are_named(
    tagger: Path, family_folder: Any, cli: Cli, tmp_path: Path, session: Session
) -> None:
    (tmp_path / "in.txt").write_text("x")
    refused = cli("predict", family_folder("bert"), tmp_path / "in.txt")
    assert (refused.code, "no fine-tuned model: its class is" in refused.err) == (2, True)
    config = json.loads((tagger / "config.json").read_text())
    config["id2label"]["1"] = "LABEL_1"
    (tagger / "config.json").write_text(json.dumps(config))
    (tagger / "MANIFEST.json").unlink()
    refused = cli("predict", tagger, tmp_path / "in.txt")
    assert (refused.code, "its outputs are O, LABEL_1" in refused.err) == (2, True), refused.err
    (tagger / "task.json").unlink()  # now it is a model of somebody else
    refused = cli("predict", tagger, tmp_path / "in.txt")
    assert (refused.code, "See `id2label` in its config.json" in refused.err) == (2, True)


@pytest.mark.parametrize("change", ["config.json", "task.json"])
def test_labels_in_another_order_are_refused(
    tagger: Path, cli: Cli, tmp_path: Path, change: str
) -> None:
    (tmp_path / "in.txt").write_text("x")
    entry = json.loads((tagger / change).read_text())
    if change == "config.json":
        names = [entry["id2label"][str(n)] for n in (0, 3, 4, 1, 2)]
        entry["id2label"] = dict(enumerate(names))
    else:
        entry["task"]["labels"] = entry["task"]["labels"][::-1]
    (tagger / change).write_text(json.dumps(entry))
    (tagger / "MANIFEST.json").unlink()
    refused = cli("predict", tagger, tmp_path / "in.txt")
    assert (refused.code, "config.json has the outputs in the order" in refused.err) == (2, True)
    assert "task.json in the order O, B-" in " ".join(refused.err.split())


@pytest.mark.parametrize("command", ["predict", "embed"])
def test_a_tokenizer_that_does_not_fit_is_named(
    tagger: Path, cli: Cli, tmp_path: Path, command: str
) -> None:
    (tmp_path / "in.txt").write_text("x")
    path = tagger / "tokenizer.json"
    tokenizer = json.loads(path.read_text())
    vocabulary = tokenizer["model"]["vocab"]
    vocabulary["quokka"] = len(vocabulary)
    path.write_text(json.dumps(tokenizer))
    (tagger / "MANIFEST.json").unlink()
    words = ["-o", tmp_path / "v.npy"] if command == "embed" else []
    refused = cli(command, tagger, tmp_path / "in.txt", *words)
    assert (refused.code, "do not belong together" in refused.err) == (2, True), refused.err


def test_other_schemes_and_models_of_others(tagger: Path, cli: Cli, tmp_path: Path) -> None:
    # Shorter than any window: what the length of windows was, only its own task.json says.
    (tmp_path / "in.txt").write_text("the captain of the harbour moved it")
    own = found(cli("predict", tagger, tmp_path / "in.txt"))
    (tagger / "task.json").unlink()
    (tagger / "MANIFEST.json").unlink()
    assert found(cli("predict", tagger, tmp_path / "in.txt")) == own
    config = json.loads((tagger / "config.json").read_text())
    for labels in (["O", "B-A", "I-A", "E-A", "S-A"], ["O", "A", "B", "C", "D"]):
        config["id2label"] = dict(enumerate(labels))
        (tagger / "config.json").write_text(json.dumps(config))
        refused = cli("predict", tagger, tmp_path / "in.txt")
        assert (refused.code, "other schemes than IOB2 cannot be read" in refused.err) == (2, True)


def test_a_folder_of_brat_belongs_to_one_call(
    tagger: Path, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ids = ["x", "x", "x-2", "a b", "a_b", "a_b-2"]
    lines = (json.dumps({"id": name, "text": f"{n}. {TEXT}"}) + "\n" for n, name in enumerate(ids))
    Path("in.jsonl").write_text("".join(lines))
    words = ("--format", "brat", "-o", "out")
    assert cli("predict", tagger, "in.jsonl", *words).code == 0
    texts = sorted(path.read_text() for path in Path("out").glob("*.txt"))
    assert texts == sorted(f"{n}. {TEXT}" for n in range(6))  # none took the place of another
    assert cli("predict", tagger, "in.jsonl", *words).code == 0
    Path("in.jsonl").write_text('{"id": "x", "text": "other"}\n')
    refused = cli("predict", tagger, "in.jsonl", *words)
    assert (refused.code, "of another model or other texts" in refused.err) == (2, True)
