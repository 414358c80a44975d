from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from domainbert.errors import DataError
from domainbert.report.contrast import compare_results, contrast_json

Write = Callable[..., Path]
BASE = {"name": "base", "run": None}
BASELINE = {"name": "majority", "run": None, "sha256": None, "base": None, "parameters": None}


def fill(folder: Path, write: Write, right: float, seeds: int = 2, **changes: Any) -> Path:
    for seed in range(seeds):
        write(folder, right, seed=seed, **changes)
    return folder


def refused(first: object, second: object) -> str:
    with pytest.raises(DataError) as caught:
        compare_results(str(first), str(second))
    return str(caught.value)


def test_the_adapted_model_of_a_run_is_meant(tmp_path: Path, write_result: Write) -> None:
    run = fill(tmp_path / "run", write_result, 0.9)
    fill(run, write_result, 0.4, model=BASE)
    write_result(run, -1.0, model=BASELINE, settings={})
    (found,), notices = compare_results(f"{run}/*/base-seed-*.json", str(run))
    assert notices == ()
    assert (found.task, found.metric, found.records, found.paired) == (
        "tone",
        "f1_macro",
        120,
        True,
    )
    assert (found.first.name, found.second.name) == (
        "base (package:mini/model)",
        "adapted (town-mini)",
    )
    assert found.comparison.difference == pytest.approx(
        found.second.score.mean - found.first.score.mean
    )
    assert found.comparison.verdict == "better"
    (turned,), _ = compare_results(str(run), f"{run}/*/base-seed-*.json")
    assert turned.comparison.verdict == "worse"
    assert turned.comparison.low == pytest.approx(-found.comparison.high)


def test_a_model_is_not_shown_to_differ_from_itself(tmp_path: Path, write_result: Write) -> None:
    folder = fill(tmp_path, write_result, 0.9)
    (found,), _ = compare_results(str(folder), str(folder))
    told = found.comparison
    assert (told.difference, told.low, told.high, told.verdict) == (0.0, 0.0, 0.0, "not shown")


def test_a_model_against_a_baseline(tmp_path: Path, write_result: Write) -> None:
    run = fill(tmp_path, write_result, 0.9)
    baseline = write_result(run, -1.0, model=BASELINE, settings={})
    (found,), _ = compare_results(str(baseline), str(run))
    assert (found.comparison.verdict, found.notes, found.first.name) == ("better", (), "majority")
    json.dumps(contrast_json(found), allow_nan=False)
    assert contrast_json(found)["first"]["sd"] is None


def test_what_else_differs_is_said(tmp_path: Path, write_result: Write) -> None:
    first = fill(tmp_path / "a", write_result, 0.9)
    second = fill(tmp_path / "b", write_result, 0.9, seeds=3, settings={"epochs": 9})
    (found,), _ = compare_results(str(first), str(second))
    assert not found.paired
    assert found.notes == ("fine-tuned with other settings", "other seeds, which are not paired")


def test_tasks_of_one_side_only_are_left_out_with_a_notice(
    tmp_path: Path, write_result: Write
) -> None:
    first = fill(tmp_path / "a", write_result, 0.9)
    second = fill(tmp_path / "b", write_result, 0.8)
    fill(second, write_result, 0.8, task={"name": "more"})
    found, notices = compare_results(str(first), str(second))
    assert [entry.task for entry in found] == ["tone"]
    assert notices == (f"more: only in {second}, left out.",)


@pytest.mark.parametrize(
    ("task", "told"),
    [
        ({"version": "2"}, 'task.version: "2", but "1" in'),
        (
            {"data": {"train": "a" * 64, "validation": "b" * 64, "test": "3"}},
            'task.data.test: "3", but "ccc',
        ),
        (
            {"labels": ["bad", "good", "plain"]},
            'task.labels: ["bad", "good", "plain"], but ["good"',
        ),
        ({"multi_label": True}, "task.multi_label: true, but false in"),
    ],
)
def test_another_task_of_the_same_name_is_refused(
    tmp_path: Path, write_result: Write, task: dict[str, Any], told: str
) -> None:
    first = write_result(tmp_path / "a")
    second = write_result(tmp_path / "b", task=task)
    message = refused(first, second)
    assert message.startswith(f"{second}: {told}")
    assert message.endswith("Such scores are not comparable: evaluate both on the same task.")


def test_other_gold_labels_are_refused(tmp_path: Path, write_result: Write) -> None:
    first, second = write_result(tmp_path / "a"), write_result(tmp_path / "b", records=60)
    assert "its gold labels are not those of" in refused(first, second)


def test_no_task_in_common(tmp_path: Path, write_result: Write) -> None:
    first, second = write_result(tmp_path / "a"), write_result(tmp_path / "b", task={"name": "x"})
    assert refused(first, second) == (f"no task in common: {first} has tone; {second} has x.")


def test_a_side_is_one_model_on_one_version(tmp_path: Path, write_result: Write) -> None:
    two = tmp_path / "two"
    write_result(two / "a", model={"run": "one", "sha256": "1" * 64})
    write_result(two / "b", model={"run": "other", "sha256": "2" * 64})
    one = write_result(tmp_path / "one")
    assert refused(two, one).startswith(
        f"{two}: tone: results of several models or settings (adapted (one), adapted (other)). "
        "Name those of one with a glob in quotes"
    )
    versions = tmp_path / "versions"
    write_result(versions / "a")
    write_result(versions / "b", task={"version": "2"})
    assert refused(one, versions) == (
        f"{versions}: tone: results of several versions or data. Name the files."
    )
