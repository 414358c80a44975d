from __future__ import annotations

import hashlib
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from domainbert.builtin import domainbert_components
from domainbert.errors import DataError, PluginError, RecipeError
from domainbert.plugin.components import TaskKind
from domainbert.plugin.domain import Domain, Task, Terms
from domainbert.plugin.places import DataFile
from domainbert.plugin.records import Sentence
from domainbert.plugin.registry import Registry, components
from domainbert.recipe.resolve import check_names
from domainbert.recipe.schema import Recipe
from domainbert.recipe.tasks import Column, TaskSection
from domainbert.tasks.check import foreign_columns
from domainbert.tasks.load import SPLITS, domain_of, load_task
from domainbert.tasks.readers.columns import read_columns

COLUMNS = {
    "train": "The\tO\nkeeper\tB-ROLE\nof\tI-ROLE\nArl\tI-PLACE\n\nshe\tO\n",
    "validation": "Arl\tB-PLACE\n",
    "test": "Arl\tB-PLACE\nmiller\tB-ROLE\n",
}
TABLE = "text\tlabel\nthe barn\tplace\nthe baker\tperson\n"
TEXTS: dict[str, Any] = {"kind": "classification"}
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
    splits = {split: folder / f"{split}.tsv" for split in SPLITS}
    about = ("Who and where", "tagging", "CC0-1.0", "made up", "3")
    task = Task("roles", *about, splits, ("ROLE", "PLACE"), sample=True)
    return Domain(name="town", title="Towns", tasks=(replace(task, **changes),))


def refused(folder: Path, section: TaskSection, domain: Domain | None = None) -> str:
    with pytest.raises((DataError, RecipeError)) as caught:
        load_task(section, domain, folder)
    return str(caught.value).replace(str(folder) + "/", "")


def test_own_files_become_a_task_with_the_labels_of_the_training_split(folder: Path) -> None:
    splits = {split: folder / f"{split}.tsv" for split in SPLITS}
    loaded = load_task(own(metrics=["f1_token"]), None, folder)
    about = ("", "tagging", "as of your files", "your files", "own", splits, ("PLACE", "ROLE"))
    assert loaded.task == Task("mine", *about, data=HASHES, metrics=("f1_token",))
    first = Sentence(("The", "keeper", "of", "Arl"), ("O", "B-ROLE", "I-ROLE", "B-PLACE"))
    assert loaded.splits["train"] == (first, Sentence(("she",), ("O",)))
    assert loaded.splits["test"] == (Sentence(("Arl", "miller"), ("B-PLACE", "B-ROLE")),)
    assert (loaded.counts, loaded.terms) == ({"repaired": 1}, ())


def test_a_declared_task_is_completed_with_domain_and_hashes(folder: Path) -> None:
    (folder / "terms.txt").write_text("# made up\nArl\n", encoding="utf-8")
    terms = Terms(folder / "terms.txt", "", "")
    domain = replace(declared(folder, metrics=("f1_token",)), terms=terms)
    section = TaskSection(name="roles", metrics=("f1_type",), baselines=("majority",))
    loaded = load_task(section, domain, Path())
    more: Any = {"metrics": ("f1_token", "f1_type"), "baselines": ("majority",)}
    assert loaded.task == replace(domain.tasks[0], domain="town", data=HASHES, **more)
    assert (loaded.terms, loaded.counts) == (("Arl",), {"repaired": 1})


def test_a_declared_task_is_read_with_its_own_reader(folder: Path) -> None:
    def read(path: Path, split: str) -> Iterator[Sentence]:
        yield Sentence((path.stem, split), ("B-ROLE", "O"))

    loaded = load_task(TaskSection(name="roles"), declared(folder, read=read), Path())
    assert [loaded.splits[split][0].words for split in SPLITS] == [(s, s) for s in SPLITS]
    ends = declared(folder, read=lambda _path, split: sys.exit(split))
    message = refused(folder, TaskSection(name="roles"), ends)
    assert message.startswith("train.tsv: Task 'roles' called `sys.exit('train')`; ")
    other = declared(folder, read=lambda _path, _split: [7])
    message = refused(folder, TaskSection(name="roles"), other)
    assert message == "task 'roles': train.tsv, sentence 1: the reader gave int."


