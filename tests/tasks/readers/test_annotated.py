from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from helpers.tasks import labelled

from domainbert.errors import DataError
from domainbert.plugin.records import Sentence
from domainbert.tasks.kinds.tagging import TAGGING
from domainbert.tasks.read import read_records

TEXT = "The pump leaks"
ONE = [Sentence(("The", "pump", "leaks"), ("O", "B-Part", "O"))]


def read(folder: Path, *rows: Any, name: str = "a.jsonl", **how: Any) -> list[Sentence]:
    path = folder / name
    lines = map(json.dumps, rows) if name.endswith("l") else [json.dumps(rows)]
    path.write_text("\n".join(lines))
    return read_records(TAGGING, labelled("tagging", **how), path, Counter())


@pytest.mark.parametrize(
    "row",
    [
        {"text": TEXT, "label": [[4, 8, "Part"]]},  # doccano
        {"text": TEXT, "entities": [{"start_offset": 4, "end_offset": 8, "label": "Part"}]},
        {
            "text": TEXT,
            "spans": [{"start": 4, "end": 8, "label": "Part", "text": "pump"}],
        },  # Prodigy
        {"text": TEXT, "label": [{"start": 4, "end": 8, "text": "pump", "labels": ["Part"]}]},
        {"words": ["The", "pump", "leaks"], "tags": ["O", "B-Part", "O"]},
        {"tokens": ["The", "pump", "leaks"], "ner_tags": ["O", "B-Part", "O"]},
    ],
)
def test_what_annotation_tools_and_data_sets_write_is_read(tmp_path: Path, row: Any) -> None:
    assert read(tmp_path, row) == ONE


def test_the_full_export_of_label_studio_is_read(tmp_path: Path) -> None:
    value = {"start": 4, "end": 8, "labels": ["Part"], "text": "pump"}
    done = {"result": [{"value": value}, {"value": {"choices": ["ok"]}}]}
    row = {"data": {"text": TEXT}, "annotations": [{"was_cancelled": True, "result": []}, done]}
    assert read(tmp_path, row, name="a.json") == ONE


def test_columns_and_numbers_are_named(tmp_path: Path) -> None:
    row = {"w": ["The", "pump", "leaks"], "t": [0, 1, 0]}
    names = ("O", "B-Part", "I-Part")
    assert read(tmp_path, row, columns={"words": "w", "tags": "t"}, label_names=names) == ONE


def test_refused_answers_are_left_out_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    rows = [
        {"text": TEXT, "spans": [], "answer": answer} for answer in ("accept", "reject", "ignore")
    ]
    path.write_text("\n".join(map(json.dumps, rows)))
    counts = Counter[str]()
    assert len(read_records(TAGGING, labelled("tagging"), path, counts)) == 1
    assert +counts == {"refused_answers": 2}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"text": TEXT}, "expected a list `words` with a list `tags`, or a `text` with a list `sp"),
        ({"words": ["a"], "tags": []}, "expected as many tags as words, found 1 and 0."),
        ({"words": ["a"]}, "expected a list `words` with a list `tags`, or a `text` with a list"),
        ({"words": [1], "tags": ["O"]}, "a word is no text."),
        ({"words": ["a"], "tags": [3]}, "the tag 3 has no name; give `label_names`"),
        ({"words": ["a"], "tags": [0.5]}, "unknown tag 0.5; expected O"),
        ({"words": ["a"], "tags": ["B"]}, "the tag 'B' has no type. Name it with `labels: [TYPE]`"),
        ({"text": TEXT, "spans": [[4, 8, "X"]], "entities": [[0, 3, "X"]]},
         "has spans in spans and entities. Name one with `columns`, as {spans: …}."),
        ({"text": TEXT, "spans": [[4, 8]]}, "expected a span as [start, end, label]"),
        ({"text": TEXT, "spans": [[4, 8, 1]]}, "expected start and end as whole numbers and a lab"),
        ({"text": TEXT, "spans": [[4, 99, "X"]]}, "offsets 4 to 99 lie outside the text of 14"),
        ({"text": TEXT, "spans": [{"start": 4, "end": 8, "label": "X", "text": "seal"}]},
         "offsets 4 to 8 enclose 'pump', the file says 'seal'"),
    ],
)  # fmt: skip
def test_a_wrong_row_is_named(tmp_path: Path, row: Any, message: str) -> None:
    with pytest.raises(DataError) as caught:
        read(tmp_path, {"text": TEXT, "spans": []}, row)
    assert str(caught.value).startswith(f"{tmp_path / 'a.jsonl'}:2: {message}")


def test_tags_in_rows_are_those_of_columns(tmp_path: Path) -> None:
    row = {"words": ["The", "pump", "leaks"], "tags": ["O", "S", "O"]}
    assert read(tmp_path, row, labels=("Part",)) == [Sentence(ONE[0].words, ("O", "S-Part", "O"))]
    row = {"words": ["The", "pump", "leaks"], "tags": ["0", "1", "0"]}
    assert read(tmp_path, row, label_names=("O", "B-Part")) == ONE


@pytest.mark.parametrize(
    "row",
    [
        {
            "text": TEXT,
            "tokens": [{"id": 0}],
            "spans": [{"start": 4, "end": 8, "label": "Part"}],
        },
        {"text": TEXT, "spans": {"start": [4], "end": [8], "label": ["Part"]}},
        {"text": TEXT, "spans": [], "labels": [[4, 8, "Part"]]},
        {"text": TEXT, "spans": [[4, 8, "Part"]], "labels": ["fault"], "label": "fault"},
        {"text": TEXT, "spans": [{"start": 4, "end": 8, "label": 0}]},
    ],
)
def test_spans_of_prodigy_and_of_data_sets(tmp_path: Path, row: Any) -> None:
    assert read(tmp_path, row, label_names=("Part",)) == ONE


def test_names_that_the_file_has_and_the_recipe_does_not_are_refused(tmp_path: Path) -> None:
    row = {"words": ["The"], "tags": ["B-X"]}
    with pytest.raises(DataError, match="the tag 'B-X' is no number of `label_names`"):
        read(tmp_path, row, label_names=("O", "B-Z"))


def test_no_spans_are_a_sentence_without_a_mention(tmp_path: Path) -> None:
    assert [s.tags for s in read(tmp_path, {"text": TEXT, "spans": None})] == [("O", "O", "O")]


def test_texts_that_nobody_finished_are_left_out_and_the_ground_truth_counts(
    tmp_path: Path,
) -> None:
    def item(*annotations: Any) -> dict[str, Any]:
        return {"data": {"text": TEXT}, "annotations": list(annotations)}

    value = {"start": 4, "end": 8, "labels": ["Part"]}
    whole = {"result": [{"value": value}, None], "ground_truth": True}
    path = tmp_path / "a.json"
    rows = [
        item(),
        item({"was_cancelled": True, "result": []}),
        item({"result": []}, whole),
        item(None),
    ]
    path.write_text(json.dumps(rows))
    counts = Counter[str]()
    assert read_records(TAGGING, labelled("tagging"), path, counts) == ONE
    assert +counts == {"not_annotated": 3, "other_annotations": 1}
