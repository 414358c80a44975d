from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from domainbert.errors import DataError, RecipeError
from domainbert.plugin.components import LoadedTask
from domainbert.plugin.domain import DataFile, Domain, Example, Sentence, Task, Terms
from domainbert.recipe.sections import TaskSection
from domainbert.tasks.load import SPLITS, load_task

COLUMNS = {
    "train": "The\tO\nkeeper\tB-ROLE\nof\tI-ROLE\nArl\tI-PLACE\n\nshe\tO\n",
    "validation": "Arl\tB-PLACE\n",
    "test": "Arl\tB-PLACE\nmiller\tB-ROLE\n",
}
TABLE = "text\tlabel\nthe barn\tplace\nthe baker\tperson\n"
HASHES = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in COLUMNS.items()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for split, text in COLUMNS.items():
        (tmp_path / f"{split}.tsv").write_text(text, encoding="utf-8")
        (tmp_path / f"{split}.csv").write_text(TABLE.replace("\t", ",").replace("the", split))
    return tmp_path


def own(kind: str = "tagging", **changes: Any) -> TaskSection:
    suffix = "tsv" if kind == "tagging" else "csv"
    files = {split: f"{split}.{suffix}" for split in SPLITS}
    return TaskSection.model_validate({"name": "mine", "kind": kind, **files, **changes})


def declared(folder: Path, **changes: Any) -> Domain:
    task = Task(
        name="roles",
        title="Who and where",
        kind="tagging",
        licence="CC0-1.0",
        origin="made up",
        version="3",
        splits={split: folder / f"{split}.tsv" for split in SPLITS},
        labels=("ROLE", "PLACE"),
        sample=True,
    )
    return Domain(name="town", title="Towns", tasks=(replace(task, **changes),))


def refused(folder: Path, section: TaskSection, domain: Domain | None = None) -> str:
    with pytest.raises((DataError, RecipeError)) as caught:
        load_task(section, domain, folder)
    return str(caught.value).replace(str(folder) + "/", "")


def test_own_files_become_a_task_with_the_labels_of_the_training_split(folder: Path) -> None:
    splits = {split: folder / f"{split}.tsv" for split in SPLITS}
    assert load_task(own(metrics=["accuracy"]), None, folder) == LoadedTask(
        Task(
            name="mine", title="", kind="tagging", licence="as of your files", version="own",
            origin="your files", splits=splits, labels=("PLACE", "ROLE"), data=HASHES,
            metrics=("accuracy",),
        ),
        {
            "train": (
                Sentence(("The", "keeper", "of", "Arl"), ("O", "B-ROLE", "I-ROLE", "B-PLACE")),
                Sentence(("she",), ("O",)),
            ),
            "validation": (Sentence(("Arl",), ("B-PLACE",)),),
            "test": (Sentence(("Arl", "miller"), ("B-PLACE", "B-ROLE")),),
        },
        {"repaired": 1},
    )  # fmt: skip


def test_a_declared_task_is_completed_with_domain_and_hashes(folder: Path) -> None:
    domain = declared(folder, metrics=("accuracy",))
    section = TaskSection(name="roles", metrics=("mcc",), baselines=("majority",))
    (folder / "terms.txt").write_text("# made up\nArl\n", encoding="utf-8")
    loaded = load_task(section, replace(domain, terms=Terms(folder / "terms.txt", "", "")), Path())
    assert loaded.task == replace(
        domain.tasks[0], domain="town", data=HASHES, metrics=("accuracy", "mcc"),
        baselines=("majority",),
    )  # fmt: skip
    assert (loaded.terms, loaded.counts) == (("Arl",), {"repaired": 1})


def test_a_declared_task_is_read_with_its_own_reader(folder: Path) -> None:
    def read(path: Path, split: str) -> Iterator[Sentence]:
        yield Sentence((path.stem, split), ("B-ROLE", "O"))

    loaded = load_task(TaskSection(name="roles"), declared(folder, read=read), Path())
    assert [loaded.splits[split][0].words for split in SPLITS] == [(s, s) for s in SPLITS]
    ends = declared(folder, read=lambda _path, split: sys.exit(split))
    assert refused(folder, TaskSection(name="roles"), ends) == (
        "train.tsv: Task 'roles' called `sys.exit('train')`. "
        "It has to raise `domainbert.DataError` instead."
    )
    other = declared(folder, read=lambda _path, _split: [7])
    assert refused(folder, TaskSection(name="roles"), other) == (
        "task 'roles': train.tsv, sentence 1: the reader gave int."
    )


def test_own_files_hide_a_declared_task_of_the_same_name(folder: Path) -> None:
    loaded = load_task(own(name="roles"), declared(folder), folder)
    assert (loaded.task.version, loaded.task.labels) == ("own", ("PLACE", "ROLE"))


