"""Results: one JSON file for each model, task and seed, with the predictions beside it.

What is read may come from a stranger, and a leaderboard believes no score that it has not computed:
every result is scored again from its predictions, and one that differs is refused.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, field_validator

from domainbert.errors import DataError, PluginError
from domainbert.plugin.domain import Prediction, Task
from domainbert.report.predictions import predictions_text, problems, read_predictions
from domainbert.storage.files import write_json, write_text
from domainbert.tasks.metrics.score import primary_metric, score

SCHEMA = 2
# Files may come from strangers: numbers that nothing measures would break tables and plots.
_MOST, _LONGEST = 10**15, 1e8
# Libraries may add up in another order; an edit that small changes nothing.
_TOLERANCE = 1e-9
Text = Annotated[str, Field(min_length=1, max_length=500)]


class _Record(BaseModel):
    # Values are taken as they are: a score that is a string, or true, is an edited file.
    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
    )


class ScoredModel(_Record):
    """The model of a result."""

    name: Text
    """What tables call it: `base`, `adapted`, `majority`, `tfidf-svm`."""
    run: str | None = None
    """Name of the recipe that adapted it."""
    sha256: str | None = None
    """Hash of the encoder's weights; null for a baseline."""
    base: str | None = None
    """The checkpoint it was adapted from, or is."""
    parameters: int | None = Field(default=None, ge=0, le=_MOST)
    """Weights of the encoder."""
    tokens: int = Field(default=0, ge=0, le=_MOST)
    """Tokens read in continued pretraining."""
    minutes: float = Field(default=0.0, ge=0, le=_LONGEST)
    """Wall time of continued pretraining."""


class ScoredTask(_Record):
    """The task of a result, with all that its scores depend on."""

    name: Text
    """Name of the task."""
    version: Text
    """Scores of different versions are not comparable."""
    domain: str | None = None
    """Domain that declares it; null for your own files."""
    kind: Text
    """What is predicted."""
    multi_label: bool = False
    """Whether a record may have any number of labels."""
    labels: list[str]
    """Entity types or classes, in the order of the model's outputs."""
    levels: dict[str, Annotated[int, Field(ge=1)]] = Field(default_factory=dict)
    """Length of the prefix of a label that names its class at each level."""
    sample: bool = False
    """Whether it is a demonstration set and no benchmark."""
    data: dict[str, str]
    """SHA-256 of the file of each split."""

    @field_validator("labels")
    @classmethod
    def _distinct(cls, labels: list[str]) -> list[str]:
        if len(set(labels)) < len(labels):
            raise ValueError("each label once")
        return labels

    @property
    def task(self) -> Task:
        """The task's record."""
        return Task(
            title="", licence="", origin="", splits={}, labels=tuple(self.labels),
            **self.model_dump(exclude={"labels"}),
        )  # fmt: skip


class RecipeOf(_Record):
    """The recipe of a run."""

    name: Text
    """Name of the recipe."""
    sha256: str
    """Hash of the resolved recipe."""


class PredictionsFile(_Record):
    """Where the predictions for the test split are."""

    file: Annotated[str, Field(min_length=1, max_length=200)]
    """Name of a file in the same folder, with a JSON object a line for each test record."""
    sha256: str
    """Hash of that file."""


class Result(_Record):
    """One model on one task with one seed."""

    schema_version: Literal[2] = Field(default=2, alias="schema")
    """Version of this schema."""
    model: ScoredModel
    """What was scored."""
    task: ScoredTask
    """On what."""
    seed: int = Field(ge=0, lt=2**32)
    """Seed of fine-tuning; 0 for a baseline, which has none."""
    settings: dict[str, JsonValue]
    """The recipe's `evaluate:` section without the seeds, and the precision."""
    metric: Text
    """Name of the headline among the scores."""
    test: dict[str, float]
    """Scores on the test split."""
    validation: dict[str, float]
    """Scores on the validation split."""
    counts: dict[str, int] = Field(default_factory=dict)
    """What was noticed: long texts, test records that stand in train, and the like."""
    recipe: RecipeOf | None = None
    """Recipe of the run that wrote it."""
    environment: dict[str, JsonValue]
    """Versions and hardware."""
    minutes: float = Field(ge=0, le=_LONGEST)
    """Wall time of fine-tuning and prediction."""
    predictions: PredictionsFile
    """Where the predictions are."""