def test_declared_files_are_found_by_hash(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOMAINBERT_DATA", str(folder))
    files = {s: DataFile(HASHES[s], len(COLUMNS[s].encode()), f"any-{s}.tsv") for s in SPLITS}
    domain = declared(Path("nowhere"), splits=files)
    assert load_task(TaskSection(name="roles"), domain, Path()).task.data == HASHES
    # The user's own files hide a declared task of the same name.
    assert load_task(own(name="roles"), domain, folder).task.version == "own"


def test_unknown_names_are_refused_before_any_file_is_read(folder: Path) -> None:
    asked, nowhere = TaskSection(name="rolls"), Path("nowhere")
    unknown, mine = "tasks: unknown task 'rolls'; ", "tasks: 'mine': "
    assert refused(folder, asked, declared(folder)) == f"{unknown}domain 'town' has: roles."
    assert refused(folder, asked).startswith(f"{unknown}the recipe names no domain; your own task ")
    for changes, message in (
        ({"kind": "taging"}, "no TaskKind 'taging'. Did you mean 'tagging'?"),
        ({"metrics": ["f1_strikt"]}, "no Metric 'f1_strikt'. Did you mean 'f1_strict'?"),
        ({"metrics": ["mcc"]}, "metric 'mcc' is for classification, not for tagging; those that"),
        ({"metrics": ["mcc/X"]}, "metric 'mcc/X' is for classification, not for tagging; "),
        (
            {"metrics": ["f1_strict/X"], "labels": ["PLACE", "ROLE"]},
            "metric 'f1_strict/X': 'X' is no type of the task (PLACE, ROLE).",
        ),
        ({**TEXTS, "metrics": ["f1_strict"]}, "metric 'f1_strict' is for tagging, not for classif"),
        ({**TEXTS, "metrics": ["f1_macro/a"]}, "metric 'f1_macro/a': only tagging has metrics of "),
        (
            {**TEXTS, "metrics": ["f1_hierarchical"]},
            "metric 'f1_hierarchical' needs a task with `levels`; those that suit this task: ",
        ),
        ({**TEXTS, "metrics": ["mcc"], "multi_label": True}, "metric 'mcc' is for one class per "),
        (
            {**TEXTS, "metrics": ["lrap"], "labels": [f"c{n}" for n in range(51)]},
            "metric 'lrap' needs the scores of all classes, stored up to 50, and the task has 51; ",
        ),
        ({"kind": "classification", "levels": {"x": 1}}, "levels need multi_label: true."),
    ):
        assert refused(nowhere, own(**changes)).startswith(mine + message)


def test_a_type_that_training_lacks_has_no_metric(folder: Path) -> None:
    loaded = load_task(own(metrics=["f1_strict/ROLE"]), None, folder)
    assert loaded.task.metrics == ("f1_strict/ROLE",)
    assert refused(folder, own(metrics=["f1_type/TIME"])) == (
        "tasks: 'mine': metric 'f1_type/TIME': 'TIME' is no type of the task (PLACE, ROLE)."
    )


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("test.tsv", None, ": no such file."),
        ("validation.tsv", "\n\n", " has no sentence."),
        ("train.tsv", "", " has no sentence."),
        ("test.csv", "text,label\n", " has no example."),
        ("train.tsv", "the\tO\n", " tags no mention, only O, so nothing"),
        ("test.tsv", "the\tO\n", " tags no mention, only O, so nothing"),
        ("train.csv", "text,label\na,place\n", " has 1 class (place); expected two or more."),
        ("train.csv", "text,label\nx,a\0\n", ", example 1: a label has invisible characters: ("),
        ("test.jsonl", '{"text": "\\ud800", "label": "place"}\n',
         ", example 1: holds half of a surrogate pair, which is no text."),
        ("test.csv", "text,label\nnoon,time\n",
         " has the label 'time', which is not in the training split (person, place)."),
    ],
)  # fmt: skip
def test_bad_files_are_refused(folder: Path, name: str, text: str | None, message: str) -> None:
    (folder / name).unlink(missing_ok=True)
    if text is not None:
        (folder / name).write_text(text, encoding="utf-8")
    split, _, suffix = name.partition(".")
    section = own("tagging" if suffix == "tsv" else "classification", **{split: name})
    assert refused(folder, section).removeprefix("task 'mine': ").startswith(name + message)


