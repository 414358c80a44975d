"""Results: one JSON file per model, task and seed, with the predictions beside it.

Pydantic checks the shape of a file, which may come from a stranger; `scored` checks its scores.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, field_validator

from domainbert.plugin.domain import Prediction, Task
from domainbert.recipe.evaluate import EvaluateSection
from domainbert.storage.files import sha256_of, write_json, write_text

SCHEMA: Literal[3] = 3
# Numbers of a stranger that nothing measures would break tables and plots.
_MOST, _LONGEST = 10**15, 1e8
# Of version 0.1.0; a result without a later key was made with its default.
_FIRST_KEYS = {
    "seeds", "baselines", "epochs", "batch_size", "learning_rate", "warmup_ratio",
    "layerwise_lr_decay", "unfreeze", "max_seq_length", "long_texts",
}  # fmt: skip
# What fine-tuning did before a key was there, where that is not the key's default.
_BEFORE: dict[str, JsonValue] = {"min_steps": 1}
# Names of settings in files of schema 2.
_RENAMED = {
    "layer_rate_decay": "layerwise_lr_decay",
    "max_length": "max_seq_length",
    "warmup": "warmup_ratio",
}
Text = Annotated[str, Field(min_length=1, max_length=500)]
# No value is converted: a score that is a string, or true, is an edited file.
STRICT = ConfigDict(
    extra="forbid", frozen=True, strict=True, allow_inf_nan=False, use_attribute_docstrings=True
)


class ScoredModel(BaseModel):
    """The model of a result."""

    model_config = STRICT

    name: Text
    """Name in tables: `base`, `adapted`, `majority`, `tfidf-svm`."""
    run: str | None = None
    """Name of the recipe that adapted it."""
    sha256: str | None = None
    """Hash of the encoder's weights, or of the file of predictions made elsewhere; null for a
    baseline."""
    tokenizer: str | None = Field(default=None, max_length=100)
    """Hash of the tokenizer's files; null for a baseline, and for results from before this key."""
    base: str | None = None
    """The checkpoint it was adapted from, or is."""
    parameters: int | None = Field(default=None, ge=0, le=_MOST)
    """Weights of the encoder."""
    tokens: int = Field(default=0, ge=0, le=_MOST)
    """Tokens read in continued pretraining."""
    minutes: float = Field(default=0.0, ge=0, le=_LONGEST)
    """Wall time of continued pretraining."""
    doubt: str = ""
    """Why scores of this model say nothing of its adaptation, as it learned nothing; else empty."""
    blend: str = Field(default="", max_length=500)
    """Where the model lies between its base and the adapted one, such as `α = 0.5`; else empty."""
    contaminated: int | None = Field(default=None, ge=0, le=_MOST)
    """Documents that held a text of validation or test, and were not trained on; null if the step
    `decontaminate` did not look."""
    seeded: bool = False
    """Whether a baseline draws random numbers, so that it has several seeds and a rank."""
    starts_from: str | None = Field(default=None, max_length=100)
    """Hash of the weights whose word vectors a baseline starts from; null for the others."""
    date: str = Field(default="", max_length=20)
    """Day on which predictions were made elsewhere; empty for models and baselines."""
    source: str = Field(default="", max_length=500)
    """What made them; empty for models and baselines."""

    @property
    def outside(self) -> str:
        """Date and source of predictions that were made elsewhere; empty for the others."""
        return ", ".join(filter(None, (self.date, self.source)))


@cache
def _later_defaults() -> dict[str, JsonValue]:
    """Return what the first version did about each key of fine-tuning that came later."""
    return EvaluateSection().model_dump(mode="json", exclude={*_FIRST_KEYS, "keep"}) | _BEFORE


class TaskEntry(BaseModel):
    """The task of a result: all that its scores depend on."""

    model_config = STRICT

    name: Text
    """Name of the task."""
    version: Text
    """Scores of different versions are not comparable."""
    domain: str | None = None
    """Domain that declares it; null for your own files."""
    kind: Text
    """Kind of task: `tagging`, `classification`, or one of a plugin."""
    multi_label: bool = False
    """Whether a record may have any number of labels."""
    labels: tuple[str, ...]
    """Entity types or classes, in the order of the model's outputs."""
    levels: dict[str, Annotated[int, Field(ge=1)]] = Field(default_factory=dict)
    """Length of the prefix of a label that names its class at each level."""
    metrics: tuple[Text, ...] = ()
    """Metrics beside those of the kind."""
    sample: bool = False
    """Whether it is a demonstration set and no benchmark."""
    data: dict[str, str]
    """SHA-256 of the file of each split."""
    train_records: int | None = Field(default=None, ge=1, le=_MOST)
    """Label budget: number of training records that were used; null for all."""

    def as_task(self) -> Task:
        """Return the task as one record."""
        return Task(title="", licence="", origin="", splits={}, **self.model_dump())

    @field_validator("labels")
    @classmethod
    def _distinct(cls, labels: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(labels)) < len(labels):
            raise ValueError("each label once")
        return labels