def test_a_declared_file_is_found_by_its_hash(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOMAINBERT_DATA", str(folder))
    files = {
        split: DataFile(HASHES[split], len(COLUMNS[split].encode()), f"any-{split}.tsv")
        for split in SPLITS
    }
    domain = declared(Path("nowhere"), splits=files)
    assert load_task(TaskSection(name="roles"), domain, Path()).task.data == HASHES


def test_unknown_names_are_refused_before_any_file_is_read(folder: Path) -> None:
    asked, nowhere = TaskSection(name="rolls"), Path("nowhere")
    assert refused(folder, asked, declared(folder)) == (
        "tasks: unknown task 'rolls'; domain 'town' has: roles."
    )
    assert refused(folder, asked).startswith(
        "tasks: unknown task 'rolls'; the recipe names no domain; your own task needs kind, "
    )
    for changes, message in (
        ({"kind": "taging"}, "tasks: 'mine': no TaskKind 'taging'. Did you mean 'tagging'?"),
        ({"metrics": ["f1_strikt"]}, "tasks: 'mine': no Metric 'f1_strikt'. Did you mean 'f1_st"),
        ({"baselines": ["tfidf"]}, "tasks: 'mine': no Baseline 'tfidf'."),
        ({"levels": {"x": 1}}, "tasks: 'mine': multi_label and levels are for classification."),
    ):
        assert refused(nowhere, own(**changes)).startswith(message)
    message = refused(nowhere, own("classification", levels={"x": 1}))
    assert message == "tasks: 'mine': levels need multi_label: true."


@pytest.mark.parametrize(
    ("split", "text", "message"),
    [
        ("test", None, "test.tsv: no such file."),
        ("validation", "\n\n", "task 'mine': validation.tsv has no sentence."),
        ("train", "the\tO\n", "task 'mine': train.tsv tags no mention, only O."),
        ("test", "a\tB-TIME\n", "task 'mine': test.tsv has the type 'TIME', which is not in the t"),
    ],
)
def test_bad_columns_are_refused(folder: Path, split: str, text: str | None, message: str) -> None:
    path = folder / f"{split}.tsv"
    if text is None:
        path.unlink()
    else:
        path.write_text(text, encoding="utf-8")
    assert refused(folder, own()).startswith(message)


def test_a_type_that_is_not_declared_is_refused(folder: Path) -> None:
    domain = declared(folder, labels=("ROLE",))
    assert refused(folder, TaskSection(name="roles"), domain) == (
        "task 'roles': train.tsv has the type 'PLACE', which is not declared (ROLE)."
    )


def test_own_classes_are_those_of_training_or_as_given(folder: Path) -> None:
    loaded = load_task(own("classification"), None, folder)
    assert loaded.task.labels == ("person", "place")
    assert loaded.splits["test"][0] == Example("test barn", ("place",))
    given = load_task(own("classification", labels=["place", "person"]), None, folder)
    assert given.task.labels == ("place", "person")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("validation.csv", "text,label\n", "validation.csv has no example."),
        ("train.csv", "text,label\na,place\nb,place\n",
         "train.csv has 1 class (place); expected two or more."),
        ("train.csv", "text,label\nnoon,place\0\n",
         "train.csv, example 1: a label has invisible characters: ('place\\x00',)."),
        ("test.jsonl", '{"text": "\\ud800", "label": "place"}\n',
         "test.jsonl, example 1: holds half of a surrogate pair, which is no text."),
        ("train.jsonl", '{"text": "x", "labels": ["a", "b"]}\n',
         "train.jsonl, example 1: 2 labels ('a', 'b'); expected one. Set `multi_label: true` if"),
        ("test.csv", "text,label\nnoon,time\n",
         "test.csv has the label 'time', which is not in the training split (person, place)."),
    ],
)  # fmt: skip
def test_bad_tables_are_refused(folder: Path, name: str, text: str, message: str) -> None:
    (folder / name).write_text(text, encoding="utf-8")
    section = own("classification", **{name.partition(".")[0]: name})
    assert refused(folder, section).startswith(f"task 'mine': {message}")


def test_labels_that_training_lacks_are_refused_or_counted(folder: Path) -> None:
    (folder / "test.csv").write_text("text,label\nTRAIN  barn,time\ntrain baker,person\n")
    labels = ["place", "person", "time"]
    assert "not in the training split" in refused(folder, own("classification", labels=labels))
    assert refused(folder, own("classification", labels=["place", "town"])) == (
        "task 'mine': train.csv has the label 'person', which is not declared (place, town)."
    )
    for given in ({}, {"labels": labels}):
        loaded = load_task(own("classification", multi_label=True, **given), None, folder)
        assert loaded.counts == {"unseen_labels": 1, "test_in_train": 2}
