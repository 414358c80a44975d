"""Results: one JSON file for each model, task and seed, with the predictions beside it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from domainbert.errors import DataError
from domainbert.files import write_json, write_text
from domainbert.tasks.metrics import Prediction, Scoring, score

SCHEMA = 2


class _Record(BaseModel):
    # Values are taken as they are: a score that is a string, or true, is an edited file.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class ScoredModel(_Record):
    """The model of a result."""

    name: str
    """What tables call it: `base`, `adapted`, `majority`, `tfidf-svm`."""
    run: str | None = None
    """Name of the recipe that adapted it."""
    sha256: str | None = None
    """Hash of the encoder's weights; null for a baseline."""
    base: str | None = None
    """The checkpoint it was adapted from, or is."""
    parameters: int | None = Field(default=None, ge=0)
    """Weights of the encoder."""
    tokens: int = Field(default=0, ge=0)
    """Tokens read in continued pretraining."""
    minutes: float = Field(default=0.0, ge=0)
    """Wall time of continued pretraining."""


class ScoredTask(_Record):
    """The task of a result, with all that its scores depend on."""

    name: str
    """Name of the task."""
    version: str
    """Scores of different versions are not comparable."""
    domain: str | None = None
    """Domain that declares it; null for your own files."""
    kind: Literal["tagging", "classification"]
    """What is predicted."""
    multi_label: bool = False
    """Whether a record may have any number of labels."""
    labels: list[str]
    """Entity types or classes, in the order of the model's outputs."""
    levels: dict[str, int] = Field(default_factory=dict)
    """Length of the prefix of a label that names its class at each level."""
    sample: bool = False
    """Whether it is a demonstration set and no benchmark."""
    data: dict[str, str]
    """SHA-256 of the file of each split."""

    @property
    def scoring(self) -> Scoring:
        """How its predictions are scored."""
        return Scoring(self.kind, tuple(self.labels), self.multi_label, self.levels)


class RecipeOf(_Record):
    """The recipe of a run."""

    name: str
    """Name of the recipe."""
    sha256: str
    """Hash of the resolved recipe."""


class PredictionsFile(_Record):
    """Where the predictions for the test split are."""

    file: str
    """Name of a file beside it: JSON lines with `gold`, `predicted`, `ranking`, `words`."""
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
    seed: int
    """Seed of fine-tuning; 0 for a baseline, which has none."""
    settings: dict[str, Any]
    """The recipe's `evaluate:` section without the seeds, and the precision."""
    metric: str
    """Name of the headline among the scores."""
    test: dict[str, float]
    """Scores on the test split."""
    validation: dict[str, float]
    """Scores on the validation split."""
    counts: dict[str, int] = Field(default_factory=dict)
    """What was noticed: long texts, test records that stand in train, and the like."""
    recipe: RecipeOf | None = None
    """Recipe of the run that wrote it."""
    environment: dict[str, Any]
    """Versions and hardware."""
    minutes: float = Field(ge=0)
    """Wall time of fine-tuning and prediction."""
    predictions: PredictionsFile
    """Where the predictions are."""


def result_path(folder: Path, task: str, model: str, seed: int) -> Path:
    """Return where the result of one cell of the table is kept."""
    return folder / task / f"{model}-seed-{seed}.json"


def predictions_text(predictions: Sequence[Prediction]) -> str:
    """Return predictions as JSON lines; empty lists are left out."""
    lines = []
    for prediction in predictions:
        entry = {"gold": prediction.gold, "predicted": prediction.predicted}
        entry |= {"ranking": prediction.ranking} if prediction.ranking else {}
        entry |= {"words": prediction.words} if prediction.words else {}
        lines.append(json.dumps(entry, ensure_ascii=False) + "\n")
    return "".join(lines)


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
    predictions = _read_predictions(path, result.predictions)
    found = score(result.task.scoring, predictions)
    if {name: round(value, 9) for name, value in found.items()} != {
        name: round(value, 9) for name, value in result.test.items()
    }:
        name = next(n for n in {**found, **result.test} if found.get(n) != result.test.get(n))
        raise DataError(
            f"{path}: test.{name} is {result.test.get(name)}, but its predictions give "
            f"{found.get(name)}. The file was edited or written by another version."
        )
    return result, predictions


def find_result(path: Path) -> tuple[Result, tuple[Prediction, ...]] | None:
    """Like `load_result`, but None where there is no usable result."""
    try:
        return load_result(path)
    except DataError:
        return None


def _read_result(path: Path) -> Result:
    try:
        entry = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise DataError(f"{path}: no such file.") from None
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: no readable JSON: {error}") from None
    version = entry.get("schema") if isinstance(entry, dict) else None
    if version != SCHEMA:
        raise DataError(f"{path}: schema {version!r}; this version reads schema {SCHEMA}.")
    try:
        return Result.model_validate(entry)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise DataError(f"{path}: {key}: {first['msg']}.") from None


def _read_predictions(path: Path, stored: PredictionsFile) -> tuple[Prediction, ...]:
    beside = path.parent / stored.file
    if Path(stored.file).name != stored.file or not beside.is_file():
        raise DataError(f"{path}: predictions.file: no file {stored.file!r} beside it.")
    raw = beside.read_bytes()
    if hashlib.sha256(raw).hexdigest() != stored.sha256:
        raise DataError(f"{beside}: is not the file that {path.name} was written with (sha256).")
    try:
        rows = [json.loads(line) for line in raw.decode("utf-8").split("\n") if line]
        return tuple(
            Prediction(*(tuple(row.get(k, ())) for k in ("gold", "predicted", "ranking", "words")))
            for row in rows
        )
    except (ValueError, AttributeError, TypeError) as error:
        raise DataError(f"{beside}: no JSON lines of predictions: {error}") from None