class Result(BaseModel):
    """One model on one task with one seed."""

    model_config = STRICT

    schema_version: Literal[2, 3] = Field(default=SCHEMA, alias="schema")
    """Version of this schema; files of version 2 have older names of settings."""
    model: ScoredModel
    """The model."""
    task_entry: TaskEntry = Field(alias="task")
    """The task."""
    seed: int = Field(ge=0, lt=2**32)
    """Seed of fine-tuning, or of a baseline that draws random numbers; 0 for other baselines. Of
    predictions made elsewhere the number of the run."""
    settings: dict[str, JsonValue]
    """The recipe's `evaluate:` section without the seeds, and the precision."""
    metric: Text
    """Name of the primary metric."""
    test: dict[str, float]
    """Scores on the test split."""
    validation: dict[str, float]
    """Scores on the validation split."""
    chosen: dict[Literal["learning_rate", "epochs", "epoch"], float] = Field(default_factory=dict)
    """Choices made on validation: rate and number of epochs by `grid`, and with `epoch: best` the
    epoch whose weights were taken, from 1; empty for none."""
    counts: dict[str, int] = Field(default_factory=dict)
    """Remarks on the data: long texts, test records that are in train, too, and others."""
    in_train: tuple[Annotated[int, Field(ge=0)], ...] = ()
    """Numbers, from 0, of test records whose text is in train, too: the score without them can be
    computed from the predictions."""
    recipe: Annotated[dict[Literal["name", "sha256"], Text], Field(min_length=2)] | None = None
    """Name and hash of the recipe of the run."""
    environment: dict[str, JsonValue]
    """Versions and hardware."""
    minutes: float = Field(ge=0, le=_LONGEST)
    """Wall time of fine-tuning and prediction."""
    predictions: dict[Literal["file", "sha256"], Annotated[str, Field(max_length=200)]] = Field(
        min_length=2
    )
    """Name and hash of a file in the same folder, with one JSON object per test record."""

    @field_validator("settings")
    @classmethod
    def _today(cls, settings: dict[str, JsonValue]) -> dict[str, JsonValue]:
        """Return settings under their names of today; of later keys, what was done before them."""
        named = {_RENAMED.get(key, key): value for key, value in settings.items()}
        return {**_later_defaults(), **named} if named else {}

    @cached_property
    def task(self) -> Task:
        """The task as one record."""
        return self.task_entry.as_task()


def result_path(folder: Path, task: str, model: str, seed: int) -> Path:
    """Return the path of the result of one trial."""
    return folder / task / f"{model}-seed-{seed}.json"


def task_entry(task: Task) -> dict[str, Any]:
    """Return a task as a result holds it."""
    return TaskEntry.model_validate(task, from_attributes=True, strict=False).model_dump()


def task_identity(task: Task) -> dict[str, Any]:
    """Return what scores must have in common to be comparable."""
    return {k: v for k, v in task_entry(task).items() if k not in {"domain", "sample", "metrics"}}


def differing(tasks: Sequence[Task]) -> list[str]:
    """Return the keys in which tasks are not comparable."""
    first, *others = map(task_identity, tasks)
    return [key for key in first if any(other[key] != first[key] for other in others)]


def save_result(path: Path, entry: Mapping[str, Any], predictions: Sequence[Prediction]) -> Result:
    """Write the predictions for the test split, then the result with their hash.

    Args:
        path: From `result_path`.
        entry: Every key of `Result` but `predictions`.
        predictions: In the order of the test split.
    """
    text = "".join(json.dumps(_line(p), ensure_ascii=False) + "\n" for p in predictions)
    beside = path.with_suffix(".jsonl")
    stored = {"file": beside.name, "sha256": sha256_of(text)}
    entry = {"schema": SCHEMA, **entry, "predictions": stored}
    result = Result.model_validate_json(json.dumps(entry))  # arrays are tuples in JSON only
    write_text(beside, text)
    write_json(path, result.model_dump(mode="json", by_alias=True))
    return result


def _line(prediction: Prediction) -> dict[str, Any]:
    row = vars(prediction)
    return {key: row[key] for key in row if row[key] or key in ("gold", "predicted")}
