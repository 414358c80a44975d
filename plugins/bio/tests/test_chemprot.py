from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from domainbert import DataError, Domain, Relation, Task
from domainbert.recipe.tasks import TaskSection
from domainbert.tasks.load import load_task
from domainbert_bio.chemprot import read_chemprot

TITLE = "Aspirin and its targets"
ABSTRACT = "Aspirin inhibits COX-1. Ibuprofen blocks COX-1 and binds albumin."
TEXT = f"{TITLE} {ABSTRACT}"
PLACES = {
    "T1": ("CHEMICAL", "Aspirin", TEXT.index("Aspirin inhibits")),
    "T2": ("CHEMICAL", "Ibuprofen", TEXT.index("Ibuprofen")),
    "T3": ("GENE-Y", "COX-1", TEXT.index("COX-1")),
    "T4": ("GENE-Y", "COX-1", TEXT.rindex("COX-1")),
    "T5": ("GENE-N", "albumin", TEXT.index("albumin")),
    "T6": ("CHEMICAL", "Aspirin", 0),
}
TASK = Task(
    name="chemprot",
    title="Pairs",
    kind="relation",
    licence="CC0-1.0",
    origin="Written for a test",
    version="1",
    splits=dict.fromkeys(("train", "validation", "test"), Path()),
    labels=("CPR:4", "CPR:9", "none"),
    null_label="none",
)
RELATIONS = (
    "7\tCPR:4\tY \tINHIBITOR\tArg1:T1\tArg2:T3",
    "7\tCPR:4\tY\tINHIBITOR\tArg1:T2\tArg2:T4",
    "7\tCPR:1\tN\tPART-OF\tArg1:T2\tArg2:T5",
)


def entity(name: str, pmid: str = "7") -> str:
    label, quoted, start = PLACES[name]
    return f"{pmid}\t{name}\t{label}\t{start}\t{start + len(quoted)}\t{quoted}"


def written(folder: Path, *, split: str = "chemprot_training_{}.tsv", **parts: str) -> Path:
    """Write the files of a split and return that of the abstracts."""
    files = {
        "abstracts": f"7\t{TITLE}\t{ABSTRACT}",
        "entities": "\n".join(map(entity, PLACES)),
        "relations": "\n".join(RELATIONS),
        **parts,
    }
    for part, text in files.items():
        (folder / split.format(part)).write_text(f"{text}\n", "utf-8")
    return folder / split.format("abstracts")


def read(path: Path, task: Task = TASK) -> tuple[list[Relation], Counter[str]]:
    counts = Counter[str]()
    return list(read_chemprot(path, task, counts)), counts


def shown(relations: list[Relation]) -> list[tuple[str, str, str]]:
    return [
        (r.text[slice(*r.first)], r.text[slice(*r.second)], *r.labels)  # type: ignore[misc]
        for r in relations
    ]


def test_pairs_of_a_sentence_with_the_evaluated_groups(tmp_path: Path) -> None:
    found, counts = read(written(tmp_path))
    assert shown(found) == [
        ("Aspirin", "COX-1", "CPR:4"),
        ("Ibuprofen", "COX-1", "CPR:4"),
        ("Ibuprofen", "albumin", "none"),
    ]
    assert [r.text for r in found[:2]] == [
        "Aspirin inhibits COX-1.",
        "Ibuprofen blocks COX-1 and binds albumin.",
    ]
    assert {r.types for r in found} == {("CHEMICAL", "GENE")}
    assert {r.document for r in found} == {"7"}
    assert +counts == {"relations_not_evaluated": 1}


def test_without_a_null_label_only_relations_are_read(tmp_path: Path) -> None:
    found, counts = read(written(tmp_path), replace(TASK, null_label="", labels=()))
    assert [r.labels for r in found] == [("CPR:4",), ("CPR:4",)]
    assert counts["unrelated_pairs_left_out"] == 1


def test_the_gold_standard_is_read_where_there_are_no_relations(tmp_path: Path) -> None:
    gold = "7\tCPR:4\tArg1:T1\tArg2:T3\n7\tCPR:4\tArg2:T4\tArg1:T2"
    first, _ = read(written(tmp_path))
    path = written(tmp_path, split="chemprot_test_{}_gs.tsv")
    (tmp_path / "chemprot_test_relations_gs.tsv").unlink()
    (tmp_path / "chemprot_test_gold_standard.tsv").write_text(gold)
    assert read(path)[0] == first
    assert read(tmp_path / "chemprot_test_gold_standard.tsv") == ([], Counter())


def test_a_relation_across_sentences_is_left_out_and_counted(tmp_path: Path) -> None:
    relations = f"{RELATIONS[0]}\n7\tCPR:9\tY\tSUBSTRATE\tArg1:T1\tArg2:T5"
    found, counts = read(written(tmp_path, relations=relations))
    assert [r.labels for r in found] == [("CPR:4",), ("none",), ("none",)]
    assert +counts == {"relations_across_sentences_left_out": 1}


def test_a_second_group_of_a_pair_is_counted(tmp_path: Path) -> None:
    second = RELATIONS[0].replace("CPR:4", "CPR:9")
    found, counts = read(written(tmp_path, relations=f"{RELATIONS[0]}\n{RELATIONS[0]}\n{second}"))
    assert found[0].labels == ("CPR:4",)
    assert +counts == {"further_relations_left_out": 1}


