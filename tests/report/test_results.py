from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domainbert.errors import DataError
from domainbert.plugin.domain import Prediction, Task
from domainbert.report.predictions import read_predictions
from domainbert.report.results import (
    Result,
    find_result,
    load_result,
    result_path,
    save_result,
)
from domainbert.tasks.metrics.score import score

PREDICTIONS = (
    Prediction(("O", "B-ROLE", "O"), ("O", "B-ROLE", "I-ROLE"), words=("The", "keeper", "left")),
    Prediction(("B-ROLE",), ("B-ROLE",), words=("Miller",)),
)

DATA = {"train": "1", "validation": "2", "test": "3"}


def of_kind(kind: str, *labels: str, **changes: Any) -> Task:
    return Task("town", "", kind, "", "", "3", {}, labels, data=DATA, **changes)


def entry(predictions: tuple[Prediction, ...] = PREDICTIONS) -> dict[str, Any]:
    labels = ["ROLE"]
    return {
        "model": {"name": "adapted", "run": "town", "sha256": "a" * 64, "tokens": 12},
        "task": {
            "name": "town", "version": "3", "kind": "tagging", "labels": labels,
            "data": DATA,
        },
        "seed": 2,
        "settings": {"epochs": 4, "learning_rate": 1e-4, "precision": "fp32"},
        "metric": "f1_strict",
        "test": score(of_kind("tagging", *labels), predictions),
        "validation": {"f1_strict": 1 / 3},
        "environment": {"python": "3.11"},
        "minutes": 1.5,
    }  # fmt: skip


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return result_path(tmp_path, "town", "adapted", 2)


def change(path: Path, **changes: Any) -> None:
    found = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**found, **changes}), encoding="utf-8")


def refused(path: Path) -> str:
    assert find_result(path) is None
    with pytest.raises(DataError) as caught:
        load_result(path)
    return str(caught.value).replace(str(path.parent) + "/", "")


def test_a_result_is_read_back_as_it_was(path: Path) -> None:
    made = save_result(path, entry(), PREDICTIONS)
    assert load_result(path) == (made, PREDICTIONS) == find_result(path)
    assert made.test["f1_strict"] == pytest.approx(0.5)


def test_files_of_a_result(path: Path, tmp_path: Path) -> None:
    save_result(path, entry(), PREDICTIONS)
    found = sorted(item.relative_to(tmp_path).as_posix() for item in tmp_path.rglob("*"))
    assert found == ["town", "town/adapted-seed-2.json", "town/adapted-seed-2.jsonl"]
    assert path.with_suffix(".jsonl").read_text(encoding="utf-8") == (
        '{"gold": ["O", "B-ROLE", "O"], "predicted": ["O", "B-ROLE", "I-ROLE"], '
        '"words": ["The", "keeper", "left"]}\n'
        '{"gold": ["B-ROLE"], "predicted": ["B-ROLE"], "words": ["Miller"]}\n'
    )


def test_there_is_no_result(path: Path) -> None:
    assert refused(path) == "adapted-seed-2.json: no such file."


@pytest.mark.parametrize("harm", ["edited", "shortened", "missing"])
def test_predictions_that_changed_are_refused(path: Path, harm: str) -> None:
    save_result(path, entry(), PREDICTIONS)
    predictions = path.with_suffix(".jsonl")
    text = predictions.read_text(encoding="utf-8")
    if harm == "missing":
        predictions.unlink()
        assert "predictions.file: no file 'adapted-seed-2.jsonl'" in refused(path)
    else:
        changed = text.replace("I-ROLE", "O") if harm == "edited" else text[:-1]
        predictions.write_text(changed, encoding="utf-8")
        assert "is not the file that adapted-seed-2.json was written with" in refused(path)


def test_an_edited_score_is_refused(path: Path) -> None:
    save_result(path, entry(), PREDICTIONS)
    change(path, test={**entry()["test"], "f1_strict": 0.99})
    assert refused(path) == (
        "adapted-seed-2.json: test.f1_strict: 0.99 is not what its predictions give, 0.5. The file "
        "was edited or written by another version."
    )


@pytest.mark.parametrize("version", [1, 3, None, "2", 2.0, True])
def test_another_schema_is_refused(path: Path, version: object) -> None:
    save_result(path, entry(), PREDICTIONS)
    change(path, schema=version)
    assert refused(path) == (
        f"adapted-seed-2.json: schema: {version!r}; this version reads schema 2. Evaluate again, "
        "or use the version that wrote it."
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"more": 1}, "more: Extra inputs are not permitted."),
        ({"seed": "0"}, "seed: Input should be a valid integer."),
        ({"minutes": -1.0}, "minutes: Input should be greater than or equal to 0."),
        ({"test": {"f1_strict": float("nan")}}, "test.f1_strict: Input should be a finite number."),
        ({"model": {}}, "model.name: Field required."),
    ],
)
def test_a_malformed_result_is_refused(path: Path, changes: dict[str, Any], message: str) -> None:
    save_result(path, entry(), PREDICTIONS)
    change(path, **changes)
    assert refused(path) == f"adapted-seed-2.json: {message}"


def test_a_truncated_result_is_refused(path: Path) -> None:
    save_result(path, entry(), PREDICTIONS)
    path.write_bytes(path.read_bytes()[:200])
    assert refused(path).startswith("adapted-seed-2.json: no readable JSON: ")


def test_another_order_of_labels_is_another_task(path: Path) -> None:
    save_result(path, entry(), PREDICTIONS)
    task = json.loads(path.read_text(encoding="utf-8"))["task"]
    change(path, task={**task, "labels": ["PLACE"]})
    with pytest.raises(DataError, match="record 1: 'B-ROLE' is no label of the task"):
        load_result(path)


WORDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=6) | st.sampled_from(
    ["x\ry", "\r", "\n", "x\x85y", "x\u2028y", "10\u00a0mg", "O", '"', "\\"]
)


@given(words=st.lists(st.lists(WORDS, min_size=1, max_size=4), min_size=1, max_size=4))
@settings(deadline=None, max_examples=40)
def test_odd_words_are_read_back(
    tmp_path_factory: pytest.TempPathFactory, words: list[list[str]]
) -> None:
    path = tmp_path_factory.getbasetemp() / "odd" / "model-seed-0.json"
    tags = [("B-ROLE",) * len(row) for row in words]
    predictions = tuple(
        Prediction(tag, tag, words=tuple(row)) for row, tag in zip(words, tags, strict=True)
    )
    save_result(path, entry(predictions), predictions)
    found = find_result(path)
    assert found is not None
    assert found[1] == predictions


@pytest.mark.parametrize("text", ["[" * 100_000, '{"schema": 2', "", "\xff", '{"a": "\\ud800"}'])
def test_a_file_that_is_no_json_is_refused(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(text.encode("latin-1"))
    assert refused(path).startswith("adapted-seed-2.json: no readable JSON: ")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_is_none_is_refused_wherever_it_stands(path: Path, value: float) -> None:
    save_result(path, entry(), PREDICTIONS)
    change(path, settings={"epochs": [1, value]})
    assert "settings.epochs.list.1.float: Input should be a finite number." in refused(path)


def test_all_wrong_keys_are_told_at_once(path: Path) -> None:
    save_result(path, entry(), PREDICTIONS)
    change(path, task={}, model={"name": "x", "more": 1})
    assert refused(path).splitlines() == [
        "adapted-seed-2.json: model.more: Extra inputs are not permitted.",
        "adapted-seed-2.json: task.name: Field required.",
        "adapted-seed-2.json: task.version: Field required.",
        "adapted-seed-2.json: task.kind: Field required.",
        "adapted-seed-2.json: task.labels: Field required.",
        "adapted-seed-2.json: and 1 more.",
    ]


def test_a_metric_that_is_not_the_headline_is_refused(path: Path) -> None:
    save_result(path, entry(), PREDICTIONS)
    change(path, metric="f1_default")
    assert refused(path) == (
        "adapted-seed-2.json: metric: models are compared by 'f1_strict' on such a task, not by "
        "'f1_default'. It was written by another version: evaluate again."
    )


@pytest.mark.parametrize("changed", [{}, {"f1_strict": 0.5, "more": 0.5}])
def test_scores_that_are_missing_or_unknown_are_refused(
    path: Path, changed: dict[str, float]
) -> None:
    save_result(path, entry(), PREDICTIONS)
    change(path, test=changed)
    assert "is not what its predictions give" in refused(path)


@pytest.mark.parametrize("name", ["../other.jsonl", "/etc/hostname", "..", "none\x00.jsonl"])
def test_predictions_stand_beside_their_result(path: Path, name: str) -> None:
    save_result(path, entry(), PREDICTIONS)
    (path.parent.parent / "other.jsonl").write_text("", encoding="utf-8")
    change(path, predictions={"file": name, "sha256": "0" * 64})
    assert f"predictions.file: no file {name!r} beside it" in refused(path)


def test_scores_may_differ_in_their_last_digits(path: Path) -> None:
    save_result(path, entry(), PREDICTIONS)
    change(path, test={name: value + 1e-12 for name, value in entry()["test"].items()})
    assert find_result(path) is not None


TAGS = of_kind("tagging", "ROLE")
ONE = of_kind("classification", "a", "b")
MANY = of_kind("classification", "a", "b", multi_label=True)


@pytest.mark.parametrize(
    ("task", "text", "message"),
    [
        (ONE, "", "Invalid JSON"),
        (ONE, '{"gold": ["a"]}', "predicted: Field required."),
        (ONE, '{"gold": "a", "predicted": ["a"]}', "gold: Input should be a valid array."),
        (ONE, '{"gold": [1], "predicted": ["a"]}', "gold.0: Input should be a valid string."),
        (ONE, '{"gold": ["a"], "predicted": ["a"], "x": 1}', "x: Extra inputs are not permitted."),
        (ONE, '{"gold": ["a", "b"], "predicted": ["a"]}', "exactly one gold and one predicted"),
        (ONE, '{"gold": ["a"], "predicted": []}', "exactly one gold and one predicted"),
        (MANY, '{"gold": [], "predicted": ["a", "a"]}', "a label is named twice."),
        (TAGS, '{"gold": ["O"], "predicted": ["O", "O"]}', "as many gold tags"),
        (TAGS, '{"gold": ["O"], "predicted": ["O"], "words": ["a", "b"]}', "as many gold tags"),
        (TAGS, '{"gold": [], "predicted": []}', "gold: a sentence without a word."),
    ],
)
def test_a_malformed_prediction_is_refused_with_its_line(
    tmp_path: Path, task: Task, text: str, message: str
) -> None:
    good = {"tagging": '{"gold": ["O"], "predicted": ["O"]}'}.get(
        task.kind, '{"gold": ["a"], "predicted": ["b"]}'
    )
    path = tmp_path / "x.jsonl"
    path.write_text(f"{good}\n{text}\n", encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read_predictions(path, task)
    assert str(caught.value).startswith(f"{path}:2: {message}")


def test_the_schema_allows_what_is_written(path: Path) -> None:
    save_result(path, entry(), PREDICTIONS)
    schema = Result.model_json_schema(by_alias=True)
    found = json.loads(path.read_text(encoding="utf-8"))
    assert set(schema["required"]) <= set(found) == set(schema["properties"])
    assert schema["additionalProperties"] is False