def test_labels_that_training_lacks_are_refused_or_counted(folder: Path) -> None:
    (folder / "test.csv").write_text("text,label\nTRAIN  barn,time\ntrain baker,person\n")
    assert refused(folder, own("classification", labels=["place", "town"])) == (
        "task 'mine': train.csv has the label 'person', which is not declared (place, town)."
    )
    loaded = load_task(own("classification", multi_label=True), None, folder)
    counts = {"test_in_train": 2, "other_labels_in_train": 1, "all_in_train": 2}
    assert loaded.counts == {"unseen_labels": 1, **counts}
    assert loaded.in_train == (0, 1)


def test_a_test_split_of_one_class_is_remarked(folder: Path) -> None:
    (folder / "test.csv").write_text("text,label\nnoon,place\nnight,place\n")
    assert load_task(own("classification"), None, folder).counts == {"one_class": 1}
    assert load_task(own("classification", multi_label=True), None, folder).counts == {}


def test_unicode_forms_tell_neither_labels_nor_texts_apart(folder: Path) -> None:
    composed, apart = "caf\xe9", "cafe\u0301"
    for split, name in zip(SPLITS, (composed, "Arl", apart), strict=True):
        (folder / f"{split}.csv").write_text(f"text,label\n{name},{composed}\nbarn,other\n")
    loaded = load_task(own("classification", labels=[apart, "other"]), None, folder)
    assert loaded.task.labels == (composed, "other")
    assert loaded.counts == {"test_in_train": 2, "all_in_train": 2}
    assert loaded.in_train == (0, 1)
    with pytest.raises(ValidationError, match=r"twice|once"):
        own("classification", labels=[apart, composed])
    assert own("relation", null_label=apart).null_label == composed


def test_predictions_made_elsewhere_are_read_from_beside_the_recipe(folder: Path) -> None:
    (folder / "llm.jsonl").write_text('{"number": 1, "tags": ["B-ROLE", "O"]}\n')
    given = {"file": "llm.jsonl", "name": "some-llm", "date": "2026-05-01"}
    (made,) = load_task(own(predictions=[given]), None, folder).outside
    assert made.predictions[0].predicted == ("B-ROLE", "O")
    assert made.predictions[0].gold == ("B-PLACE", "B-ROLE")
    given["file"] = "lost.jsonl"
    assert refused(folder, own(predictions=[given])) == (
        "task 'mine': predictions.0.file: lost.jsonl: no such file."
    )
    # Those of a plugin's task, too.
    section = TaskSection.model_validate({"name": "roles", "predictions": [given]})
    assert refused(folder, section, declared(folder)).endswith("lost.jsonl: no such file.")


def test_a_reader_of_a_task_counts_what_it_leaves_out(folder: Path) -> None:
    def read(path: Path, split: str, counts: Counter[str]) -> Iterator[Sentence]:
        counts["left_out"] += len(split)
        yield Sentence(("Arl", path.stem), ("B-PLACE", "B-ROLE"))

    loaded = load_task(TaskSection(name="roles"), declared(folder, read=read), Path())
    assert loaded.counts == {"left_out": len("trainvalidationtest")}
    assert loaded.splits["test"] == (Sentence(("Arl", "test"), ("B-PLACE", "B-ROLE")),)


