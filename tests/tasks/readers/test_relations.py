from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from helpers.tasks import labelled

from domainbert.errors import DataError, RecipeError
from domainbert.plugin.records import Relation
from domainbert.recipe.tasks import TaskSection
from domainbert.tasks.kinds.relation import RELATION
from domainbert.tasks.load import SPLITS, load_task
from domainbert.tasks.read import read_records

TEXT = "Aspirin inhibits COX-1 and COX-2."
FIRST, SECOND = {"start": 0, "end": 7, "type": "drug"}, {"start": 17, "end": 22, "text": "COX-1"}
EXPECTED = Relation(TEXT, (0, 7), (17, 22), ("inhibits",), ("drug", ""), TEXT)


def read(folder: Path, name: str, text: str, **how: Any) -> list[Relation]:
    (folder / name).write_text(text, encoding="utf-8")
    return read_records(RELATION, labelled("relation", **how), folder / name, Counter())


def refused(folder: Path, **row: Any) -> str:
    with pytest.raises(DataError) as caught:
        read(folder, "a.jsonl", json.dumps({"text": TEXT, "label": "inhibits", **row}))
    return str(caught.value).replace(f"{folder}/", "")


FORMS: dict[str, str] = {
    "objects.jsonl": json.dumps(
        {"text": TEXT, "first": FIRST, "second": SECOND, "label": "inhibits"}
    ),
    "lists.json": json.dumps(
        [{"text": TEXT, "first": [0, 7, "drug"], "second": [17, 22], "label": "inhibits"}]
    ),
    "flat.csv": "text,first_start,first_end,first_type,second_start,second_end,label\n"
    f"{TEXT},0,7,drug,17,22,inhibits\n",
}


@pytest.mark.parametrize("name", FORMS)
def test_the_offsets_of_two_entities_are_read(tmp_path: Path, name: str) -> None:
    (found,) = read(tmp_path, name, FORMS[name])
    assert (found, found.document) == (EXPECTED, TEXT)
    assert RELATION.check(found, labelled("relation", "inhibits", "none")) == ""


def test_entities_marked_in_the_text_give_the_same_offsets(tmp_path: Path) -> None:
    marked = "<e1>Aspirin</e1> inhibits <e2>COX-1</e2> and COX-2."
    (found,) = read(tmp_path, "a.tsv", f"text\tlabel\n{marked}\tinhibits\n")
    assert (found.text, found.first, found.second) == (TEXT, (0, 7), (17, 22))
    inside = "<e2><e1>COX-1</e1> inhibitor</e2> it is"
    (found,) = read(tmp_path, "b.tsv", f"text\tlabel\n{inside}\tinhibits\n")
    assert (found.text, found.first, found.second) == ("COX-1 inhibitor it is", (0, 5), (0, 15))


def test_placeholders_of_anonymised_texts_are_the_entities(tmp_path: Path) -> None:
    (found,) = read(tmp_path, "a.tsv", "text\tlabel\nThe @GENE$ locus in @DISEASE$.\t1\n")
    assert found.types == ("GENE", "DISEASE")
    assert [found.text[slice(*span)] for span in (found.first, found.second)] == [
        "@GENE$", "@DISEASE$",
    ]  # fmt: skip


def test_columns_may_have_other_names(tmp_path: Path) -> None:
    columns = {"text": "sentence", "label": "cpr", "first": "chemical", "second": "gene"}
    row = {"sentence": TEXT, "chemical": FIRST, "gene": SECOND, "cpr": "inhibits"}
    assert read(tmp_path, "a.jsonl", json.dumps(row), columns=columns) == [EXPECTED]
    flat = FORMS["flat.csv"].replace("first_start", "from").replace("second_end", "to")
    columns = {"first_start": "from", "second_end": "to"}
    assert read(tmp_path, "a.csv", flat, columns=columns) == [EXPECTED]


def test_words_that_entities_cut_are_counted(tmp_path: Path) -> None:
    path, counts = tmp_path / "a.jsonl", Counter[str]()
    # As if bytes were counted: each is one too far right.
    row = {"text": "\xe9lan hit Bob \u7532\u4e59", "first": [3, 5], "label": "x"}
    rows = [{**row, "second": [10, 12]}, {**row, "first": [0, 4], "second": [13, 14]}]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    assert len(read_records(RELATION, labelled("relation"), path, counts)) == 2
    assert +counts == {"cut_words": 2}


