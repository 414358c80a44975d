"""Sets that the user holds under an agreement, as tasks of a recipe."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from domainbert import DataError
from domainbert.errors import RecipeError
from domainbert.pipeline.choose import load_registry
from domainbert.recipe.tasks import TaskSection
from domainbert.tasks.load import load_task
from domainbert_clinical.domain import CLINICAL


def load(folder: Path, **values: Any) -> Any:
    load_registry(())
    return load_task(TaskSection(**values), CLINICAL, folder)


def write_notes(written: Any, folder: str, n: int) -> None:
    for number in range(n):
        text = f"Patient {number} has chest pain .\nGiven aspirin {number} .\n"
        written(f"{folder}/txt/r-{number}.txt", text)
        concepts = 'c="chest pain" 1:3 1:4||t="problem"\nc="aspirin" 2:1 2:1||t="treatment"\n'
        written(f"{folder}/concept/r-{number}.con", concepts)


def test_concepts_are_a_tagging_task_with_whole_notes_cut_for_validation(
    written: Any, tmp_path: Path
) -> None:
    write_notes(written, "train", 10)
    write_notes(written, "test", 2)
    given = {"kind": "tagging", "format": "i2b2-concepts", "train": "train", "test": "test"}
    loaded = load(tmp_path, name="concepts", splits={"validation": 0.2}, **given)
    assert loaded.task.labels == ("problem", "treatment")
    notes = {s: [w for r in rs for w in r.words if w.isdigit()] for s, rs in loaded.splits.items()}
    assert sorted(notes["train"] + notes["validation"]) == sorted([*"0123456789"] * 2)
    assert sorted(notes["test"]) == ["0", "0", "1", "1"]
    assert notes["validation"]
    assert all(notes["validation"].count(number) == 2 for number in notes["validation"])


def test_identifiers_are_a_tagging_task_and_wrong_offsets_are_in_its_counts(
    written: Any, tmp_path: Path
) -> None:
    for split in ("train", "validation", "test"):
        for number in range(2):
            text = f"Seen by Quillon Marsh, {split} {number}."
            tags = (
                '<NAME start="8" end="21" text="Quillon Marsh" TYPE="DOCTOR"/>'
                '<DATE start="0" end="4" text="2067" TYPE="DATE"/>'
            )
            body = f"<deIdi2b2><TEXT><![CDATA[{text}]]></TEXT><TAGS>{tags}</TAGS></deIdi2b2>"
            written(f"{split}/{number}.xml", body)
    given = {split: f"{split}/*.xml" for split in ("train", "validation", "test")}
    loaded = load(tmp_path, name="deid", kind="tagging", format="i2b2-deid", **given)
    assert loaded.task.labels == ("DOCTOR",)
    assert [len(records) for records in loaded.splits.values()] == [2, 2, 2]
    assert loaded.counts["wrong_offsets"] == 6


def test_mednli_is_a_task_of_pairs(written: Any, tmp_path: Path) -> None:
    names = {}
    for split in ("train", "validation", "test"):
        rows = [
            {"sentence1": f"{split} {n}", "sentence2": "So.", "gold_label": label}
            for n, label in enumerate(("entailment", "neutral", "contradiction", "-"))
        ]
        names[split] = written(f"{split}.jsonl", "\n".join(map(json.dumps, rows))).name
    loaded = load(tmp_path, name="mednli", kind="pairs", format="mednli", **names)
    assert loaded.task.labels == ("contradiction", "entailment", "neutral")
    assert [len(records) for records in loaded.splits.values()] == [3, 3, 3]
    assert loaded.counts["without_label"] == 3


def test_a_missing_split_is_refused(written: Any, tmp_path: Path) -> None:
    written("train.jsonl", "")
    given = {"name": "mednli", "kind": "pairs", "format": "mednli", "train": "train.jsonl"}
    with pytest.raises((DataError, RecipeError, ValueError), match=r"validation|test"):
        load(tmp_path, **given)
    with pytest.raises(DataError, match=r"no-such\.jsonl"):
        load(tmp_path, **given, validation="no-such.jsonl", test="no-such.jsonl")


def test_a_format_of_another_kind_is_refused(written: Any, tmp_path: Path) -> None:
    given = {split: written(f"{split}.jsonl", "").name for split in ("train", "validation", "test")}
    with pytest.raises(RecipeError, match="format 'mednli' is for pairs"):
        load(tmp_path, name="x", kind="tagging", format="mednli", **given)