def test_two_entities_at_one_place_are_no_pair(tmp_path: Path) -> None:
    start = PLACES["T1"][2]
    gene = f"7\tT9\tGENE-N\t{start}\t{start + 7}\tAspirin"
    entities = "\n".join([*map(entity, PLACES), gene])
    relations = f"{RELATIONS[0]}\n7\tCPR:9\tY\tSUBSTRATE\tArg1:T1\tArg2:T9"
    _, counts = read(written(tmp_path, entities=entities, relations=relations))
    assert +counts == {"same_place_pairs_left_out": 1}


def test_a_mention_unlike_its_text_is_left_out_with_its_relation(tmp_path: Path) -> None:
    entities = "\n".join(map(entity, PLACES)).replace("\tIbuprofen", "\tNaproxen")
    found, counts = read(written(tmp_path, entities=entities))
    assert shown(found) == [("Aspirin", "COX-1", "CPR:4")]
    assert +counts == {
        "mentions_unlike_text_left_out": 1,
        "relations_without_mention_left_out": 1,
        "relations_not_evaluated": 1,
    }


def test_repeated_abstracts_and_blanks_at_the_ends_of_cells(tmp_path: Path) -> None:
    abstracts = f"7\t{TITLE}\t{ABSTRACT}\n\n7\t{TITLE}\t{ABSTRACT}\n8\tNo entity\tHere."
    first, _ = read(written(tmp_path))
    found, counts = read(written(tmp_path, abstracts=abstracts))
    assert found == first
    assert counts["repeated_abstracts"] == 1
    moved = " ".join(["", TITLE])  # a blank in front moves all offsets by one
    with pytest.raises(DataError, match="none of its 6 mentions is at its offsets"):
        read(written(tmp_path, abstracts=f"7\t{moved}\t{ABSTRACT}"))


def test_a_pattern_names_all_files_of_a_split(tmp_path: Path) -> None:
    for split in ("training", "development", "test"):
        written(tmp_path, split=f"chemprot_{split}_{{}}.tsv")
    section = TaskSection.model_validate(
        {
            "name": "pairs",
            "kind": "relation",
            "format": "chemprot",
            "null_label": "none",
            "train": "chemprot_training_*.tsv",
            "validation": "chemprot_development_*.tsv",
            "test": "chemprot_test_*.tsv",
        }
    )
    loaded = load_task(section, Domain("b", "B"), tmp_path)
    assert {split: len(records) for split, records in loaded.splits.items()} == dict.fromkeys(
        ("train", "validation", "test"), 3
    )
    assert loaded.counts["relations_not_evaluated"] == 3
    before = loaded.task.data
    written(tmp_path, relations=RELATIONS[0])
    # The hash of a split is that of all its files.
    after = load_task(section, Domain("b", "B"), tmp_path).task.data
    assert after["train"] != before["train"]
    assert after["test"] == before["test"]


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"abstracts": f"{TITLE}\t{ABSTRACT}\t7"}, "abstracts.tsv:1: expected PMID, title and"),
        ({"abstracts": f"7\t{TITLE}"}, "abstracts.tsv:1: expected PMID, title and abstract"),
        ({"abstracts": "8\ta\tb"}, "no abstract 7, which has entities or relations"),
        ({"entities": "7\tCHEMICAL\tT1\t24\t31\tAspirin"}, "entities.tsv:1: expected PMID, T1, C"),
        ({"entities": "7\tT1\tCHEMICAL\tAspirin\t24\t31"}, "entities.tsv:1: expected PMID, T1, C"),
        ({"entities": "7\tT1\tCHEMICAL\t24\t31"}, "entities.tsv:1: expected PMID, T1, CHEMICAL"),
        (
            {"entities": "\n".join([*map(entity, PLACES), "7\tT1\tGENE-Y\t0\t7\tAspirin"])},
            "entities.tsv:7: the id T1 stands twice",
        ),
        (
            {"entities": "\n".join([*map(entity, PLACES), "7\tT3\tGENE-Y\t0\t7\tunlike"])},
            "entities.tsv:7: the id T3 stands twice",
        ),
        ({"relations": "7\tINHIBITOR\tY\tCPR:4\tArg1:T1\tArg2:T3"}, "relations.tsv:1: expected PM"),
        ({"relations": "7\tCPR:4\tyes\tINHIBITOR\tArg1:T1\tArg2:T3"}, "relations.tsv:1: expected"),
        ({"relations": "7\tCPR:4\tY\tINHIBITOR\tT1\tT3"}, "relations.tsv:1: expected PMID, CPR:4"),
        ({"relations": "7\tCPR:4\tY\tINHIBITOR\tArg1:T3\tArg2:T4"}, "are no chemical and gene"),
    ],
)
def test_what_is_refused(tmp_path: Path, parts: dict[str, str], said: str) -> None:
    with pytest.raises(DataError) as caught:
        read(written(tmp_path, **parts))
    assert said in str(caught.value)


def test_files_that_are_missing_or_not_of_chemprot_are_named(tmp_path: Path) -> None:
    path = written(tmp_path)
    (tmp_path / "chemprot_training_entities.tsv").unlink()
    with pytest.raises(DataError, match=r"no chemprot_training_entities\.tsv beside it"):
        read(path)
    path.unlink()
    with pytest.raises(DataError, match=r"no chemprot_training_abstracts\.tsv beside it"):
        read(tmp_path / "chemprot_training_relations.tsv")
    with pytest.raises(DataError, match="expected one of abstracts, entities, relations, gold"):
        read(tmp_path / "pairs.tsv")
    path.write_bytes(b"7\t\xff\tb\n")
    written(tmp_path, split="x_{}.tsv")
    (tmp_path / "chemprot_training_entities.tsv").write_text("")
    with pytest.raises(DataError, match=r"abstracts\.tsv:1:3: not UTF-8"):
        read(path)
