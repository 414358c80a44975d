"""The sets of one repository: declarations against the published table, and bad files."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from domainbert import DataError, DataFile, Domain, Task
from domainbert.errors import PluginError, UserError
from domainbert.recipe.tasks import TaskSection
from domainbert.report.licences import check_licences
from domainbert.storage.download import locate
from domainbert.tasks.load import load_task
from domainbert_bio import mtl

TASKS = {task.name: task for task in mtl.TASKS}
# Sentences of train, devel and test, and mentions of all types in them.
TOTALS = {
    "bc5cdr": (13938, 28787),
    "bc5cdr-chem": (13938, 15935),
    "bc5cdr-disease": (13938, 12852),
    "bc2gm": (20131, 24583),
    "anatem": (11809, 13701),
    "linnaeus": (23155, 4263),
    "craft": (22030, 57634),
    "bionlp09": (11356, 14963),
    "bionlp11epi": (11775, 15811),
    "bionlp11id": (5178, 11082),
    "bionlp13cg": (5942, 21323),
    "bionlp13ge": (8577, 12057),
    "bionlp13pc": (5051, 15893),
    "ex-ptm": (3653, 4698),
}
COLUMNS = "Aspirin\tB-Chemical\nstops\tO\nflu\tB-Disease\n.\tO\n\n"
COUNTS = {"records": 1, "tokens": 4, "Chemical": 1, "Disease": 1}


def files(task: Task) -> list[DataFile]:
    return [file for file in task.splits.values() if isinstance(file, DataFile)]


def test_the_sets_and_their_published_totals() -> None:
    found = {
        name: (
            sum(counts["records"] for counts in task.counts.values()),
            sum(counts[label] for counts in task.counts.values() for label in task.labels),
        )
        for name, task in TASKS.items()
    }
    assert found == TOTALS


def test_every_split_has_its_counts_and_every_label_is_in_train() -> None:
    for task in mtl.TASKS:
        assert list(task.counts) == ["train", "validation", "test"]
        for counts in task.counts.values():
            assert list(counts) == ["records", "tokens", *task.labels]
        assert all(task.counts["train"][label] for label in task.labels)


def test_files_are_pinned_to_a_commit_and_all_are_different() -> None:
    found = [file for task in mtl.TASKS for file in files(task)]
    assert len(found) == 42
    assert len({file.sha256 for file in found}) == len({file.name for file in found}) == 42
    assert all((file.url or "").startswith(f"{mtl.ADDRESS}/") for file in found)
    assert files(TASKS["bc5cdr-disease"])[2].url == f"{mtl.ADDRESS}/BC5CDR-disease-IOB/test.tsv"


def test_one_set_has_one_number_of_sentences_whatever_its_types() -> None:
    both = TASKS["bc5cdr"].counts
    for label, name in (("Chemical", "bc5cdr-chem"), ("Disease", "bc5cdr-disease")):
        keys = ("records", "tokens", label)
        assert TASKS[name].counts == {s: {k: both[s][k] for k in keys} for s in both}


@pytest.mark.parametrize("name", ["bionlp13cg", "bionlp13pc", "anatem"])
def test_share_alike_stops_publishing_under_other_terms(name: str) -> None:
    source = {f"task {name}": TASKS[name].licence}
    with pytest.raises(UserError, match="share alike"):
        check_licences("apache-2.0", source)
    check_licences("cc-by-sa-4.0", source)


def test_attribution_does_not_stop_publishing() -> None:
    check_licences("apache-2.0", {"task": TASKS["bc5cdr"].licence})


# --- bad files ----------------------------------------------------------------------------------


def load(task: Task) -> dict[str, int]:
    loaded = load_task(TaskSection(name=task.name), Domain("b", "B", tasks=(task,)), Path())
    return {split: len(records) for split, records in loaded.splits.items()}


def small(folder: Path, text: str = COLUMNS, **counts: int) -> Task:
    path = folder / "a.tsv"
    path.write_text(text)
    splits = dict.fromkeys(("train", "validation", "test"), path)
    declared = {split: {**COUNTS, **counts} for split in splits}
    return replace(TASKS["bc5cdr"], splits=splits, counts=declared)


def test_a_right_file_is_read(tmp_path: Path) -> None:
    assert load(small(tmp_path)) == {"train": 1, "validation": 1, "test": 1}


def test_a_file_with_other_bytes_is_not_taken_and_the_hash_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = files(TASKS["bc5cdr"])[0]
    (tmp_path / "train.tsv").write_bytes(b"x" * file.size)
    monkeypatch.setenv("DOMAINBERT_DATA", str(tmp_path))
    monkeypatch.setenv("DOMAINBERT_CACHE", str(tmp_path / "cache"))
    with pytest.raises(DataError, match=r"bc5cdr-train\.tsv: not found \(sha256 b731361c0ed7"):
        locate(replace(file, url=None))


def test_another_column_order_is_named(tmp_path: Path) -> None:
    swapped = "\n".join("\t".join(reversed(line.split("\t"))) for line in COLUMNS.split("\n"))
    with pytest.raises(DataError, match=r"a\.tsv:1: unknown tag 'Aspirin'; expected O, B-TYPE"):
        load(small(tmp_path, swapped))


def test_other_counts_than_published_stop_loading(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="train: Disease: 1 were read, 2 are declared"):
        load(small(tmp_path, Disease=2))


def test_a_set_without_a_split_cannot_be_declared() -> None:
    splits = {"train": files(TASKS["bc5cdr"])[0], "test": files(TASKS["bc5cdr"])[2]}
    with pytest.raises(PluginError, match=r"'bc5cdr': missing splits \['validation'\]"):
        replace(TASKS["bc5cdr"], splits=splits)


# --- the published files ------------------------------------------------------------------------


@pytest.mark.parametrize("name", TASKS)
def test_real_files_have_their_counts(name: str) -> None:
    task = TASKS[name]
    offline = {split: replace(file, url=None) for split, file in zip(task.splits, files(task))}  # noqa: B905
    if not os.environ.get("DOMAINBERT_DATA"):
        pytest.skip("DOMAINBERT_DATA is not set")
    try:
        for file in offline.values():
            locate(file)
    except DataError:
        pytest.skip(f"DOMAINBERT_DATA names no folder with the files of {name}")
    found = load(replace(task, splits=offline))
    assert found == {split: counts["records"] for split, counts in task.counts.items()}
