"""The sections of a recipe except `train:`."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import PurePath
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_serializer,
    field_validator,
    model_validator,
)

from domainbert.visible import public_url


def _each_once(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the values, or refuse two that are equal or have one name."""
    names = [getattr(value, "full_name", getattr(value, "name", value)) for value in values]
    counts = Counter(map(str, names))
    if twice := sorted(name for name, count in counts.items() if count > 1):
        raise ValueError(f"{', '.join(twice)}: twice; give each once")
    return values


def no_truth_value(value: Any) -> Any:
    """Refuse true and false where a number is expected; pydantic takes them for 1 and 0."""
    if isinstance(value, bool):
        raise ValueError(f"expected a number, found {str(value).lower()}")
    return value


def _types(annotation: Any) -> set[Any]:
    """Return the types that a field takes at its top level."""
    inner = get_args(annotation) if get_origin(annotation) in {Union, UnionType, Annotated} else ()
    return {annotation}.union(*map(_types, inner))


Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Commit = Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
Name = Annotated[str, Field(pattern=r"^[a-z0-9]+([.-][a-z0-9]+)*$", max_length=64)]
Fraction = Annotated[float, Field(gt=0, lt=1), BeforeValidator(no_truth_value)]
Rate = Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False), BeforeValidator(no_truth_value)]
Count = Annotated[int, Field(ge=1, le=10**15), BeforeValidator(no_truth_value)]
BatchSize = Annotated[int, Field(ge=1, le=65_536), BeforeValidator(no_truth_value)]
Seed = Annotated[int, Field(ge=0, lt=2**32), BeforeValidator(no_truth_value)]
EachOnce = AfterValidator(_each_once)
"""No two values are equal or have one name."""


def name_of(path: str) -> str:
    """Return a name made from that of a file: its stem in lower case, with hyphens."""
    stem = re.sub(r"(\.(tsv|csv|txt|jsonl|ya?ml|gz|zst|conll|iob))+$", "", PurePath(path).name)
    return "-".join(re.findall(r"[a-z0-9]+", stem.lower()))[:64].strip("-")


class Section(BaseModel):
    """Settings shared by every section: unknown keys are errors, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    @field_validator("*", mode="before")
    @classmethod
    def _numbers_are_no_truth_values(cls, value: Any, info: ValidationInfo) -> Any:
        types = _types(cls.model_fields[str(info.field_name)].annotation)
        return no_truth_value(value) if {int, float} & types and bool not in types else value


class BaseSection(Section):
    """The checkpoint to start from; a plain string is short for `source`."""

    source: str
    """Hub id (`google-bert/bert-base-cased`), local folder (`./model`), or
    `package:MODULE/FOLDER` for weights inside an installed Python package."""
    revision: Commit | None = None
    """Commit hash of a hub id. Without it the newest commit is taken and written to the lock."""
    sha256: Sha256 | None = None
    """Expected hash of `model.safetensors`; another file is refused."""


class FileSection(Section):
    """A file identified by its content: found in `DOMAINBERT_DATA`, the cache, or downloaded."""

    sha256: Sha256
    """Hash of the whole file."""
    size: Count
    """Length in bytes."""
    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    """Name in the cache; its suffix tells the format."""
    url: str | None = Field(default=None, pattern=r"^https?://")
    """Where to download it; without it the file must be in `DOMAINBERT_DATA`. User name, password
    and query are used for the download and written nowhere."""

    @field_serializer("url")
    def _without_secrets(self, url: str | None) -> str | None:
        return None if url is None else public_url(url)


class CorpusSection(Section):
    """One source of text: a plugin's corpus, your own files, or a file by hash."""

    name: Name | None = None
    """A corpus of the recipe's domain. With `path` or `file`, its reader reads those files."""
    path: str | None = None
    """Files as a glob, relative to the recipe: txt, jsonl, csv, parquet, or what a plugin reads;
    plain, .gz or .zst."""
    file: FileSection | None = None
    """One file by hash."""
    format: Name | None = None
    """Name of a corpus reader, of core or of a plugin; else the suffix decides."""
    text_field: str = "text"
    """Field or column that holds the text in jsonl, csv and parquet files."""
    text_unit: Literal["file", "line", "paragraph"] = "file"
    """What one document of a txt file is: all of it, a line, or a block between blank lines."""

    @model_validator(mode="after")
    def _one_source(self) -> CorpusSection:
        if self.path and self.file:
            raise ValueError("give `path` or `file`, not both")
        if not (self.name or self.path or self.file):
            raise ValueError("give `name` (a plugin's corpus), `path` or `file`")
        return self


class Shares(Section):
    """Shares of the texts of one file for the three splits; together 1."""

    train: Fraction = 0.8
    """Share to fine-tune on; what the others leave, if it is not given."""
    validation: Fraction = 0.1
    """Share to choose a threshold on."""
    test: Fraction = 0.1
    """Share to score on."""

    @model_validator(mode="before")
    @classmethod
    def _rest_to_train(cls, given: Any) -> Any:
        if not isinstance(given, dict) or "train" in given or not given:
            return given
        shares = [given.get(name, 0.1) for name in ("validation", "test")]
        numbers = all(type(share) in {int, float} for share in shares)
        return {"train": 1 - sum(shares), **given} if numbers else given

    @model_validator(mode="after")
    def _together_one(self) -> Shares:
        if abs(self.train + self.validation + self.test - 1) > 1e-6:
            raise ValueError("the shares of train, validation and test are together 1")
        return self