def test_a_label_budget_names_the_task_and_keeps_the_labels_of_all(folder: Path) -> None:
    rows = "".join(f"text {n},{'abc'[n % 3]}\n" for n in range(30))
    (folder / "train.csv").write_text("text,label\n" + rows)
    (folder / "validation.csv").write_text("text,label\nx,a\n")
    (folder / "test.csv").write_text("text,label\ny,b\n")
    every = load_task(own("classification"), None, folder)
    some = load_task(own("classification", train_records=5), None, folder)
    assert (some.task.name, some.task.train_records) == ("mine@5", 5)
    assert some.task.labels == every.task.labels == ("a", "b", "c")
    assert len(some.splits["train"]) == 5
    assert set(some.splits["train"]) < set(every.splits["train"])
    more = load_task(own("classification", name="mine@7"), None, folder)
    assert set(some.splits["train"]) < set(more.splits["train"])
    assert some.splits["test"] == every.splits["test"]
    assert some.task.data == every.task.data


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train_records": 3}, "task 'mine': train_records: 3, but the training split has 2 sen"),
        ({"train_records": 1}, "task 'mine': train_records: 1, but it has 2 labels; give one each"),
    ],
)
def test_a_label_budget_that_cannot_be_is_refused(
    folder: Path, changes: dict[str, Any], message: str
) -> None:
    assert refused(folder, own(**changes)).startswith(message)


@pytest.mark.parametrize("value", [0, -1, 1.5, True, "many", [3], 10**16])
def test_a_label_budget_is_a_number_from_one(value: Any) -> None:
    with pytest.raises(ValidationError, match="train_records"):
        own(train_records=value)


@pytest.mark.parametrize("name", ["mine@0", "mine@", "mine@x", "@5", "mine@5@6", "mine@-1"])
def test_a_name_with_an_odd_budget_is_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        TaskSection.model_validate({"name": name})


def test_a_task_may_be_named_once_for_each_budget() -> None:
    tasks = ["roles", "roles@5", {"name": "roles", "train_records": 7}]
    given = {"name": "a", "base": "b", "corpus": [{"path": "c.txt"}], "train": {"steps": 1}}
    recipe = Recipe.model_validate({**given, "tasks": tasks})
    assert [task.full_name for task in recipe.tasks] == ["roles", "roles@5", "roles@7"]
    with pytest.raises(ValidationError, match="roles@5: twice"):
        Recipe.model_validate({**given, "tasks": [*tasks, "roles@5"]})


def rated(folder: Path, scores: str, **changes: Any) -> TaskSection:
    """Write a table of scores as train, and another as validation and test."""
    rows = [f"the barn {n},{score}" for n, score in enumerate(scores.split())]
    files = {"train": rows, "validation": ["it,1"], "test": ["it,1", "they,2"]}
    for split, lines in files.items():
        (folder / f"{split}.csv").write_text("\n".join(["text,label", *lines]) + "\n")
    return own("regression", **changes)


def test_numbers_have_no_labels_and_need_two_values(folder: Path) -> None:
    loaded = load_task(rated(folder, "1 2.5 4"), None, folder)
    assert (loaded.task.labels, [r.score for r in loaded.splits["train"]]) == ((), [1, 2.5, 4])
    one = "train.csv has one score only, 3.0, so nothing can be learned."
    assert refused(folder, rated(folder, "3 3 3.0")) == f"task 'mine': {one}"
    with pytest.raises(DataError, match=r"train.csv has one score only"):
        load_task(rated(folder, "3 3 3 4", train_records=1), None, folder)
    assert "train.csv:3: expected a number in `label`, found 'nan'." in refused(
        folder, rated(folder, "3 nan")
    )


@pytest.mark.parametrize(
    ("kind", "changes", "message"),
    [
        ("pairs", {"multi_label": True}, "multi_label and levels are for classification"),
        *((kind, {"null_label": "none"}, "null_label is for relations")
          for kind in ("pairs", "multiple-choice", "regression")),
        ("regression", {"label_names": ["a"]},
         "labels, label_names, multi_label and levels are for classes, not for numbers"),
    ],
)  # fmt: skip
def test_keys_of_other_kinds_are_refused(
    folder: Path, kind: str, changes: dict[str, Any], message: str
) -> None:
    assert refused(folder, own(kind, **changes)) == f"tasks: 'mine': {message}."