OUTSIDE = "a.jsonl:1: `first`: offsets {} to {} lie outside the text of 33 characters"
BOTH = {"first": FIRST, "second": SECOND}


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({**BOTH, "first": [20, 40]}, OUTSIDE.format(20, 40)),
        ({**BOTH, "first": [-1, 4]}, OUTSIDE.format(-1, 4)),
        ({**BOTH, "first": [5, 5]}, OUTSIDE.format(5, 5)),
        ({**BOTH, "first": [7, 8]}, "a.jsonl:1: `first`: offsets 7 to 8 enclose ' '"),
        (
            {**BOTH, "second": {**SECOND, "text": "COX-2"}},
            "`second`: offsets 17 to 22 enclose 'COX-1', the file says 'COX-2'",
        ),
        ({**BOTH, "second": {"start": "17", "end": None}}, "start and end as whole numbers"),
        ({**BOTH, "second": {"start": True, "end": 4}}, "start and end as whole numbers"),
        ({"first_start": [1], "first_end": 2}, "`first`: expected start and end as whole numbers"),
        ({**BOTH, "second": "COX-1"}, "`second` is 'COX-1'; expected `first` and `second`"),
        ({"first": FIRST}, "a.jsonl:1: one entity; expected `first` and `second`"),
        ({}, "a.jsonl:1: no entities, and 0 placeholders as `@GENE$`; expected"),
        ({"text": "@GENE$ @GENE$ @DRUG$"}, "3 placeholders"),
        ({"text": "<e1>a</e1> b"}, "<e2> is missing"),
        ({"text": "<e1>a</e1> <e1>b</e1>"}, "<e1> stands twice; expected two entities"),
        ({"text": "<e1></e1> <e2>b</e2>"}, "enclose nothing"),
        ({**BOTH, "label": None}, "no label, as in a split that keeps them secret"),
        ({**BOTH, "text": " "}, "the text is empty"),
    ],
)
def test_what_is_wrong_is_named_with_file_and_line(
    tmp_path: Path, row: dict[str, Any], said: str
) -> None:
    assert said in refused(tmp_path, **row)


def section(folder: Path, **changes: Any) -> TaskSection:
    for split in SPLITS:
        rows = [
            {"text": f"{TEXT} {n}", **BOTH, "label": "none" if n % 2 else "inhibits"}
            for n in range(4)
        ]
        (folder / f"{split}.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    files = {split: f"{split}.jsonl" for split in SPLITS}
    return TaskSection.model_validate(
        {"name": "mine", "kind": "relation", "null_label": "none", **files, **changes}
    )


def test_a_task_of_a_recipe_is_loaded_and_says_its_null_class(tmp_path: Path) -> None:
    loaded = load_task(section(tmp_path), None, tmp_path)
    assert (loaded.task.null_label, loaded.task.labels) == ("none", ("inhibits", "none"))
    assert loaded.task.version == "own, null_label none"
    assert loaded.counts == {"test_in_train": 4, "all_in_train": 4}


def test_all_pairs_of_a_text_are_in_one_split(tmp_path: Path) -> None:
    rows = [
        {"text": f"{TEXT} {n}", "first": [0, 7], "second": second, "label": str(n % 2)}
        for n in range(20)
        for second in ([17, 22], [27, 32])
    ]
    (tmp_path / "all.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    own = TaskSection.model_validate(
        {"kind": "relation", "path": "all.jsonl", "splits": {"validation": 0.2, "test": 0.3}}
    )
    splits = load_task(own, None, tmp_path).splits
    texts = {split: {record.text for record in records} for split, records in splits.items()}
    assert [len(texts[split]) for split in SPLITS] == [10, 4, 6]
    assert [len(splits[split]) for split in SPLITS] == [20, 8, 12]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"null_label": "nothing"}, "train.jsonl never has the null_label 'nothing'"),
        ({"labels": ["a", "b"]}, "null_label 'none' is none of `labels`"),
        ({"multi_label": True}, "a relation has one label"),
        ({"kind": "classification"}, "null_label is for relations"),
        ({"kind": "tagging"}, "null_label is for relations"),
    ],
)
def test_a_null_label_that_does_not_suit_is_refused(
    tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises((DataError, RecipeError), match=said):
        load_task(section(tmp_path, **changes), None, tmp_path)


def test_a_label_that_only_test_has_is_refused(tmp_path: Path) -> None:
    own = section(tmp_path)
    row = {"text": TEXT, **BOTH, "label": "activates"}
    (tmp_path / "test.jsonl").write_text(json.dumps(row), encoding="utf-8")
    with pytest.raises(DataError, match=r"test\.jsonl has the label 'activates', which is not in"):
        load_task(own, None, tmp_path)
    row["label"] = "none"
    (tmp_path / "test.jsonl").write_text(json.dumps(row), encoding="utf-8")
    with pytest.raises(DataError, match="has no label but the null_label 'none', so nothing can"):
        load_task(own, None, tmp_path)
