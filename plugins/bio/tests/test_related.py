from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from domainbert import DataError, Domain, Relation, Task
from domainbert.recipe.tasks import TaskSection
from domainbert.tasks.load import load_task
from domainbert_bio.related import read_related

TASK = Task(
    name="related",
    title="Pairs",
    kind="relation",
    licence="CC0-1.0",
    origin="Written for a test",
    version="1",
    splits=dict.fromkeys(("train", "validation", "test"), Path()),
    labels=("CID", "none"),
    null_label="none",
)
TITLE = "Lithium and the kidney."
ABSTRACT = "Lithium caused polyuria in mice. Amiloride eased polyuria; lithium stayed."
TEXT = f"{TITLE} {ABSTRACT}"
MENTIONS = (
    (0, "Lithium", "Chemical", "D1"),
    (TEXT.index("Lithium caused"), "Lithium", "Chemical", "D1"),
    (TEXT.index("polyuria"), "polyuria", "Disease", "D2"),
    (TEXT.index("mice"), "mice", "Organism", "10090"),
    (TEXT.index("Amiloride"), "Amiloride", "Chemical", "D3"),
    (TEXT.rindex("polyuria"), "polyuria", "Disease", "D2"),
    (TEXT.rindex("lithium"), "lithium", "Chemical", "D1"),
)


def block(
    *relations: str, mentions: tuple[tuple[int, str, str, str], ...] = MENTIONS, id: str = "7"
) -> str:
    lines = [f"{id}|t|{TITLE}", f"{id}|a|{ABSTRACT}"]
    lines += [
        f"{id}\t{start}\t{start + len(quoted)}\t{quoted}\t{kind}\t{concept}"
        for start, quoted, kind, concept in mentions
    ]
    return "\n".join([*lines, *(f"{id}\t{relation}" for relation in relations)]) + "\n"


def read(folder: Path, text: str, task: Task = TASK) -> tuple[list[Relation], Counter[str]]:
    path = folder / "a.pubtator"
    path.write_bytes(text.encode())
    counts = Counter[str]()
    return list(read_related(path, task, counts)), counts


def shown(relations: list[Relation]) -> list[tuple[str, int, str, int, str]]:
    return [
        (r.text[slice(*r.first)], r.first[0], r.text[slice(*r.second)], r.second[0], r.labels[0])
        for r in relations
    ]


def test_concepts_are_marked_where_they_are_closest(tmp_path: Path) -> None:
    found, counts = read(tmp_path, block("CID\tD1\tD2"))
    late, early = TEXT.rindex("polyuria"), TEXT.rindex("lithium")
    assert shown(found) == [
        ("polyuria", late, "lithium", early, "CID"),
        ("Amiloride", TEXT.index("Amiloride"), "polyuria", late, "none"),
    ]
    assert {r.text for r in found} == {TEXT}
    assert [r.types for r in found] == [("Disease", "Chemical"), ("Chemical", "Disease")]
    assert {r.document for r in found} == {"7"}
    assert +counts == {}


def test_novelty_is_not_read_and_types_that_are_never_related_are_no_pairs(tmp_path: Path) -> None:
    """As in BioRED: a fifth column, and chemicals related to organisms."""
    relations = "CID\tD1\tD2\tNovel", "Association\tD3\t10090\tNo"
    found, _ = read(tmp_path, block(*relations))
    assert [r.labels[0] for r in found] == ["CID", "none", "none", "Association"]
    assert not [r for r in found if {*r.types} == {"Disease", "Organism"}]


def test_without_a_null_label_only_relations_are_read(tmp_path: Path) -> None:
    found, counts = read(tmp_path, block("CID\tD1\tD2"), replace(TASK, null_label=""))
    assert [r.labels for r in found] == [("CID",)]
    assert +counts == {"unrelated_pairs_left_out": 1}


def test_a_mention_of_several_concepts_is_one_of_each(tmp_path: Path) -> None:
    mentions = ((0, "Lithium", "Chemical", "D1|D4"), MENTIONS[2])
    found, _ = read(tmp_path, block("CID\tD4\tD2", mentions=mentions))
    assert [r.labels[0] for r in found] == ["none", "CID"]


def test_what_is_left_out_is_counted(tmp_path: Path) -> None:
    mentions = (
        *MENTIONS,
        (0, "Lithium", "Chemical", "-1"),
        (9, "ethiopia", "Disease", "D9"),  # the text has other words there
        (TEXT.index("mice"), "mice", "Disease", "D8"),
    )
    relations = "CID\tD1\tD2", "Other\tD2\tD1", "CID\tD1\tD9", "CID\tD1\tD1", "X\t10090\tD8"
    found, counts = read(tmp_path, block(*relations, mentions=mentions) + "\n" + block())
    assert ("CID",) in [r.labels for r in found]
    assert +counts == {
        "further_relations_left_out": 1,
        "mentions_unlike_text_left_out": 1,
        "mentions_without_concept_left_out": 1,
        "same_place_pairs_left_out": 1,
        "one_concept_relations_left_out": 1,
        "relations_without_mention_left_out": 1,
        "repeated_abstracts": 1,
    }


def test_line_ends_and_missing_blank_lines(tmp_path: Path) -> None:
    text = block("CID\tD1\tD2") + block(id="8")
    first, _ = read(tmp_path, text)
    assert {r.document for r in first} == {"7", "8"}
    assert read(tmp_path, text.replace("\n", "\r\n"))[0] == first


def test_the_suffix_tells_the_format_of_relations(tmp_path: Path) -> None:
    read(tmp_path, block("CID\tD1\tD2"))
    files = dict.fromkeys(("train", "validation", "test"), "a.pubtator")
    given = {"name": "cdr", "kind": "relation", "null_label": "none", **files}
    loaded = load_task(TaskSection.model_validate(given), Domain("b", "B"), tmp_path)
    assert loaded.task.labels == ("CID", "none")
    assert [len(records) for records in loaded.splits.values()] == [2, 2, 2]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (block(), ": no relation of two concepts. Expected lines with id, type and two"),
        ("7|t|A\n\n7|a|B\n", ":1: no abstract for 7"),
        ("7|t|A\n8|a|B\n", ":2: abstract of 8: expected after its own title line"),
        ("7|t|A\n7|a|B\n8\t0\t1\tA\tGene\t1\n", ":3: found '8"),
        ("7|t|A\n7|a|B\n7\tA\n", ":3: malformed line '7"),
        ("7|t|A\n7|a|B\n7\t0\tone\tA\tGene\t1\n", ":3: malformed line '7"),
        ("7|t|A\n7|a|B\n7\tCID\tD1\n", ":3: malformed line '7"),
        ("words\n", ":1: found 'words'"),
        (
            block("CID\tD1\tD2").replace("|t|", "|t|A "),
            ": none of its 7 mentions is at its offsets",
        ),
        (
            block("CID\tD1\tD2").replace("\tpolyuria", "\tnephritis"),
            ": no relation of two concepts, and 2 mentions differ from the text at their offsets.",
        ),
    ],
)
def test_what_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(DataError) as caught:
        read(tmp_path, text)
    assert "a.pubtator" in str(caught.value)
    assert said in str(caught.value)


def test_a_real_file_with_lines_that_are_neither_is_refused_by_line(
    samples: Callable[[str], list[Path]],
) -> None:
    (path,) = samples("pubtator")
    with pytest.raises(DataError, match=rf"{path.name}:691: malformed line '21615796"):
        list(read_related(path, TASK, Counter()))
