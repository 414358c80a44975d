from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from domainbert.errors import DataError, RecipeError
from domainbert.plugin.domain import DataFile, Domain, Sentence, Task
from domainbert.recipe.sections import TaskSection
from domainbert.tasks.load import SPLITS, LoadedTask, load_task
from domainbert.tasks.metrics.score import Scoring

CONTENTS = {
    "train": "The\tO\nkeeper\tB-ROLE\nof\tI-ROLE\nArl\tI-PLACE\n\nshe\tO\n",
    "validation": "Arl\tB-PLACE\n",
    "test": "Arl\tB-PLACE\nmiller\tB-ROLE\n",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for split, text in CONTENTS.items():
        (tmp_path / f"{split}.tsv").write_text(text, encoding="utf-8")
    return tmp_path


def own(**changes: Any) -> TaskSection:
    files = {split: f"{split}.tsv" for split in SPLITS}
    return TaskSection(**{"name": "mine", "kind": "tagging", **files, **changes})


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


def refused(kind: type[Exception], *arguments: Any, folder: Path) -> str:
    with pytest.raises(kind) as caught:
        load_task(*arguments, folder)
    return str(caught.value).replace(str(folder) + "/", "")


def hashes() -> dict[str, str]:
    return {name: hashlib.sha256(text.encode()).hexdigest() for name, text in CONTENTS.items()}


def test_own_files_become_a_task_with_the_labels_of_the_training_split(folder: Path) -> None:
    task = load_task(own(), None, folder)
    assert task == LoadedTask(
        name="mine",
        title="",
        version="own",
        licence="as of your files",
        sample=False,
        scoring=Scoring("tagging", ("PLACE", "ROLE")),
        splits={
            "train": (
                Sentence(("The", "keeper", "of", "Arl"), ("O", "B-ROLE", "I-ROLE", "B-PLACE")),
                Sentence(("she",), ("O",)),
            ),
            "validation": (Sentence(("Arl",), ("B-PLACE",)),),
            "test": (Sentence(("Arl", "miller"), ("B-PLACE", "B-ROLE")),),
        },
        sha256=hashes(),
        counts={"repaired": 1},
    )
    assert task.outputs == ("O", "B-PLACE", "I-PLACE", "B-ROLE", "I-ROLE")


def test_a_declared_task_keeps_what_was_declared(folder: Path) -> None:
    task = load_task(TaskSection(name="roles"), declared(folder), Path())
    assert (task.name, task.title, task.version) == ("roles", "Who and where", "3")
    assert (task.licence, task.sample, task.counts) == ("CC0-1.0", True, {"repaired": 1})
    assert task.outputs == ("O", "B-ROLE", "I-ROLE", "B-PLACE", "I-PLACE")
    assert task.sha256 == hashes()


def test_a_reader_that_ends_python_is_refused_by_name(folder: Path) -> None:
    domain = declared(folder, read=lambda _path, split: sys.exit(split))
    assert refused(DataError, TaskSection(name="roles"), domain, folder=folder) == (
        "train.tsv: the reader of 'roles' called `sys.exit('train')`. "
        "It has to raise `domainbert.DataError` instead."
    )


def test_a_declared_task_is_read_with_its_own_reader(folder: Path) -> None:
    def read(path: Path, split: str) -> Iterator[Sentence]:
        yield Sentence((path.stem, split), ("B-ROLE", "O"))

    task = load_task(TaskSection(name="roles"), declared(folder, read=read), Path())
    assert [task.splits[split][0].words for split in SPLITS] == [(s, s) for s in SPLITS]


def test_own_files_hide_a_declared_task_of_the_same_name(folder: Path) -> None:
    task = load_task(own(name="roles"), declared(folder), folder)
    assert (task.version, task.scoring.labels) == ("own", ("PLACE", "ROLE"))


def test_a_declared_file_is_found_by_its_hash(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOMAINBERT_DATA", str(folder))
    files = {
        split: DataFile(hashes()[split], len(CONTENTS[split].encode()), f"any-{split}.tsv")
        for split in SPLITS
    }
    task = load_task(TaskSection(name="roles"), declared(Path("nowhere"), splits=files), Path())
    assert task.sha256 == hashes()


def test_an_unknown_task_is_named_with_those_that_are_known(folder: Path) -> None:
    asked = TaskSection(name="rolls")
    found = refused(RecipeError, asked, declared(folder), folder=folder)
    assert found == "tasks: unknown task 'rolls'; domain 'town' has: roles."
    found = refused(RecipeError, asked, Domain(name="town", title="Towns"), folder=folder)
    assert found == "tasks: unknown task 'rolls'; domain 'town' has: none."
    assert refused(RecipeError, asked, None, folder=folder) == (
        "tasks: unknown task 'rolls'; the recipe names no domain; your own task needs kind, "
        "train, validation and test."
    )


def test_a_kind_that_is_not_known_is_named(folder: Path) -> None:
    domain = declared(folder, kind="parsing")
    found = refused(RecipeError, TaskSection(name="roles"), domain, folder=folder)
    assert found == "tasks: 'roles' is of kind 'parsing'; known are tagging and classification."


@pytest.mark.parametrize("split", SPLITS)
def test_a_missing_split_is_named(folder: Path, split: str) -> None:
    (folder / f"{split}.tsv").unlink()
    assert refused(DataError, own(), None, folder=folder) == f"{split}.tsv: no such file."


@pytest.mark.parametrize("split", SPLITS)
def test_a_split_without_a_sentence_is_named(folder: Path, split: str) -> None:
    (folder / f"{split}.tsv").write_text("\n\n", encoding="utf-8")
    found = refused(DataError, own(), None, folder=folder)
    assert found == f"task 'mine': {split}.tsv has no sentence."


def test_a_training_split_without_a_mention_is_named(folder: Path) -> None:
    (folder / "train.tsv").write_text("the\tO\n", encoding="utf-8")
    found = refused(DataError, own(), None, folder=folder)
    assert found == "task 'mine': train.tsv tags no mention, only O."


def test_a_type_that_training_does_not_have_is_named(folder: Path) -> None:
    (folder / "test.tsv").write_text("noon\tB-TIME\n", encoding="utf-8")
    assert refused(DataError, own(), None, folder=folder) == (
        "task 'mine': test.tsv has the type 'TIME', which is not in the training split "
        "(PLACE, ROLE)."
    )


def test_a_type_that_is_not_declared_is_named(folder: Path) -> None:
    domain = declared(folder, labels=("ROLE",))
    assert refused(DataError, TaskSection(name="roles"), domain, folder=folder) == (
        "task 'roles': train.tsv has the type 'PLACE', which is not declared (ROLE)."
    )
