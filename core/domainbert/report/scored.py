"""Results read back from files and scored again from their predictions.

A leaderboard believes no score that it has not computed: a score that differs is refused, a metric
that is missing is added, and one that no installed plugin computes is kept unchecked.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as pydantic_dataclass
from pydantic_core import from_json

from domainbert.errors import DataError, PluginError, RunFailed
from domainbert.plugin.components import TaskKind
from domainbert.plugin.domain import Prediction, Task
from domainbert.plugin.registry import calling, components
from domainbert.report.results import SCHEMA, STRICT, Result, task_identity
from domainbert.report.statistics import records_of
from domainbert.tasks.metrics.score import metric_of, primary_metric, score, unfit

# Libraries may add up in another order; so small an edit changes nothing.
_TOLERANCE = 1e-9
_SHOWN_PROBLEMS = 5


_Line: Any = pydantic_dataclass(Prediction, config=STRICT)
_LINE: TypeAdapter[Prediction] = TypeAdapter(_Line)


@dataclass(frozen=True, eq=False)
class Scored:
    """A result that was scored again.

    Args:
        path: The file.
        result: Its content, with the scores that its predictions give.
        records: Per test record, what the primary metric needs; see `records_of`.
        gold: Hash of the gold labels.
        unchecked: Names of stored scores that no installed metric computes.
        clean: The primary metric without the test records that are in train, too; None if there
            are none such, or none else.
    """

    path: Path
    result: Result
    records: Any
    gold: str
    unchecked: tuple[str, ...] = ()
    clean: float | None = None

    @property
    def name(self) -> str:
        """Name and run of the model."""
        model = self.result.model
        source = model.run or model.base
        return f"{model.name} ({source})" if source else model.name

    @property
    def n_records(self) -> int:
        """Number of test records."""
        return self.records.shape[0] if hasattr(self.records, "shape") else len(self.records)

    @property
    def is_baseline(self) -> bool:
        """Whether it is of a baseline, which has no weights of an encoder."""
        return self.result.model.sha256 is None

    @property
    def noun(self) -> str:
        """`run` for predictions made elsewhere, else `seed`."""
        return "run" if self.result.model.date else "seed"

    @property
    def task_key(self) -> str:
        """What scores must have in common to be in one table."""
        return canonical(task_identity(self.result.task))

    @property
    def model_key(self) -> str:
        """What results of one row have in common: the weights and the settings of fine-tuning."""
        model = self.result.model
        if model.date:  # runs of one name are one row
            return canonical(["predictions", model.name, model.date, model.source])
        start = f" {model.starts_from}" if model.starts_from else ""
        return canonical([model.sha256 or f"baseline {model.name}{start}", self.result.settings])


def most_counts(results: Sequence[Scored]) -> dict[str, int]:
    """Return remarks on the data as counts, that of the model that cuts texts into most tokens."""
    most = Counter[str]()
    for scored in results:
        most |= Counter(scored.result.counts)
    return dict(sorted(most.items()))


def canonical(value: object) -> str:
    """Return JSON text that is equal for equal values."""
    return json.dumps(value, sort_keys=True, ensure_ascii=True)


def load_result(path: Path, metrics: Sequence[str] = (), in_train: Sequence[int] = ()) -> Scored:
    """Read a result and score its predictions again.

    Args:
        path: The JSON file.
        metrics: Names of metrics to compute beside those of the task and of the file.
        in_train: Numbers of the test records that are in train, for a result that lacks them.

    Raises:
        DataError: The file is no result of this schema, no installed plugin provides its kind of
            task, or its predictions are missing, changed or give other scores.
    """
    result = read_result(path)
    try:
        task, kinds = result.task, components(TaskKind)
        if task.kind not in kinds:
            raise PluginError(_missing_kind(result, kinds))
        predictions = _read_predictions(path, result, kinds[task.kind])
        names = dict.fromkeys((*task.metrics, *metrics, *result.test))
        task = replace(task, metrics=tuple(name for name in names if is_installed(task, name)))
        scores, primary = score(task, predictions), primary_metric(task)
        records = records_of(primary, predictions)
        clean = _clean_score(task, predictions, result.in_train or in_train)
    except (PluginError, RunFailed) as error:
        raise DataError(f"{path}: {error}") from None
    _check_scores(path, result.test, scores)
    gold = hashlib.sha256(canonical([p.gold for p in predictions]).encode()).hexdigest()
    unchecked = {name: value for name, value in result.test.items() if name not in scores}
    update = {"test": scores | unchecked, "metric": primary.name}
    return Scored(path, result.model_copy(update=update), records, gold, tuple(unchecked), clean)


def _clean_score(
    task: Task, predictions: Sequence[Prediction], in_train: Sequence[int]
) -> float | None:
    """Return the primary metric without some records; None without any, or with nothing else."""
    left_out = set(in_train)
    kept = [made for number, made in enumerate(predictions) if number not in left_out]
    if not left_out or not kept:
        return None
    return score(replace(task, metrics=()), kept)[primary_metric(task).name]


def find_result(
    path: Path, metrics: Sequence[str] = (), in_train: Sequence[int] = ()
) -> Scored | None:
    """Return the result of `load_result`, or None where there is no usable result."""
    with suppress(DataError):
        return load_result(path, metrics, in_train)
    return None


def is_installed(task: Task, name: str) -> bool:
    """Return whether a loaded plugin or core computes a metric, and it suits the task."""
    try:
        return not unfit(task, metric_of(task, name))
    except PluginError:
        return False


def _missing_kind(result: Result, kinds: Mapping[str, TaskKind]) -> str:
    versions = result.environment.get("versions")
    names = sorted(versions) if isinstance(versions, dict) else []
    plugins = ", ".join(name for name in names if name.startswith("domainbert-"))
    hint = f"; the result was written with {plugins}" if plugins else ""
    problem = f"task.kind: no installed plugin provides the kind {result.task.kind!r}"
    return f"{problem}; known are {', '.join(sorted(kinds))}. Install the plugin that does{hint}."


def read_result(path: Path) -> Result:
    """Return a stored result as it is written; its predictions are not read, nor scores compared.

    Raises:
        DataError: With the place in the file.
    """
    if not path.is_file():  # reading a pipe of that name would never end
        raise DataError(f"{path}: no such file.")
    try:
        entry = from_json(content := path.read_bytes(), allow_inf_nan=False)
    except (OSError, ValueError) as error:
        hint = "Was it cut short? Evaluate again."
        raise DataError(f"{path}: no readable JSON: {error}. {hint}") from None
    version = entry.get("schema") if isinstance(entry, dict) else None
    if type(version) is not int or version not in (2, SCHEMA):
        hint = "Evaluate again, or use the version that wrote it."
        known = f"this version reads schemas 2 and {SCHEMA}"
        raise DataError(f"{path}: schema: {version!r}; {known}. {hint}")
    try:
        return Result.model_validate_json(content)
    except ValidationError as error:
        raise DataError("\n".join(_problems(str(path), error))) from None


def _read_predictions(path: Path, result: Result, kind: TaskKind) -> tuple[Prediction, ...]:
    file = result.predictions["file"]
    beside = path.parent / file
    if Path(file).name != file or not beside.is_file():
        problem = f"no file {file!r} beside it. Keep the two together."
        raise DataError(f"{path}: predictions.file: {problem}")
    content = beside.read_bytes()
    if hashlib.sha256(content).hexdigest() != result.predictions["sha256"]:
        raise DataError(f"{beside}: is not the file that {path.name} was written with (sha256).")
    predictions = []
    # Not `splitlines`: a word may hold a separator that only Unicode knows.
    for number, line in enumerate(content.removesuffix(b"\n").split(b"\n"), start=1):
        try:
            predictions.append(_LINE.validate_json(line))
        except ValidationError as error:
            raise DataError(_problems(f"{beside}:{number}", error)[0]) from None
        with calling(kind):
            misfit = kind.misfit(predictions[-1], result.task)
        if misfit:
            raise DataError(f"{beside}:{number}: {misfit}.")
    return tuple(predictions)


def _problems(where: str, error: ValidationError) -> list[str]:
    """Return the first validation errors, one line per key."""
    errors = error.errors(include_url=False, include_context=False, include_input=False)
    keys = [[where, ".".join(map(str, item["loc"])), f"{item['msg']}."] for item in errors]
    lines = [": ".join(filter(None, parts)) for parts in keys]
    return shortened(lines, _SHOWN_PROBLEMS, f"{where}: and {{}} more.")


def shortened(lines: list[str], shown: int, rest: str) -> list[str]:
    """Return the first lines and one that counts the rest."""
    more = len(lines) - shown
    return lines[:shown] + ([rest.format(more)] if more > 0 else [])


def _check_scores(path: Path, stored: Mapping[str, float], scores: Mapping[str, float]) -> None:
    for name in stored.keys() & scores.keys():
        if abs(stored[name] - scores[name]) > _TOLERANCE:
            problem = f"{stored[name]} is not the score of its predictions, {scores[name]}"
            hint = "The file was edited or written by another version."
            raise DataError(f"{path}: test.{name}: {problem}. {hint}")
