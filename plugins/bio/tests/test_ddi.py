from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from domainbert import DataError, Domain, Relation, Task
from domainbert.recipe.tasks import TaskSection
from domainbert.tasks.load import load_task
from domainbert_bio.ddi import read_ddi

TASK = Task(
    name="ddi",
    title="Pairs",
    kind="relation",
    licence="CC0-1.0",
    origin="Written for a test",
    version="1",
    splits=dict.fromkeys(("train", "validation", "test"), Path()),
    labels=("effect", "mechanism", "none"),
    null_label="none",
)
TEXT = "Aspirin may raise the effect of warfarin, loop and thiazide diuretics."
ENTITIES = (
    '<entity id="d1.s0.e0" charOffset="0-6" type="drug" text="Aspirin"/>'
    '<entity id="d1.s0.e1" charOffset="32-39" type="drug" text="warfarin"/>'
    '<entity id="d1.s0.e2" charOffset="42-45;60-68" type="group" text="loop diuretics"/>'
    '<entity id="d1.s0.e3" charOffset="51-68" type="group" text="thiazide diuretics"/>'
)
PAIRS = (
    '<pair id="d1.s0.p0" e1="d1.s0.e0" e2="d1.s0.e1" ddi="true" type="effect"/>'
    '<pair id="d1.s0.p1" e1="d1.s0.e1" e2="d1.s0.e2" ddi="false"/>'
)


def document(body: str = ENTITIES + PAIRS, text: str = TEXT, prolog: str = "") -> str:
    sentence = f'<sentence id="d1.s0" text="{text}">{body}</sentence>'
    head = '<?xml version="1.0" encoding="UTF-8"?>'
    return f'{head}{prolog}<document id="d1">{sentence}</document>'


def read(
    folder: Path, content: str | bytes, task: Task = TASK
) -> tuple[list[Relation], Counter[str]]:
    path = folder / "d1.xml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    counts = Counter[str]()
    return list(read_ddi(path, task, counts)), counts


def test_pairs_with_types_and_the_null_class(tmp_path: Path) -> None:
    found, counts = read(tmp_path, document())
    assert found == [
        Relation(TEXT, (0, 7), (32, 40), ("effect",), ("drug", "drug")),
        Relation(TEXT, (32, 40), (42, 69), ("none",), ("drug", "group")),
    ]
    assert {relation.document for relation in found} == {"d1"}
    assert +counts == {"discontinuous": 1}


def test_without_a_null_label_pairs_that_do_not_interact_are_left_out(tmp_path: Path) -> None:
    found, counts = read(tmp_path, document(), replace(TASK, null_label=""))
    assert [relation.labels for relation in found] == [("effect",)]
    assert counts["unrelated_pairs_left_out"] == 1


def test_what_is_left_out_is_counted(tmp_path: Path) -> None:
    twin = '<entity id="d1.s0.e4" charOffset="0-6" type="brand" text="Aspirin"/>'
    wrong = '<entity id="d1.s0.e5" charOffset="8-10" type="drug" text="not"/>'
    pairs = (
        '<pair id="p1" e1="d1.s0.e0" e2="d1.s0.e4" ddi="false"/>'
        '<pair id="p2" e1="d1.s0.e0" e2="d1.s0.e5" ddi="true" type="int"/>'
        '<pair id="p3" e1="d1.s0.e0" e2="d1.s0.e1" ddi="true"/>'
    )
    found, counts = read(tmp_path, document(ENTITIES + twin + wrong + pairs))
    assert found == []
    assert +counts == {
        "discontinuous": 1,
        "interactions_without_type_left_out": 1,
        "mentions_unlike_text_left_out": 1,
        "same_place_pairs_left_out": 1,
        "relations_without_mention_left_out": 1,
    }


def test_a_folder_of_files_is_a_split(tmp_path: Path) -> None:
    for split in ("train", "validation", "test"):
        for source in ("DrugBank", "MedLine"):
            (folder := tmp_path / split / source).mkdir(parents=True)
            (folder / "d1.xml").write_text(document())
    files = {split: split for split in ("train", "validation", "test")}
    given = {"name": "ddi", "kind": "relation", "null_label": "none", **files}
    loaded = load_task(TaskSection.model_validate(given), Domain("b", "B"), tmp_path)
    assert [len(records) for records in loaded.splits.values()] == [4, 4, 4]
    assert loaded.task.labels == ("effect", "none")
    assert loaded.counts["discontinuous"] == 6


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (document('<entity charOffset="0-6" type="drug" text="a"/>'), "an entity without `id`"),
        (document('<entity id="e" charOffset="0" type="drug" text="a"/>'), "charOffset '0' where"),
        (document('<entity id="e" charOffset="0-6" text="a"/>'), "an entity without `type`"),
        (document('<entity id="e" charOffset="0-6" type="drug"/>'), "an entity without `text`"),
        (
            document(ENTITIES + ENTITIES.replace("e1", "e9").replace("e2", "e8")),
            "the id 'd1.s0.e0' stands twice",
        ),
        (
            document(ENTITIES + '<entity id="d1.s0.e1" charOffset="8-10" type="a" text="not"/>'),
            "the id 'd1.s0.e1' stands twice",
        ),
        (document('<pair e1="a" e2="b"/>'), "a pair without `ddi`"),
        (document('<pair e1="a" e2="b" ddi="maybe"/>'), "ddi='maybe' where true or false was ex"),
        (document('<pair e2="b" ddi="true" type="int"/>'), "a pair without `e1`"),
        ("<document><sentence/></document>", "a sentence without `id`"),
        ("<collection/>", "not DDI XML: its root element is 'collection'"),
        (document()[:-20], "the XML ends before its root element does"),
        (document().encode() + b"<a/>", "not well-formed"),
        ("", "the file is empty"),
        (document(text="A" + TEXT), "none of its 4 mentions is at its offsets"),
    ],
)
def test_what_is_refused(tmp_path: Path, content: str | bytes, said: str) -> None:
    with pytest.raises(DataError) as caught:
        read(tmp_path, content)
    assert "d1.xml" in str(caught.value)
    assert said in str(caught.value)
