"""Predictions as JSON lines: `gold`, `predicted`, and `ranking` and `words` where there are any."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from domainbert.errors import DataError
from domainbert.plugin.domain import Prediction, Task
from domainbert.tasks.metrics.score import kind_of

_SHOWN_PROBLEMS = 5


def predictions_text(predictions: Sequence[Prediction]) -> str:
    """Return predictions as JSON lines; empty lists are left out."""
    lines = []
    for prediction in predictions:
        entry = {"gold": prediction.gold, "predicted": prediction.predicted}
        entry |= {"ranking": prediction.ranking} if prediction.ranking else {}
        entry |= {"words": prediction.words} if prediction.words else {}
        lines.append(json.dumps(entry, ensure_ascii=False) + "\n")
    return "".join(lines)


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    gold: list[str]
    predicted: list[str]
    ranking: list[str] = Field(default=[], max_length=10)
    words: list[str] = []


def read_predictions(path: Path, task: Task) -> tuple[Prediction, ...]:
    """Read JSON lines of predictions.

    Raises:
        DataError: With file and line: no such JSON, or no prediction of this kind of task.
    """
    found = []
    # Not `splitlines`: a word may hold a separator that only Unicode knows.
    for number, line in enumerate(path.read_bytes().removesuffix(b"\n").split(b"\n"), start=1):
        try:
            read = _Line.model_validate_json(line)
        except ValidationError as error:
            raise DataError(problems(f"{path}:{number}", error)[0]) from None
        gold, predicted, ranking = tuple(read.gold), tuple(read.predicted), tuple(read.ranking)
        made = Prediction(gold, predicted, ranking, tuple(read.words))
        wrong = kind_of(task).misfit(made, task)
        if wrong:
            raise DataError(f"{path}:{number}: {wrong}.")
        found.append(made)
    return tuple(found)


def problems(where: str, error: ValidationError) -> list[str]:
    """Return what pydantic found, one line a key; the first few."""
    found = [
        ": ".join([where, *_key(item["loc"]), f"{item['msg']}."])
        for item in error.errors(include_url=False, include_context=False, include_input=False)
    ]
    more = len(found) - _SHOWN_PROBLEMS
    return found[:_SHOWN_PROBLEMS] + ([f"{where}: and {more} more."] if more > 0 else [])


def _key(location: tuple[int | str, ...]) -> list[str]:
    return [".".join(str(part) for part in location)] if location else []
