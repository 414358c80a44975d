from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from domainbert import DataError, HubData
from domainbert.recipe.tasks import TaskSection
from domainbert.tasks.load import load_task
from domainbert_patent.domain import PATENT
from domainbert_patent.nine_sections import (
    COMMIT,
    HUB,
    NINE_SECTIONS,
    SECTIONS,
    is_validation,
    read_nine_sections,
)

TITLES = (  # as another copy on the hub spells them
    "Human Necessities", "Performing Operations; Transporting", "Chemistry; Metallurgy",
    "Textiles; Paper", "Fixed Constructions",
    "Mechanical Engineering; Lightning; Heating; Weapons; Blasting", "Physics", "Electricity",
    "General tagging of new or cross-sectional technology",
)  # fmt: skip


def table(path: Path, rows: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_what_is_declared() -> None:
    assert NINE_SECTIONS.splits["test"] == HubData(HUB, "test", COMMIT)
    assert NINE_SECTIONS.splits["train"] == NINE_SECTIONS.splits["validation"]
    counts = NINE_SECTIONS.counts["train+validation"]
    assert sum(counts[section] for section in SECTIONS) == counts["records"] == 25_000


@pytest.mark.parametrize("names", [range(9), list(map(str, range(9))), TITLES, SECTIONS])
def test_numbers_titles_and_letters_name_the_same_sections(tmp_path: Path, names: object) -> None:
    rows = [{"label": name, "more": 1, "text": f"A pump {n}."} for n, name in enumerate(names)]
    found = list(read_nine_sections(table(tmp_path / "a.jsonl", rows), "test"))
    assert [example.labels for example in found] == [(section,) for section in SECTIONS]


def test_train_and_validation_share_a_file(tmp_path: Path) -> None:
    rows = [{"text": f"Pump number {n}.", "label": n % 9} for n in range(400)]
    path = table(tmp_path / "a.jsonl", rows)
    train, validation = (
        {e.text for e in read_nine_sections(path, split)} for split in ("train", "validation")
    )
    assert len(train) + len(validation) == 400
    assert train & validation == set()
    assert 20 < len(validation) < 60
    assert is_validation("A  pump\n") == is_validation("a pump")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"text": "A pump.", "label": 9}, "label 9: expected a class from 0 to 8"),
        ({"text": "A pump.", "label": "Z"}, "label 'Z'"),
        ({"text": "A pump.", "label": ""}, "label ''"),
        ({"text": " ", "label": 1}, "no text"),
        ({"text": None, "label": 1}, "no text"),
        ({"body": "A pump.", "label": 1}, "'text'"),
    ],
)
def test_other_rows_are_refused(tmp_path: Path, row: dict[str, object], said: str) -> None:
    path = table(tmp_path / "a.jsonl", [{"text": "A pump.", "label": 1}, row])
    with pytest.raises(DataError) as caught:
        list(read_nine_sections(path, "test"))
    assert str(caught.value).startswith(f"{path}:2")
    assert said in str(caught.value)


def test_other_rows_than_those_that_are_published_stop_the_loading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOMAINBERT_CACHE", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    folder = tmp_path / "datasets" / HUB.replace("/", "--") / COMMIT / "default"
    folder.mkdir(parents=True)
    texts = [f"Pump number {n}." for n in range(90)]
    for split in ("train", "test"):
        rows = pa.table({"label": [n % 9 for n in range(90)], "text": texts})
        pq.write_table(rows, folder / f"{split}.parquet")
    said = r"train\+validation: records: 90 were read, 25,000 are declared"
    with pytest.raises(DataError, match=said):
        load_task(TaskSection(name="patent-sections"), PATENT, tmp_path)
    (folder / "test.parquet").unlink()
    with pytest.raises(DataError, match=f"data set '{HUB}'"):
        load_task(TaskSection(name="patent-sections"), PATENT, tmp_path)
