from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers.tasks import labelled

from domainbert.errors import DataError
from domainbert.plugin.domain import Prediction
from domainbert.report.results import Result, differing, result_path, save_result, task_entry
from domainbert.report.scored import find_result, load_result
from domainbert.tasks.metrics.score import score

TASK = labelled("tagging", "ROLE")
PREDICTIONS = (
    Prediction(("O", "B-ROLE", "O"), ("O", "B-ROLE", "I-ROLE"), words=("The", "keeper", "left")),
    Prediction(("B-ROLE",), ("B-ROLE",), words=("Miller",)),
)
SCORES = score(TASK, PREDICTIONS)


def save(path: Path, predictions: tuple[Prediction, ...] = PREDICTIONS, **changes: Any) -> Result:
    entry = {
        "model": {"name": "adapted", "run": "town", "sha256": "a" * 64, "tokens": 12},
        "task": task_entry(TASK), "seed": 2, "metric": "f1_strict", "test": SCORES,
        "settings": {"epochs": 4, "learning_rate": 1e-4}, "validation": {"f1_strict": 1 / 3},
        "environment": {"python": "3.11"}, "minutes": 1.5,
    }  # fmt: skip
    return save_result(path, {**entry, **changes}, predictions)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return result_path(tmp_path, "town", "adapted", 2)


@contextmanager
def edited(path: Path) -> Iterator[dict[str, Any]]:
    entry = json.loads(path.read_text(encoding="utf-8"))
    yield entry
    path.write_text(json.dumps(entry), encoding="utf-8")


def refused(path: Path) -> str:
    assert find_result(path) is None
    with pytest.raises(DataError) as caught:
        load_result(path)
    return str(caught.value).replace(str(path.parent) + "/", "")


def test_a_result_is_read_back_as_it_was(path: Path, tmp_path: Path) -> None:
    made = save(path)
    scored = load_result(path)
    assert scored.result == made
    assert scored.result.task == TASK
    assert scored.result.test["f1_strict"] == pytest.approx(0.5)
    assert scored.records.tolist() == [[0, 1, 1], [1, 1, 1]]
    files = sorted(item.relative_to(tmp_path).as_posix() for item in tmp_path.rglob("*"))
    assert files == ["town", "town/adapted-seed-2.json", "town/adapted-seed-2.jsonl"]
    assert path.with_suffix(".jsonl").read_text(encoding="utf-8") == (
        '{"gold": ["O", "B-ROLE", "O"], "predicted": ["O", "B-ROLE", "I-ROLE"], '
        '"words": ["The", "keeper", "left"]}\n'
        '{"gold": ["B-ROLE"], "predicted": ["B-ROLE"], "words": ["Miller"]}\n'
    )


@pytest.mark.parametrize("harm", [lambda text: text.replace("I-ROLE", "O"), lambda text: text[:-1]])
def test_predictions_that_changed_are_refused(path: Path, harm: Any) -> None:
    save(path)
    predictions = path.with_suffix(".jsonl")
    predictions.write_text(harm(predictions.read_text("utf-8")), "utf-8")
    assert "is not the file that adapted-seed-2.json was written with" in refused(path)


SCHEMAS = "; this version reads schemas 2 and 3. Evaluate again, or use the version that wrote it."


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        *(({"schema": value}, f"schema: {value!r}{SCHEMAS}") for value in (1, 4, None)),
        ({"more": 1}, "more: Extra inputs are not permitted."),
        ({"test": {"f1_strict": float("nan")}}, "no readable JSON: expected value"),
        ({"model": {"name": "x", "tokens": 10**400}}, "model.tokens: "),
        *(({"predictions": {"file": name, "sha256": ""}}, f"predictions.file: no file {name!r}")
          for name in ("../other.jsonl", "/etc/hostname", "none\x00.jsonl")),
        ({"task": {**task_entry(TASK), "labels": ["x", "x"]}}, "task.labels: "),
    ],
)  # fmt: skip
def test_a_malformed_result_is_refused(path: Path, changes: dict[str, Any], message: str) -> None:
    save(path)
    (path.parent.parent / "other.jsonl").write_text("", encoding="utf-8")
    with edited(path) as entry:
        entry |= changes
    assert refused(path).startswith(f"adapted-seed-2.json: {message}")


