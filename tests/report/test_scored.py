from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from helpers.tasks import labelled

from domainbert.errors import DataError
from domainbert.plugin.domain import Prediction
from domainbert.report.results import Result, result_path, save_result, task_entry
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
    schema = Result.model_json_schema(by_alias=True)
    keys = set(json.loads(path.read_text(encoding="utf-8")))
    assert set(schema["required"]) <= keys == set(schema["properties"])
    assert schema["additionalProperties"] is False


def test_missing_and_additional_metrics_are_computed_and_unknown_ones_kept(path: Path) -> None:
    save(path, test={"f1_default": SCORES["f1_default"], "charm": 0.25}, metric="charm")
    scored = load_result(path, ["accuracy"])
    assert scored.result.test == {**SCORES, "accuracy": 0.5, "charm": 0.25}
    assert (scored.result.metric, scored.unchecked) == ("f1_strict", ("charm",))
    save(path, task={**task_entry(TASK), "metrics": ["accuracy", "charm"]}, test={})
    assert load_result(path).result.test == {**SCORES, "accuracy": 0.5}


def test_old_names_of_settings_are_read_as_the_new_ones(path: Path) -> None:
    new = {"layerwise_lr_decay": 0.9, "max_seq_length": 64, "warmup_ratio": 0.1, "epochs": 4}
    save(path, settings=new)
    key = load_result(path).model_key
    with edited(path) as entry:
        entry["schema"] = 2
        entry["settings"] = {"layer_rate_decay": 0.9, "max_length": 64, "warmup": 0.1, "epochs": 4}
        del entry["task"]["metrics"]
    assert load_result(path).result.settings == new
    assert load_result(path).model_key == key


def test_a_kind_that_nobody_provides_is_refused_by_name(path: Path) -> None:
    versions = {"domainbert-pairs": "0.2", "numpy": "2"}
    save(path, task={**task_entry(TASK), "kind": "pairs"}, environment={"versions": versions})
    message = refused(path)
    assert message.startswith(
        "adapted-seed-2.json: task.kind: no installed plugin provides the kin"
    )
    assert message.endswith("; the result was written with domainbert-pairs.")


@pytest.mark.parametrize("harm", [lambda text: text.replace("I-ROLE", "O"), lambda text: text[:-1]])
def test_predictions_that_changed_are_refused(path: Path, harm: Any) -> None:
    save(path)
    predictions = path.with_suffix(".jsonl")
    predictions.write_text(harm(predictions.read_text("utf-8")), "utf-8")
    assert "is not the file that adapted-seed-2.json was written with" in refused(path)


def test_an_edited_score_is_refused_and_the_last_digits_are_not_looked_at(path: Path) -> None:
    save(path, test={name: value + 1e-12 for name, value in SCORES.items()})
    assert find_result(path) is not None
    save(path, test={**SCORES, "f1_strict": 0.99})
    message = "adapted-seed-2.json: test.f1_strict: 0.99 is not the score of its predictions, 0.5."
    assert refused(path).startswith(message)


NO_NUMBER = "no readable JSON: expected value"
SCHEMAS = "; this version reads schemas 2 and 3. Evaluate again, or use the version that wrote it."


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        *(({"schema": value}, f"schema: {value!r}{SCHEMAS}") for value in (1, 4, None, "2", True)),
        ({"more": 1}, "more: Extra inputs are not permitted."),
        ({"seed": "0"}, "seed: Input should be a valid integer."),
        ({"seed": 2**40}, "seed: "),
        ({"minutes": -1.0}, "minutes: Input should be greater than or equal to 0."),
        ({"minutes": 1e300}, "minutes: "),
        ({"test": {"f1_strict": float("nan")}}, NO_NUMBER),
        ({"settings": {"epochs": [1, float("inf")]}}, NO_NUMBER),
        ({"model": {"name": "x", "tokens": 10**400}}, "model.tokens: "),
        ({"predictions": {"file": "x"}}, "predictions: "),
        *(({"predictions": {"file": name, "sha256": ""}}, f"predictions.file: no file {name!r}")
          for name in ("../other.jsonl", "/etc/hostname", "..", "none\x00.jsonl", "none.jsonl")),
        ({"task": {**task_entry(TASK), "labels": ["x", "x"]}}, "task.labels: "),
        ({"task": {**task_entry(TASK), "data": {}}}, "task 'town': missing splits"),
    ],
)  # fmt: skip
def test_a_malformed_result_is_refused(path: Path, changes: dict[str, Any], message: str) -> None:
    save(path)
    (path.parent.parent / "other.jsonl").write_text("", encoding="utf-8")
    with edited(path) as entry:
        entry |= changes
    assert refused(path).startswith(f"adapted-seed-2.json: {message}")


def test_all_wrong_keys_are_named_at_once(path: Path) -> None:
    save(path)
    with edited(path) as entry:
        entry |= {"task": {}, "model": {"name": "x", "more": 1}}
    keys = [line.split(": ")[1] for line in refused(path).splitlines()]
    assert keys[:-1] == ["model.more", "task.name", "task.version", "task.kind", "task.labels"]
    assert keys[-1] == "and 1 more."


@pytest.mark.parametrize("text", ["[" * 100_000, '{"schema": 2', "", "\xff"])
def test_a_file_that_is_no_json_is_refused(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(text.encode("latin-1"))
    assert refused(path).startswith("adapted-seed-2.json: no readable JSON: ")


def test_odd_words_are_read_back(path: Path) -> None:
    words = ("x\ry", "\r", "\n", "x\x85y", "x\u2028y", "10\u00a0mg", '"', "\\")
    tags = ("B-ROLE",) * len(words)
    predictions = (Prediction(tags, tags, words=words),)
    save(path, predictions, test=score(TASK, predictions))
    assert len(load_result(path).records) == 1


MANY = {"kind": "classification", "labels": ["a", "b"], "multi_label": True}


@pytest.mark.parametrize(
    ("task", "line", "message"),
    [
        ({}, "", "Invalid JSON"),
        ({}, '{"gold": ["a"]}', "predicted: Field required."),
        ({}, '{"gold": "a", "predicted": ["a"]}', "gold: Input should be a valid "),
        ({}, '{"gold": [1], "predicted": ["a"]}', "gold.0: Input should be a valid string."),
        ({}, '{"gold": ["a"], "predicted": ["a"], "x": 1}', "x: "),
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