KINDS = {name: kind for name, kind in components(TaskKind).items() if kind.columns}


def test_each_kind_of_core_names_its_columns() -> None:
    core = [item.name for item in domainbert_components() if isinstance(item, TaskKind)]
    assert {*core} <= {*KINDS} and len(core) == 8
    known = {*get_args(Column), "text", "label", "group"}
    assert known - {"group"} <= {name for kind in KINDS.values() for name in kind.columns}


@pytest.mark.parametrize("kind", KINDS)
def test_a_column_of_another_kind_is_refused(folder: Path, kind: str) -> None:
    keys = {*get_args(Column), "text", "label"}
    for name in sorted(keys - {*KINDS[kind].columns}):
        given = {f"{name}_field": "b"} if name in ("text", "label") else {"columns": {name: "b"}}
        assert refused(folder, own(kind, **given)) == (
            f"tasks: 'mine': columns: {kind} has no `{name}`; it reads "
            f"{', '.join(f'`{own}`' for own in KINDS[kind].columns)}."
        )
    for name in KINDS[kind].columns:
        task = Task("mine", "", kind, "", "", "1", dict.fromkeys(SPLITS, folder), (), None)
        assert foreign_columns(KINDS[kind], replace(task, columns={name: "b", "group": "c"})) == ""