@pytest.mark.parametrize("text", ["[" * 100_000, "", "\xff"])
def test_a_file_that_is_no_json_is_refused(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(text.encode("latin-1"))
    assert refused(path).startswith("adapted-seed-2.json: no readable JSON: ")


def test_odd_words_are_read_back(path: Path) -> None:
    words = ("x\ry", "\r", "\n", "x\x85y", "x\u2028y", "10\u00a0mg", '"', "\\")
    tags = ("B-ROLE",) * len(words)
    predictions = (Prediction(tags, tags, words=words),)
    save(path, predictions, test=score(TASK, predictions))
    assert load_result(path).n_records == 1


MANY = {"kind": "classification", "labels": ["a", "b"], "multi_label": True}


@pytest.mark.parametrize(
    ("task", "line", "message"),
    [
        ({}, "", "Invalid JSON"),
        ({}, '{"gold": ["B-PLACE"], "predicted": ["O"]}', "'B-PLACE' is no label"),
        (MANY, '{"gold": [], "predicted": ["a", "a"]}', "a label is named twice."),
    ],
)  # fmt: skip
def test_a_malformed_prediction_is_refused_with_its_line(
    path: Path, task: dict[str, Any], line: str, message: str
) -> None:
    save(path)
    tag = "a" if task else "O"
    content = f'{{"gold": ["{tag}"], "predicted": ["{tag}"]}}\n{line}\n'.encode()
    path.with_suffix(".jsonl").write_bytes(content)
    with edited(path) as entry:
        entry["predictions"]["sha256"] = hashlib.sha256(content).hexdigest()
        entry["task"] |= task
    assert refused(path).startswith(f"adapted-seed-2.jsonl:2: {message}")


def test_the_score_without_records_of_train_is_computed_from_the_predictions(path: Path) -> None:
    save(path, in_train=(0,))
    alone = score(TASK, PREDICTIONS[1:])["f1_strict"]
    assert load_result(path).clean == alone != SCORES["f1_strict"]
    # A result from before these numbers were kept gets them from the task.
    save(path)
    assert (load_result(path).clean, load_result(path, (), (0,)).clean) == (None, alone)
    save(path, in_train=(0, 1))
    assert load_result(path).clean is None  # nothing is left


def test_runs_of_predictions_made_elsewhere_have_one_row_and_a_seeded_baseline_another(
    path: Path,
) -> None:
    keys = set()
    for sha256 in "ab":
        about = {"date": "2026-05-01", "source": "a prompt", "sha256": sha256 * 64}
        save(path, model={"name": "some-llm", **about}, settings={})
        made = load_result(path)
        assert (made.is_baseline, made.noun) == (False, "run")
        assert made.result.model.outside == "2026-05-01, a prompt"
        keys.add(made.model_key)
    assert len(keys) == 1
    for start in "ab":
        save(path, model={"name": "b", "seeded": True, "starts_from": start}, settings={})
        made = load_result(path)
        assert (made.is_baseline, made.noun, made.result.model.outside) == (True, "seed", "")
        keys.add(made.model_key)
    assert len(keys) == 3


def test_marks_and_scores_are_read_back(path: Path) -> None:
    marked = tuple(replace(p, seen=(n == 0,)) for n, p in enumerate(PREDICTIONS))
    metrics = ("recall_seen", "recall_unseen")
    scores = score(labelled("tagging", "ROLE", metrics=metrics), marked)
    assert [scores[name] for name in metrics] == [0.0, 1.0]
    save(path, marked, test=scores)
    line = path.with_suffix(".jsonl").read_text("utf-8").splitlines()[1]
    assert line == (
        '{"gold": ["B-ROLE"], "predicted": ["B-ROLE"], "words": ["Miller"], "seen": [false]}'
    )
    assert load_result(path).result.test == scores
    assert load_result(path).unchecked == ()


TWO = labelled("classification", "a", "b")
OLD = (Prediction(("a",), ("a",), ("a", "b")), Prediction(("b",), ("a",), ("a", "b")))
NEW = tuple(replace(p, scores=(-0.25, -1.5)) for p in OLD)


def test_a_result_without_scores_of_all_classes_keeps_its_scores(path: Path) -> None:
    scores = score(TWO, OLD)
    save(path, OLD, task=task_entry(TWO), test=scores)
    assert load_result(path).result.test == scores
    assert find_result(path, ["auroc"]) is None
    with pytest.raises(DataError) as caught:
        load_result(path, ["auroc"])
    lack = "metric 'auroc': 2 of 2 predictions lack the scores of all classes; evaluate again."
    assert str(caught.value) == f"{path}: {lack}"
    save(path, NEW, task=task_entry(TWO), test=scores)
    assert load_result(path, ["auroc"]).result.test == {**scores, "auroc": 0.5}


def test_a_metric_of_another_kind_is_kept_as_stored(path: Path) -> None:
    task = {**task_entry(TASK), "metrics": ["accuracy"]}  # tagging tasks might once name any
    save(path, task=task, test=SCORES | {"accuracy": 0.5})
    read = load_result(path, ["mcc", "f1_strict/PLACE"])
    assert (read.unchecked, read.result.test) == (("accuracy",), SCORES | {"accuracy": 0.5})


NAN = '{"gold": ["a"], "predicted": ["a"], "ranking": ["a", "b"], "scores": [NaN, 1]}'


@pytest.mark.parametrize(
    ("labels", "line", "message"),
    [
        (["a", "c"], None, "jsonl:1: 'b' is no label of the task (a, c)."),
        (["a", "b"], NAN, "jsonl:1: scores.0: "),
        (["a", "b"], NAN.replace("[NaN, 1]", "[1]"), "jsonl:1: 1 scores of 2 ranked labels."),
        (["a", "b"], NAN.replace("NaN", "0.5"),
         "jsonl:1: the scores of the ranking do not fall."),
    ],
)  # fmt: skip
def test_predictions_of_other_labels_or_with_odd_scores_are_refused(
    path: Path, labels: list[str], line: str | None, message: str
) -> None:
    save(path, NEW, task=task_entry(TWO), test=score(TWO, NEW))
    content = path.with_suffix(".jsonl").read_bytes()
    content = content if line is None else f"{line}\n".encode()
    path.with_suffix(".jsonl").write_bytes(content)
    with edited(path) as entry:
        entry["predictions"]["sha256"] = hashlib.sha256(content).hexdigest()
        entry["task"]["labels"] = labels
    assert refused(path).startswith(f"adapted-seed-2.{message}")


def test_labels_in_another_order_are_another_task(path: Path) -> None:
    save(path, NEW, task=task_entry(TWO), test=score(TWO, NEW))
    before = load_result(path)
    with edited(path) as entry:
        entry["task"]["labels"] = ["b", "a"]
    after = load_result(path)
    assert after.task_key != before.task_key
    assert differing([before.result.task, after.result.task]) == ["labels"]