class TaskSection(Section):
    """One task: a plugin's by `name` alone, or your own files with `kind` and the splits."""

    name: str = Field(default="", pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=64)
    """Name of the task; a plain string in the list is short for this. A task of your own is called
    after its file if it has no name."""
    train_records: Count | None = None
    """Label budget: fine-tune on this many records of the training split, those with the smallest
    text hashes, so that 100 are among the 1,000. `NAME@100` is short for name and budget."""
    kind: str | None = None
    """Kind of your own task. `tagging`: entity recognition in columns `word ... tag`, IOB2.
    `classification`: .tsv, .csv or .jsonl with `text` and `label`. A plugin may add kinds."""
    train: str | None = None
    """Training file, relative to the recipe."""
    validation: str | None = None
    """Validation file."""
    test: str | None = None
    """Test file."""
    file: str | None = None
    """In place of the three: one file, whose texts `splits` shares out."""
    splits: Shares | None = None
    """Shares of the texts of `file`, as `{train: 0.8, validation: 0.1, test: 0.1}`. The hash of a
    text decides, so copies are in one split."""
    text_field: str = "text"
    """Column or field of the text, in tables and JSON lines (classification)."""
    label_field: str = "label"
    """Column or field of the label, in tables and JSON lines (classification)."""
    labels: Annotated[tuple[str, ...], EachOnce] = ()
    """Labels of your own task in the order of the model's outputs; else those of the training
    file, sorted."""
    multi_label: bool = False
    """Whether a text may have any number of labels, joined by `|` in tables (classification)."""
    levels: dict[str, Count] = Field(default_factory=dict)
    """Name of a level: length of the prefix of a label that names its class there, as
    `{section: 1, class: 3}`; each is scored as well (multi-label)."""
    metrics: tuple[str, ...] = ()
    """Metrics beside those of the kind, such as `mcc` or one of a plugin."""
    baselines: tuple[str, ...] = ()
    """Baselines beside those of the kind, such as one of a plugin."""

    @model_validator(mode="before")
    @classmethod
    def _named_after_its_file(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        file = data.get("file") or data.get("train")
        name = data.get("name", name_of(file) if isinstance(file, str) else "")
        short, at, records = name.partition("@") if isinstance(name, str) else ("", "", "")
        if at and records.isdecimal() and "train_records" not in data:
            return {**data, "name": short, "train_records": int(records)}
        return {**data, "name": name} if name else data

    @property
    def full_name(self) -> str:
        """Name and label budget, as results call the task, such as `ncbi-disease@100`."""
        return self.name if self.train_records is None else f"{self.name}@{self.train_records}"

    @model_validator(mode="after")
    def _own_task_is_complete(self) -> TaskSection:
        if not self.name:
            raise ValueError("give `name`, or `kind` with your own files")
        changed = self.model_dump(include=_OF_OWN_TASKS, exclude_defaults=True)
        if self.kind is None and changed:
            raise ValueError(f"{', '.join(sorted(changed))}: for your own task, with `kind`")
        files = {"train", "validation", "test"}
        if (self.file is None) != (self.splits is None):
            raise ValueError("`file` and `splits` belong together: give both or none")
        if self.file is not None and any(getattr(self, split) for split in files):
            raise ValueError("give `file` with `splits`, or `train`, `validation` and `test`")
        wanted = {"kind", "file"} if self.file is not None else {"kind", *files}
        missing = sorted(key for key in wanted if not getattr(self, key))
        if missing and len(missing) < len(wanted):
            raise ValueError(f"your own task also needs {', '.join(missing)}")
        return self


_OF_OWN_TASKS = {"labels", "multi_label", "levels", "text_field", "label_field"}


class HeldoutSection(Section):
    """The slice of the corpus that is never trained on and measures bits per character."""

    fraction: Fraction = 0.05
    """Share of documents, those with the smallest text hashes; at least one."""
    max_tokens: Count = 50_000
    """Measure on about this many tokens of them at most."""
    general: CorpusSection | None = None
    """Text outside the field, on which base and adapted model are measured as well: it shows what
    the base forgets. A plain string is short for `path`."""

    @field_validator("general", mode="before")
    @classmethod
    def _path_is_enough(cls, value: Any) -> Any:
        return {"path": value} if isinstance(value, str) else value


class VocabularySection(Section):
    """New entries of a WordPiece tokenizer; without this section it stays as it is."""

    size: Count | None = None
    """Add this many entries, fewer if no more would save anything. Give `size` or `min_gain`."""
    min_gain: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """Add entries while each saves at least this many tokens per million of the training slice."""
    terms: bool = True
    """Whether words of the domain's terms are candidates; once in the training slice is enough."""
    mine: bool = True
    """Whether other words of the training slice are candidates."""
    min_frequency: Count = 5
    """Mined words occur at least this often."""
    slots: Literal["grow", "unused"] = "grow"
    """Add rows to the model, or take over the ids of its `[unusedN]` entries."""

    @model_validator(mode="after")
    def _one_budget(self) -> VocabularySection:
        if (self.size is None) == (self.min_gain is None):
            raise ValueError("give `size` or `min_gain`, one of the two")
        if not (self.terms or self.mine):
            raise ValueError("`terms` and `mine` are both off: no word is a candidate")
        return self