def test_a_reader_of_its_own_may_have_columns_of_its_own(folder: Path) -> None:
    domain = declared(folder, columns={"first": "a"})
    section = TaskSection(name="roles")
    assert "columns: tagging has no `first`" in refused(folder, section, domain)

    def read(path: Path, _split: str) -> Iterator[Sentence]:
        return read_columns(path, domain.tasks[0])

    reads = declared(folder, columns={"first": "a"}, read=read)
    assert load_task(section, reads, folder).task.columns == {"first": "a"}


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"second": ["a", "b"]}, "second: expected one column; only `choices` has several"),
        ({"choices": ["a"]}, "choices: a list names two columns or more, each once"),
        ({"choices": ["a", "a"]}, "choices: a list names two columns or more, each once"),
        ({"third": "a"}, "Input should be 'words', 'tags', 'spans', 'first', 'second', 'choices'"),
    ],
)
def test_columns_that_are_none_are_refused(columns: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        own("pairs", columns=columns)


COUNTS = {
    "train+validation": {"records": 3, "tokens": 6, "ROLE": 1, "PLACE": 2},
    "test": {"records": 1, "tokens": 2, "ROLE": 1, "PLACE": 1},
}


def test_declared_counts_are_those_of_a_right_reader(folder: Path) -> None:
    load_task(TaskSection(name="roles"), declared(folder, counts=COUNTS), Path())
    for names, key, number, message in (
        ("test", "tokens", 3, "test.tsv test: tokens: 2 were read, 3 are"),
        ("train+validation", "PLACE", 1, "train.tsv train+validation: PLACE: 2 were read, 1 are"),
        ("test", "records", 1_941, "test.tsv test: records: 1 were read, 1,941 are"),
    ):
        counts = {**COUNTS, names: {**COUNTS[names], key: number}}
        found = refused(folder, TaskSection(name="roles"), declared(folder, counts=counts))
        assert found == (f"task 'roles': {message} declared: the data or the reader has changed.")


def test_counts_of_an_unknown_split_are_refused(folder: Path) -> None:
    with pytest.raises(PluginError, match="task 'roles': counts: no split 'dev'; name splits, sev"):
        declared(folder, counts={"train+dev": {"records": 1}})


def test_counts_of_classes_are_records(folder: Path) -> None:
    splits = {split: folder / f"{split}.csv" for split in SPLITS}
    counts = {"train": {"records": 2, "place": 1, "person": 1}}
    about: Any = {"kind": "classification", "labels": ("place", "person"), "splits": splits}
    domain = declared(folder, **about, counts=counts)
    loaded = load_task(TaskSection(name="roles", train_records=2), domain, Path())
    assert len(loaded.splits["train"]) == 2
    wrong = declared(folder, **about, counts={"train": {"place": 2}})
    message = "task 'roles': train.csv train: place: 1 were read, 2 are declared: the data or "
    assert refused(folder, TaskSection(name="roles"), wrong).startswith(message)


def test_a_task_is_tested_on_another(folder: Path) -> None:
    (folder / "other.tsv").write_text("mill\tB-PLACE\n", encoding="utf-8")

    def read(path: Path, split: str) -> Iterator[Sentence]:
        yield Sentence((path.stem, split), ("B-PLACE", "O"))

    (task,) = declared(folder, counts=COUNTS, notes="One.").tasks
    splits = dict.fromkeys(SPLITS, folder / "other.tsv")
    counts = {"test": {"records": 1}, "train": {"records": 9}}
    other = replace(task, name="towns", splits=splits, read=read, counts=counts, notes="Two.")
    kind = replace(task, name="tone", kind="classification")
    times = replace(other, name="times", labels=("ROLE", "TIME"))
    domain = Domain(name="town", title="Towns", tasks=(task, other, kind, times))
    loaded = load_task(TaskSection(name="roles", test_on="towns"), domain, Path())
    alone = load_task(TaskSection(name="roles"), domain, Path())
    assert loaded.splits["train"] == alone.splits["train"]
    assert loaded.splits["test"] == (Sentence(("other", "test"), ("B-PLACE", "O")),)
    assert loaded.task.name == "roles-on-towns"
    assert loaded.task.version == "3, test of towns 3"
    assert loaded.task.notes == "One. Two."
    assert loaded.task.counts == {**COUNTS, "test": {"records": 1}}
    assert loaded.task.data["test"] == hashlib.sha256(b"mill\tB-PLACE\n").hexdigest()
    assert TaskSection(name="roles@2", test_on="towns").full_name == "roles-on-towns@2"
    message = refused(folder, TaskSection(name="roles", test_on="tone"), domain)
    assert message.startswith("tasks: 'roles-on-tone': a task of tagging cannot be tested on one ")
    message = refused(folder, TaskSection(name="roles", test_on="times"), domain)
    lacks = "'TIME', which roles lacks (ROLE, PLACE)."
    assert message == f"tasks: 'roles-on-times': times has the label {lacks}"
    message = refused(folder, TaskSection(name="roles", test_on="town"), domain)
    assert message.startswith("tasks: unknown task 'town'; domain 'town' has: roles, ")
    with pytest.raises(ValidationError, match="test_on: for a declared task"):
        own(test_on="towns")


def test_a_task_of_another_domain_is_looked_up_there(folder: Path) -> None:
    (town,) = declared(folder).tasks
    films = replace(town, name="films")
    domains = {
        "town": Domain(name="town", title="Towns", tasks=(town,)),
        "general": Domain(name="general", title="General", tasks=(films,)),
    }
    registry = Registry((), domains)
    section = TaskSection.model_validate({"name": "films@2", "domain": "general"})
    found = domain_of(section, "town", registry)
    assert load_task(section, found, Path()).task.domain == "general"
    assert domain_of(TaskSection(name="roles"), "town", registry) is domains["town"]
    assert domain_of(TaskSection(name="roles"), None, registry) is None
    content = {"name": "x", "base": "x", "domain": "town", "train": {"steps": 1}}
    content["corpus"] = [{"path": "a.txt"}]
    tasks = [{"name": "films", "domain": "general"}, {"name": "rolls", "domain": "general"}]
    with pytest.raises(RecipeError) as caught:
        check_names(Recipe.model_validate({**content, "tasks": tasks}), registry)
    assert str(caught.value) == "tasks.1: domain 'general' has no task 'rolls'."
    with pytest.raises(PluginError, match=r"Unknown domain 'generel'\. Did you mean 'general'\?"):
        changed = {**content, "tasks": [{"name": "films", "domain": "generel"}]}
        check_names(Recipe.model_validate(changed), registry)
    with pytest.raises(ValidationError, match="domain: for a declared task"):
        own(domain="general")
