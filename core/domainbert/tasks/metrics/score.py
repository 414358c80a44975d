"""Scores of predictions: every metric of a task, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from domainbert.errors import RunFailed
from domainbert.plugin.components import Baseline, LoadedTask, Metric, Predictions, TaskKind
from domainbert.plugin.domain import Prediction, Task
from domainbert.plugin.registry import calling, component
from domainbert.tasks.metrics.labels import at_level


def kind_of(task: Task) -> TaskKind:
    """Return the kind of a task.

    Raises:
        PluginError: No loaded plugin provides it.
    """
    return component(TaskKind, task.kind)


def metric_names(task: Task) -> tuple[str, ...]:
    """Return the names of the task's metrics, the primary metric first, each once."""
    return tuple(dict.fromkeys((*kind_of(task).metrics(task), *task.metrics)))


def primary_metric(task: Task) -> Metric:
    """Return the metric by which models are compared."""
    return metric_of(task, metric_names(task)[0])


def metric_of(task: Task, name: str) -> Metric:
    """Return a metric by name; `NAME@LEVEL` scores the classes of one of the task's levels.

    Raises:
        PluginError: No loaded plugin provides it.
    """
    base, _, level = name.partition("@")
    if level in task.levels:
        return at_level(component(Metric, base), level, task.levels[level])
    return component(Metric, name)


def score(task: Task, predictions: Sequence[Prediction]) -> dict[str, float]:
    """Return every metric of the task by name, the primary metric first.

    Args:
        task: Gives the names of the metrics.
        predictions: That suit the task; see `TaskKind.misfit`.

    Raises:
        RunFailed: A metric of a plugin fails or gives no number of its range.
    """
    sums: dict[Callable[..., Any], Any] = {}  # metrics share counts, which take the time
    return {name: _value(metric_of(task, name), predictions, sums) for name in metric_names(task)}


def _value(metric: Metric, predictions: Sequence[Prediction], sums: dict[Any, Any]) -> float:
    with calling(metric):
        if metric.counts and metric.aggregate:
            if metric.counts not in sums:
                sums[metric.counts] = metric.counts(predictions).sum(axis=0)
            value = float(metric.aggregate(sums[metric.counts]))
        elif metric.of_sample:
            value = float(metric.of_sample(predictions))
    if not metric.low - 1e-9 <= value <= metric.high + 1e-9:  # true for NaN, too
        given = f"metric {metric.name!r} gave {value} for {len(predictions)} records"
        raise RunFailed(f"{given}; expected a number from {metric.low:g} to {metric.high:g}.")
    return value


def check_predictions(
    source: TaskKind | Baseline,
    loaded: LoadedTask,
    made: Predictions,
    splits: Sequence[str] = ("validation", "test"),
) -> None:
    """Refuse predictions that do not suit the task before they are scored.

    Args:
        source: Who made them.
        loaded: The task.
        made: The predictions.
        splits: Those that have to be there.

    Raises:
        RunFailed: Names the component and the record.
    """
    kind, task = kind_of(loaded.task), loaded.task
    for split in splits:
        records = loaded.splits[split]
        given = made.get(split, ()) if isinstance(made, Mapping) else ()
        title = f"{type(source).__name__} {source.name!r} does not suit task {task.name!r}: {split}"
        if len(given) != len(records):
            raise RunFailed(f"{title}: {len(given)} predictions for {len(records)} records.")
        for number, prediction in enumerate(given, start=1):
            wrong = f"{type(prediction).__name__}, no Prediction"
            if isinstance(prediction, Prediction):
                with calling(kind):
                    wrong = kind.misfit(prediction, task)
            if wrong:
                raise RunFailed(f"{title}: record {number}: {wrong}.")
