"""Where the splits of own tasks are: files, one file, folders of `datasets`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from domainbert.errors import DataError, RecipeError
from domainbert.recipe.tasks import TaskSection
from domainbert.tasks.load import load_task


def load(folder: Path, **given: Any) -> Any:
    section = {"name": "notes", "kind": "classification", **given}
    return load_task(TaskSection.model_validate(section), None, folder)


def sizes(loaded: Any) -> dict[str, int]:
    return {split: len(records) for split, records in loaded.splits.items()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a saved `DatasetDict` and tables of the same rows."""
    from datasets import Dataset, DatasetDict

    rows = [{"text": f"Note {n}", "label": "ab"[n % 2], "doc": n // 4} for n in range(48)]
    parts = {"train": rows[:40], "dev": rows[40:44], "test": rows[44:]}
    DatasetDict({name: Dataset.from_list(part) for name, part in parts.items()}).save_to_disk(
        tmp_path / "saved"
    )
    for name, part in parts.items():
        lines = "".join(f"{row['text']},{row['label']},{row['doc']}\n" for row in part)
        (tmp_path / f"{name}.csv").write_text(f"text,label,doc\n{lines}")
    return tmp_path


def test_a_saved_data_set_gives_its_splits_by_their_usual_names(folder: Path) -> None:
    loaded = load(folder, path="saved")
    assert sizes(loaded) == {"train": 40, "validation": 4, "test": 4}
    other = load(folder, path="saved", train="dev", validation="train")
    assert sizes(other) == {"train": 4, "validation": 40, "test": 4}
    assert other.task.data["train"] == loaded.task.data["validation"]


def test_a_missing_split_is_cut_from_train(folder: Path) -> None:
    loaded = load(folder, train="train.csv", test="test.csv", splits={"validation": 0.2})
    assert sizes(loaded) == {"train": 32, "validation": 8, "test": 4}
    assert loaded.task.version == "own, train 0.8, validation 0.2"
    grouped = load(
        folder, train="train.csv", test="test.csv", splits={"validation": 0.2}, group="doc"
    )
    assert sizes(grouped) == {"train": 32, "validation": 8, "test": 4}
    numbers = sorted(int(e.text.split()[1]) for e in grouped.splits["validation"])
    assert len({number // 4 for number in numbers}) == 2


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"path": "saved", "test": "exam"}, "test: no split 'exam'; "),
        ({"path": "train.csv", "test": "test.csv"}, "train.csv has no splits with names: give"),
        ({"path": "train.csv"}, "is one file; say with `splits` which shares are for which split"),
        ({"path": "saved/train"}, "is one split; say with `splits` which shares"),
        ({"train": "train.csv", "test": "test.csv", "splits": {"validation": 0.1}, "group": "page"},
         "train.csv:1: no column 'page'; the header names text, label, doc."),
    ],
)  # fmt: skip
def test_what_is_not_there_is_named(folder: Path, given: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError) as caught:
        load(folder, **given)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"train": "a", "test": "b"}, "your own task also needs validation; or cut it from train"),
        ({"train": "a", "test": "b", "splits": {"test": 0.2}}, "gives a share to test, which has"),
        ({"train": "a", "test": "b", "splits": {"validation": 0.1, "train": 0.8}}, "together 1"),
        ({"train": "a", "validation": "b", "test": "c", "splits": {}}, "no split is missing"),
        ({"path": "a", "hub": "org/x"}, "give `file` or `hub`, not both"),
        ({"name": "a@all"}, "'a@all': expected a number of records behind `@`, as a@100"),
        ({"name": "a@5", "train_records": 5}, "give 'a@5' or `train_records`, not both"),
        ({"hub": {"id": "org/x", "split": "train"}}, "hub.split: a task has three"),
        ({"path": "a", "group": "doc"}, "`group` is for `splits`"),
        ({"path": "a", "text_field": "x", "columns": {"text": "y"}}, "`text_field` and `columns:"),
        ({"path": "a", "word_column": 2, "columns": {"words": 1}}, "`word_column` and `columns:"),
    ],
)
def test_sections_that_contradict_themselves_are_refused(
    given: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match="validation error") as caught:
        TaskSection.model_validate({"name": "notes", "kind": "tagging", **given})
    assert message in str(caught.value)


