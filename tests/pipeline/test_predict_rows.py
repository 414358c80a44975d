"""`domainbert predict` on rows of tables: pairs, choices, numbers, relations and questions."""

from __future__ import annotations

import csv
import io
import json
import math
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from helpers.pairs import pairs, questions, ratings
from helpers.rows import LOADED, row_of
from helpers.tasks import SETTINGS, question_answering

from domainbert.corpus.sources import Source, find_sources
from domainbert.errors import DataError, RecipeError, Stopped
from domainbert.model.load import find_base
from domainbert.pipeline import predict as module
from domainbert.pipeline import workers
from domainbert.pipeline.annotate import Annotator, open_annotator
from domainbert.pipeline.evaluate import evaluate
from domainbert.pipeline.kept import kept_models
from domainbert.pipeline.predict import Output, predict
from domainbert.pipeline.trial import ModelUnderTest
from domainbert.plugin.components import LoadedTask
from domainbert.recipe.corpus import CorpusSection
from domainbert.recipe.tasks import TaskSection
from domainbert.run.session import Session
from domainbert.storage.files import read_json, sha256_file
from domainbert.tasks.metrics.score import kind_of
from domainbert.tasks.outside import load_outside

Cli = Callable[..., Any]
Model = Callable[..., Path]
Row = dict[str, Any]


@pytest.fixture
def model(family_folder: Any, session: Session) -> Model:
    """Fine-tune a tiny model on a task, and return its folder."""

    def make(loaded: LoadedTask, **changes: Any) -> Path:
        folder = family_folder("bert")
        base = ModelUnderTest("base", folder, sha256_file(folder / "model.safetensors"))
        about = {"seeds": (0,), "epochs": 6, "baselines": False, **changes}
        evaluate([base], [loaded], SETTINGS.model_copy(update=about), session)
        ((kept, _),) = kept_models(session.run, loaded.task.name)
        return kept

    return make


