"""The section of a recipe that says what a task is, and where its labelled files are."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from domainbert.recipe.corpus import Hub, one_name_each
from domainbert.recipe.sections import Count, EachOnce, Fraction, Name, Section, name_of

SPLITS = ("train", "validation", "test")
_SHARE = 0.1


Column = Literal[
    "words", "tags", "spans", "first", "second", "choices", "first_start", "first_end",
    "second_start", "second_end", "question", "context", "answers", "answer", "answer_start", "id",
    "title", "query", "document",
]  # fmt: skip
"""Columns that may have other names, beside text and label."""


class Shares(Section):
    """Shares of the training texts for the splits that have no file; the rest is trained on."""

    train: Fraction | None = None
    """Share to fine-tune on: what the others leave, so it need not be given."""
    validation: Fraction = _SHARE
    """Share to choose a threshold on."""
    test: Fraction = _SHARE
    """Share to score on."""

    def of(self, missing: tuple[str, ...]) -> dict[str, float]:
        """Return the shares of train and of the splits that are missing; together 1."""
        others = {name: float(getattr(self, name)) for name in missing}
        return {"train": 1 - sum(others.values()), **others}

    def wrong(self, missing: tuple[str, ...]) -> str:
        """Return why the shares do not suit the missing splits, or an empty text."""
        # At its default it may be that of a recipe that a run has written out.
        own = [name for name in ("validation", "test") if name not in missing]
        if more := [name for name in own if getattr(self, name) != _SHARE]:
            return f"`splits` gives a share to {', '.join(more)}, which has its own file"
        train = self.of(missing)["train"]
        if train <= 0:
            return f"the shares of {' and '.join(missing)} are together 1 or more: none to train on"
        if self.train is not None and abs(self.train - train) > 1e-6:
            return f"the shares of train, {' and '.join(missing)} are together 1"
        return ""


def _label(text: str) -> str:
    from domainbert.words import canonical_text

    return canonical_text(text)


Label = Annotated[str, AfterValidator(_label)]
"""A label in the form in which those of files are read."""


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise ValueError("expected a day, such as 2026-05-01") from None


class PredictionsSection(Section):
    """Predictions of the test split that were made elsewhere, as by a large language model."""

    file: str = Field(min_length=1)
    """A file with one JSON object per test record (or another table), relative to the recipe: its
    texts or `number` from 1, and `label`, `labels`, `tags`, `entities`, `score` or `answer`."""
    name: Name
    """Its row in tables. Files of one name are runs of one model."""
    date: Annotated[str, BeforeValidator(str), AfterValidator(_day)]
    """Day on which they were made."""
    source: str = Field(default="", max_length=500)
    """What made them: model, version, prompt, address."""


class TaskSection(Section):
    """One task: a plugin's by `name` alone, or your own files with `kind` and the splits."""

    name: str = Field(default="", pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=64)
    """Name of the task; a plain string in the list is short for this. A task of your own is called
    after its file if it has no name."""
    domain: Name | None = None
    """Domain that declares it, where that is not the recipe's: such as `general`, to see what the
    model keeps of others."""
    train_records: Count | None = None
    """Label budget: fine-tune on this many records of the training split, those with the smallest
    text hashes, so that 100 are among the 1,000. `NAME@100` is short for name and budget."""
    test_on: Name | None = None
    """Another task of the domain, such as `bc5cdr-disease`: its test split is scored in place of
    the task's own, so that models are fine-tuned on one data set and tested on another."""
    kind: str | None = None
    """Kind of your own task: `tagging` (entities), `classification`, `pairs` (two texts, one
    label), `multiple-choice`, `regression` (a number), `relation`, `question-answering`,
    `retrieval` (queries and their documents), or one of a plugin."""
    train: str | None = None
    """Training file, relative to the recipe; with `hub`, or the `file` of a saved data set, the
    name of its split. Retrieval needs none: nothing is fine-tuned."""
    validation: str | None = None
    """Validation file or split."""
    test: str | None = None
    """Test file or split."""
    file: str | None = None
    """In place of the three: one file, whose texts `splits` shares out, or a folder with several
    splits that `datasets` saved. `path` is another name of it."""
    hub: Hub | None = None
    """In place of the three: a data set of the hub."""
    splits: Shares | None = None
    """Shares of the training texts for splits that are missing, as `{validation: 0.1, test: 0.2}`.
    The hash of a text decides, so copies are in one split."""
    group: str | None = None
    """Column whose value decides in place of the text, such as `doc_id`: all rows of a document are
    in one split."""
    format: Name | None = None
    """Format of the files where the suffix does not tell: `columns`, `conllu`, `brat`, `pubtator`,
    `squad`, a table (`csv`, `tsv`, `jsonl`, `json`, `parquet`, `arrow`, `xlsx`), or one of a
    plugin."""
    text_field: str = "text"
    """Column or field of the text in tables and JSON; also as `columns: {text: NAME}`."""
    label_field: str = "label"
    """Column or field of the label in tables and JSON; also as `columns: {label: NAME}`."""
    columns: dict[Column, str | int | tuple[str, ...]] = Field(default_factory=dict)
    """Names of other columns: `{words: tokens, tags: ner_tags}`; of a pair `{second: answer}`; of
    choices one with lists, or several: `{choices: [a, b, c]}`. In files without a header the
    number of the column, from 1 or from the end: `{words: 2, tags: -1}`, or `word_column: 2` and
    `tag_column: -1`."""
    label_names: Annotated[tuple[str, ...], EachOnce] = ()
    """Names of labels or tags that are numbers in the files: the first is that of 0."""
    separator: str = Field(default="", max_length=1)
    """What separates columns, if it is neither tab, blank, comma nor semicolon."""
    labels: Annotated[tuple[Label, ...], EachOnce] = ()
    """Labels of your own task in the order of the model's outputs; else those of the training
    file, sorted."""
    multi_label: bool = False
    """Whether a text may have any number of labels, joined by `|` in tables (classification)."""
    null_label: Label = ""
    """Label that says that there is no relation, such as `none`; scores leave it out (relation)."""
    levels: dict[str, Count] = Field(default_factory=dict)
    """Name of a level: length of the prefix of a label that names its class there, as
    `{section: 1, class: 3}`; each is scored as well (multi-label)."""
    metrics: tuple[str, ...] = ()
    """Metrics beside those of the kind, such as `mcc` or one of a plugin."""
    baselines: tuple[str, ...] = ()
    """Baselines beside those of the kind, such as one of a plugin."""
    predictions: tuple[PredictionsSection, ...] = ()
    """Predictions of the test split that were made elsewhere, to be scored beside the models."""

    @model_validator(mode="before")
    @classmethod
    def _named_after_its_file(cls, data: Any) -> Any:
        data = one_name_each(data)
        if not isinstance(data, dict):
            return data
        if "path" in data and "file" not in data:
            data = {"file" if key == "path" else key: value for key, value in data.items()}
        file = data.get("file") or data.get("train")
        name = data.get("name", name_of(file) if isinstance(file, str) else "")
        short, at, records = name.partition("@") if isinstance(name, str) else ("", "", "")
        if at and "train_records" in data:
            raise ValueError(f"give {name!r} or `train_records`, not both")
        if at and not records.isdecimal():
            raise ValueError(f"{name!r}: expected a number of records behind `@`, as {short}@100")
        if at:
            return {**data, "name": short, "train_records": int(records)}
        return {**data, "name": name} if name else data

    @field_validator("columns")
    @classmethod
    def _only_choices_have_several(cls, columns: dict[Column, Any]) -> dict[Column, Any]:
        for what, column in columns.items():
            if isinstance(column, tuple) and what != "choices":
                raise ValueError(f"{what}: expected one column; only `choices` has several")
            if isinstance(column, tuple) and len({*column}) < max(2, len(column)):
                raise ValueError("choices: a list names two columns or more, each once")
        return columns

    @property
    def plain_name(self) -> str:
        """Name with the task that it is tested on, such as `ncbi-disease-on-bc5cdr-disease`."""
        return f"{self.name}-on-{self.test_on}" if self.test_on else self.name

    @property
    def full_name(self) -> str:
        """Name and label budget, as results call the task, such as `ncbi-disease@100`."""
        budget = "" if self.train_records is None else f"@{self.train_records}"
        return f"{self.plain_name}{budget}"

    @model_validator(mode="after")
    def _runs_are_of_one_model(self) -> TaskSection:
        made: dict[str, PredictionsSection] = {}
        for item in self.predictions:
            first = made.setdefault(item.name, item)
            if (first.date, first.source) != (item.date, item.source):
                raise ValueError(
                    f"predictions: {item.name} has two dates or sources; runs of one model have "
                    "one. Give another name"
                )
            if item is not first and first.file == item.file:
                raise ValueError(f"predictions: {item.file}: twice; give each run once")
        return self

    @model_validator(mode="after")
    def _own_task_is_not_declared(self) -> TaskSection:
        if self.kind is not None and self.test_on:
            raise ValueError("test_on: for a declared task; your own names its `test`")
        if self.kind is not None and self.domain:
            raise ValueError("domain: for a declared task, and not with `kind`")
        return self

    @model_validator(mode="after")
    def _own_task_is_complete(self) -> TaskSection:
        if not self.name:
            raise ValueError("give `name`, or `kind` with your own files")
        changed = self.model_dump(include=_OF_OWN_TASKS, exclude_defaults=True)
        if self.kind is None and changed:
            raise ValueError(f"{', '.join(sorted(changed))}: for your own task, with `kind`")
        if self.file and self.hub:
            raise ValueError("give `file` or `hub`, not both")
        if self.group is not None and self.splits is None:
            raise ValueError("`group` is for `splits`: give shares of the splits that are missing")
        if self.hub is not None and self.hub.split is not None:
            raise ValueError("hub.split: a task has three; name them `train`, `validation`, `test`")
        missing = tuple(name for name in SPLITS if getattr(self, name) is None)
        # Kinds that learn nothing need no `train`; loading refuses the others.
        trainless = missing == ("train",) and self.splits is None
        if self.kind is None or self.file or self.hub or trainless:
            return self
        if "train" in missing or (missing and self.splits is None):
            cure = "; or cut it from train with `splits`" if "train" not in missing else ""
            raise ValueError(f"your own task also needs {', '.join(sorted(missing))}{cure}")
        if self.splits is not None:
            wrong = self.splits.wrong(missing) if missing else "`splits`: no split is missing"
            if wrong:
                raise ValueError(wrong)
        return self


_OF_OWN_TASKS = {
    "train", "validation", "test", "file", "hub", "splits", "group", "format", "text_field",
    "label_field", "columns", "label_names", "separator", "labels", "multi_label", "levels",
    "null_label",
}  # fmt: skip