def result_path(folder: Path, task: str, model: str, seed: int) -> Path:
    """Return where the result of one cell of the table is kept."""
    return folder / task / f"{model}-seed-{seed}.json"


def save_result(path: Path, entry: dict[str, Any], predictions: Sequence[Prediction]) -> Result:
    """Write the predictions for the test split, then the result with their hash.

    Args:
        path: From `result_path`.
        entry: Every field of `Result` but `predictions`.
        predictions: In the order of the test split.
    """
    text = predictions_text(predictions)
    beside = path.with_suffix(".jsonl")
    stored = {"file": beside.name, "sha256": hashlib.sha256(text.encode()).hexdigest()}
    result = Result.model_validate({"schema": SCHEMA, **entry, "predictions": stored})
    write_text(beside, text)
    write_json(path, result.model_dump(mode="json", by_alias=True))
    return result


def load_result(path: Path) -> tuple[Result, tuple[Prediction, ...]]:
    """Read a result with its predictions, and score these again.

    Raises:
        DataError: No result of this version, its predictions are missing or changed, or they give
            other scores than it says.
    """
    result = _read_result(path)
    try:
        task = result.task.task
        primary = primary_metric(task).name
    except PluginError as error:
        raise DataError(f"{path}: task: {error}") from None
    if result.metric != primary:
        raise DataError(
            f"{path}: metric: models are compared by {primary!r} on such a task, "
            f"not by {result.metric!r}. It was written by another version: evaluate again."
        )
    predictions = read_predictions(path.parent / result.predictions.file, task)
    _check_scores(path, result.test, score(task, predictions))
    return result, predictions


def find_result(path: Path) -> tuple[Result, tuple[Prediction, ...]] | None:
    """Like `load_result`, but None where there is no usable result."""
    try:
        return load_result(path)
    except DataError:
        return None


def _read_result(path: Path) -> Result:
    if not path.is_file():  # a pipe of that name would be waited for without end
        raise DataError(f"{path}: no such file.")
    try:
        entry = json.loads(path.read_bytes())
        # JSON can spell half of a character pair, which no file can hold.
        json.dumps(entry, ensure_ascii=False).encode("utf-8")
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(
            f"{path}: no readable JSON: {error}. Was it cut short? Evaluate again."
        ) from None
    version = entry.get("schema") if isinstance(entry, dict) else None
    if type(version) is not int or version != SCHEMA:
        raise DataError(
            f"{path}: schema: {version!r}; this version reads schema {SCHEMA}. "
            "Evaluate again, or use the version that wrote it."
        )
    try:
        result = Result.model_validate(entry)
    except ValidationError as error:
        raise DataError("\n".join(problems(str(path), error))) from None
    _check_file(path, result.predictions)
    return result


def _check_file(path: Path, stored: PredictionsFile) -> None:
    beside = path.parent / stored.file
    if Path(stored.file).name != stored.file or not beside.is_file():
        raise DataError(
            f"{path}: predictions.file: no file {stored.file!r} beside it. Keep the two together."
        )
    if hashlib.sha256(beside.read_bytes()).hexdigest() != stored.sha256:
        raise DataError(f"{beside}: is not the file that {path.name} was written with (sha256).")


def _check_scores(path: Path, said: Mapping[str, float], found: Mapping[str, float]) -> None:
    for name in {**found, **said}:
        told, true = said.get(name, math.nan), found.get(name, math.nan)
        if not math.isclose(told, true, rel_tol=0, abs_tol=_TOLERANCE):
            raise DataError(
                f"{path}: test.{name}: {said.get(name)} is not what its predictions give, "
                f"{found.get(name)}. The file was edited or written by another version."
            )