def stored(session: Session) -> list[Row]:
    lines = (session.run.results / "town/base-seed-0.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def write(path: Path, rows: list[Row]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def sources(path: Path, **given: Any) -> tuple[Source, ...]:
    return find_sources([CorpusSection.model_validate({"path": str(path), **given})], None, Path())


def predicted(annotator: Annotator, path: Path, session: Session, form: str = "jsonl") -> str:
    return "".join(predict(annotator, sources(path), Output(None, form), session))


def check_said(kind: str, found: Row, line: Row) -> None:
    """Compare what `predict` says with the stored prediction of the same record."""
    (expected,) = line["predicted"] or ["none"]  # the null class is stored as no class
    if kind == "regression":
        assert found["score"] == pytest.approx(float(expected), rel=1e-4)
    elif kind == "question-answering":
        assert found["answer"] == expected
        if expected:
            assert found["context"][found["start"] : found["end"]] == expected
        else:
            assert found["start"] is None and found["end"] is None
        parts = [math.exp(score - line["scores"][0]) for score in line["scores"]]
        share = parts[line["ranking"].index(expected)] / sum(parts)
        assert found["score"] == pytest.approx(share, abs=1e-3)
    else:
        assert found["label"] == expected
        assert list(found["scores"]) == line["ranking"]
        if "scores" in line:  # logarithms of the same probabilities
            chances = [math.exp(score) for score in line["scores"]]
            assert list(found["scores"].values()) == pytest.approx(chances, abs=1e-3)


HEADERS = {
    "pairs": ["id", "label", "score"], "multiple-choice": ["id", "label", "score"],
    "relation": ["id", "label", "score"], "regression": ["id", "score"],
    "question-answering": ["id", "answer", "start", "end", "score"],
}  # fmt: skip
BAD: dict[str, list[tuple[Row, str]]] = {
    "pairs": [
        ({"text": "a"}, "no column 'second'; there are text"),
        ({"other": "a"}, "expected `text`, `second`; it has other."),
        ({"text": "a", "second": " "}, "the text in `second` is empty."),
        ({"text": "a", "second": "\ud800"}, "holds half of a surrogate pair, which is no text."),
    ],
    "multiple-choice": [
        ({"text": "a", "choices": ["b"]}, "1 choices; expected 2 to 26."),
        ({"text": "a"}, "expected a list of texts in `choices`; there are "),
    ],
    "regression": [({"text": "a", "second": "b"}, "expected `text`; it has text, second.")],
    "rated pairs": [({"text": "a"}, "expected `text`, `second`; it has text.")],
    "relation": [
        ({"text": "a b", "first": [0, 1]}, "one entity; expected `first` and "),
        ({"text": "a b", "first": [0, 1], "second": [0, 1]}, "both entities are 'a' at"),
        ({"text": "a b", "first": [0, 1], "second": [2, 9]}, "`second`: offsets 2 to 9 lie"),
    ],
    "question-answering": [
        ({"question": "a"}, "no `context`; there are question."),
        ({"question": "a", "context": ""}, "expected `context` as text, found ''."),
    ],
}


@pytest.mark.slow
@pytest.mark.parametrize("name", LOADED)
def test_rows_get_the_stored_predictions_of_the_test_split(
    model: Model, session: Session, tmp_path: Path, name: str
) -> None:
    loaded = LOADED[name]()
    folder, lines = model(loaded), stored(session)
    annotator = open_annotator(find_base(str(folder), Path()), session)
    rows = [row_of(record) for record in loaded.splits["test"]]
    given = [{"id": f"r{n}", "label": "gold", **row} for n, row in enumerate(rows)]
    path = write(tmp_path / "in.jsonl", given)
    found = [json.loads(line) for line in predicted(annotator, path, session).splitlines()]
    assert [line["id"] for line in found] == [row["id"] for row in given]
    plain = json.loads(json.dumps(rows))
    assert [{key: line[key] for key in rows[0]} for line in found] == plain
    for one, line in zip(found, lines, strict=True):
        check_said(loaded.task.kind, one, line)
    kind, about = kind_of(loaded.task), read_json(folder / "task.json")
    assert about["inputs"] == [name for name in kind.inputs if name in rows[0]]
    check_table(predicted(annotator, path, session, "csv"), found, HEADERS[kind.name])
    check_outside(loaded, found, lines, tmp_path)
    check_bad_rows(annotator, session, tmp_path, rows[0], BAD[name])


def check_table(table: str, found: list[Row], header: list[str]) -> None:
    """Compare a CSV with the lines of JSON."""
    cells = list(csv.reader(io.StringIO(table)))
    expected = [header]
    for line in found:
        score = line["scores"][line["label"]] if "label" in line else line["score"]
        said = {**line, "score": score}
        expected.append(["" if said[key] is None else str(said[key]) for key in header])
    assert cells == expected


def check_outside(loaded: LoadedTask, found: list[Row], lines: list[Row], folder: Path) -> None:
    """Read what `predict` wrote as predictions made elsewhere: they are those of the model."""
    write(folder / "made.jsonl", [{**line, "number": n} for n, line in enumerate(found, 1)])
    about = {"file": "made.jsonl", "name": "ours", "date": "2026-05-01"}
    section = TaskSection.model_validate({"name": "town", "predictions": [about]})
    kind, records = kind_of(loaded.task), loaded.splits["test"]
    read = load_outside(section, kind, loaded.task, records, folder)[0].predictions
    for one, line in zip(read, lines, strict=True):
        assert list(one.gold) == line["gold"]
        if kind.name == "regression":
            number, expected = float(one.predicted[0]), float(line["predicted"][0])
            assert number == pytest.approx(expected, rel=1e-4)
        else:
            assert list(one.predicted) == line["predicted"]


def check_bad_rows(
    annotator: Annotator, session: Session, folder: Path, good: Row, bad: list[tuple[Row, str]]
) -> None:
    """A bad row is named, and the rows before it are no finished output."""
    for row, message in bad:
        path, out = write(folder / "bad.jsonl", [good, row, good]), folder / "out"
        with pytest.raises(DataError) as caught:
            list(predict(annotator, sources(path), Output(out, "jsonl"), session))
        assert str(caught.value).startswith(f"{path}:2: {message}")
        assert not out.exists()


@pytest.mark.parametrize("name", ["pairs", "question-answering"])
def test_long_texts_are_read_in_windows(
    model: Model, session: Session, tmp_path: Path, name: str
) -> None:
    loaded = LOADED[name]()
    folder = model(loaded, long_texts="window", max_seq_length=10, epochs=2)
    annotator = open_annotator(find_base(str(folder), Path()), session)
    path = write(tmp_path / "in.jsonl", [row_of(record) for record in loaded.splits["test"]])
    found = predicted(annotator, path, session).splitlines()
    for one, line in zip(found, stored(session), strict=True):
        check_said(loaded.task.kind, json.loads(one), line)


def test_a_table_of_other_usual_names_and_standard_input(
    model: Model, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder, rows = model(pairs()), [row_of(pair) for pair in pairs().splits["test"]]
    write(Path("in.jsonl"), rows)
    expected = cli("predict", folder, "in.jsonl")
    assert expected.code == 0, expected.err
    with Path("in.csv").open("w", newline="") as stream:
        table = csv.writer(stream)
        table.writerows([("premise", "hypothesis"), *(row.values() for row in rows)])
    labels = [json.loads(line)["label"] for line in expected.out.splitlines()]
    for outcome in (
        cli("predict", folder, "in.csv"),
        cli("predict", folder, "in.csv", "--reader", "csv"),
    ):
        assert [json.loads(line)["label"] for line in outcome.out.splitlines()] == labels
    stdin = SimpleNamespace(buffer=io.BytesIO(Path("in.jsonl").read_bytes()))
    monkeypatch.setattr(sys, "stdin", stdin)
    found = cli("predict", folder, "-", "--reader", "jsonl")
    assert found.out == expected.out.replace("in.jsonl:", "stdin.txt:")
    assert cli("predict", folder, "in.jsonl", "-o", "out.jsonl").code == 0
    assert Path("out.jsonl").read_text() == expected.out


def test_the_columns_of_the_task_are_read(model: Model, session: Session, tmp_path: Path) -> None:
    loaded = questions()
    columns = {"text": "stem", "choices": ("opa", "opb", "opc"), "label": "cop"}
    folder = model(replace(loaded, task=replace(loaded.task, columns=columns)), epochs=2)
    annotator = open_annotator(find_base(str(folder), Path()), session)
    records = loaded.splits["test"]
    with (tmp_path / "in.csv").open("w", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(("stem", "opa", "opb", "opc"))
        table.writerows((one.text, *one.choices) for one in records)
    made = predicted(annotator, tmp_path / "in.csv", session).splitlines()
    labels = [json.loads(line)["label"] for line in made]
    assert labels == [line["predicted"][0] for line in stored(session)]
    (tmp_path / "odd.csv").write_text("a\nb\n")
    with pytest.raises(DataError, match=r"odd.csv:2: expected `stem`, `opa`, `opb`, `opc`; it has"):
        predicted(annotator, tmp_path / "odd.csv", session)


def test_usual_names_will_do_where_the_task_has_others(
    model: Model, session: Session, tmp_path: Path
) -> None:
    task = replace(pairs().task, columns={"text": "one", "second": "two"})
    folder = model(replace(pairs(), task=task), epochs=1)
    pair = open_annotator(find_base(str(folder), Path()), session)
    for names in (("one", "two"), ("premise", "hypothesis"), ("text", "second")):
        path = write(tmp_path / "in.jsonl", [dict(zip(names, ("a", "b"), strict=True))])
        (line,) = predicted(pair, path, session).splitlines()
        assert (json.loads(line)["text"], json.loads(line)["second"]) == ("a", "b")


def test_files_and_options_of_texts_are_refused(
    model: Model, session: Session, tmp_path: Path
) -> None:
    annotator = open_annotator(find_base(str(model(ratings(True), epochs=1)), Path()), session)
    (tmp_path / "in.txt").write_text("a\n")
    with pytest.raises(RecipeError, match="regression reads tables with `text`, `second`, such"):
        list(predict(annotator, sources(tmp_path / "in.txt"), Output(None, "jsonl"), session))
    path = write(tmp_path / "in.jsonl", [{"text": "a", "second": "b"}])
    named = sources(path, columns={"text": "body"})
    with pytest.raises(RecipeError, match="--column: is for texts; regression reads the columns"):
        list(predict(annotator, named, Output(None, "jsonl"), session))
    with pytest.raises(RecipeError, match="--format conll: is for entities"):
        list(predict(annotator, sources(path), Output(None, "conll"), session))


def test_a_stopped_call_goes_on(
    model: Model, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHUNK", 5)
    monkeypatch.setattr(workers, "CHUNK", 5)
    loaded = question_answering(unanswered=True)
    annotator = open_annotator(find_base(str(model(loaded)), Path()), session)
    path = write(tmp_path / "in.jsonl", [row_of(record) for record in loaded.splits["test"]])
    whole, seen = predicted(annotator, path, session), list[int]()

    def stopping(items: list[Any]) -> Any:
        seen.append(len(items))
        if len(seen) == 3:
            raise Stopped("SIGTERM", "stopped")
        return annotator.annotate(items)

    out = Output(tmp_path / "out.jsonl", "jsonl")
    stopper = workers.in_turn(SimpleNamespace(annotate=stopping))  # type: ignore[arg-type]
    with pytest.raises(Stopped):
        list(predict(annotator, sources(path), out, session, stopper))
    list(predict(annotator, sources(path), out, session, stopper))
    assert seen == [5, 5, 5, 5, 5, 4]
    assert (tmp_path / "out.jsonl").read_text() == whole