def test_a_format_of_another_kind_is_refused_with_those_that_suit(folder: Path) -> None:
    files = {"train": "train.csv", "validation": "dev.csv", "test": "test.csv"}
    with pytest.raises(
        RecipeError, match=r"format 'brat' is for tagging\. For classification: csv, "
    ):
        load(folder, format="brat", **files)
    with pytest.raises(RecipeError, match=r"no format 'xml' for classification\. Known: csv, tsv"):
        load(folder, format="xml", **files)


@pytest.mark.parametrize("splits", ["5", "null", '"train"', '[".."]', '["../train"]', '["a", 1]'])
def test_a_damaged_list_of_splits_is_refused(folder: Path, splits: str) -> None:
    (folder / "saved" / "dataset_dict.json").write_text(f'{{"splits": {splits}}}')
    with pytest.raises(DataError, match=r"_dict\.json: (damaged; save it again|.* is no name)"):
        load(folder, path="saved")


def test_a_split_that_gets_no_text_and_an_empty_group_are_refused(folder: Path) -> None:
    given = {"train": "train.csv", "test": "test.csv"}
    with pytest.raises(DataError, match="validation gets none of the 40 different examples"):
        load(folder, **given, splits={"validation": 0.001})
    (folder / "train.csv").write_text("text,label,doc\nOne,a,1\nTwo,b,\n")
    with pytest.raises(DataError, match=r"train\.csv:3: no value of `group: doc`"):
        load(folder, **given, splits={"validation": 0.5}, group="doc")


def test_documents_stay_together_where_a_reader_knows_them(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    for n in range(20):
        lines = [f"Text {n} line {line} has a pump." for line in range(4)]
        (tmp_path / "notes" / f"{n}.txt").write_text("\n".join(lines))
        end = len(lines[0])
        (tmp_path / "notes" / f"{n}.ann").write_text(f"T1\tPart {end - 5} {end - 1}\tpump\n")
    shares = {"validation": 0.2, "test": 0.2}
    loaded = load(tmp_path, kind="tagging", path="notes", splits=shares)
    assert sizes(loaded) == {"train": 48, "validation": 16, "test": 16}
    seen = [{s.words[1] for s in records} for records in loaded.splits.values()]
    assert sum(map(len, seen)) == 20


def test_rows_of_a_group_stay_together_also_as_several_sentences(tmp_path: Path) -> None:
    rows = [
        {"text": f"Pump {n} leaks. Valve {n} is new.", "spans": [[0, 4, "Part"]], "case": n // 2}
        for n in range(40)
    ]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    shares = {"validation": 0.2, "test": 0.2}
    loaded = load(tmp_path, kind="tagging", path="a.jsonl", splits=shares, group="case")
    assert sizes(loaded) == {"train": 48, "validation": 16, "test": 16}
    seen = [{int(s.words[1]) // 2 for s in records} for records in loaded.splits.values()]
    assert sum(map(len, seen)) == 20


def test_a_glob_and_a_folder_of_files_are_a_split(folder: Path) -> None:
    (folder / "parts").mkdir()
    lines = (folder / "train.csv").read_text().splitlines()
    for n in range(2):
        part = [lines[0], *lines[1 + 20 * n : 21 + 20 * n]]
        (folder / "parts" / f"{n}.csv").write_text("\n".join(part) + "\n")
    others = {"validation": "dev.csv", "test": "test.csv"}
    whole = load(folder, train="train.csv", **others)
    for name in ("parts", "parts/*.csv"):
        loaded = load(folder, train=name, **others)
        assert loaded.splits == whole.splits
        assert loaded.task.data["train"] != whole.task.data["train"]
    with pytest.raises(DataError, match=r"none/\*\.csv: no file matches"):
        load(folder, train="none/*.csv", **others)
