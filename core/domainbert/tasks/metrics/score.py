"""Scores of predictions: every metric of a task, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from domainbert.errors import PluginError, RunFailed, listed
from domainbert.plugin.components import Baseline, LoadedTask, Predictions, TaskKind
from domainbert.plugin.domain import Prediction, Task
from domainbert.plugin.metric import Metric
from domainbert.plugin.registry import calling, component, components
from domainbert.tasks.metrics.entities import of_type
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
    """Return a metric by name.

    `NAME@LEVEL` scores the classes of one of the task's levels, `NAME/TYPE` the mentions of one
    type.

    Raises:
        PluginError: No loaded plugin provides it, or the task has no such type.
    """
    base, slash, label = name.partition("/")
    if slash and base in components(Metric):
        kind = kind_of(task)
        if "tagging" not in (kind.name, kind.like):
            raise PluginError(f"metric {name!r}: only tagging has metrics of one type")
        if task.labels and label not in task.labels:  # empty before the files are read
            known = listed(task.labels)
            raise PluginError(f"metric {name!r}: {label!r} is no type of the task ({known})")
        return of_type(_own(task, base), label)
    base, _, level = name.partition("@")
    if level in task.levels:
        return at_level(_own(task, base), level, task.levels[level])
    return _own(task, name)


def _own(task: Task, name: str) -> Metric:
    metric = component(Metric, name)
    return metric.of_task(metric, task) if metric.of_task else metric


def check_metrics(task: Task) -> None:
    """Refuse metrics that nobody provides, and those that a task names and that do not suit it.

    Raises:
        PluginError: Names those that do.
    """
    by_kind = kind_of(task).metrics(task)
    for name in metric_names(task):
        metric = metric_of(task, name)
        if name not in by_kind and (wrong := unfit(task, metric)):
            known = sorted(n for n, m in components(Metric).items() if not unfit(task, m))
            raise PluginError(
                f"metric {name!r} {wrong}; those that suit this task: {', '.join(known)}"
            )


def unfit(task: Task, metric: Metric) -> str:
    """Return why a metric does not suit a task, or an empty string."""
    kind = kind_of(task)
    if metric.kinds and not {kind.name, kind.like} & {*metric.kinds}:
        return f"is for {' and '.join(metric.kinds)}, not for {kind.name}"
    with calling(metric):
        return metric.fits(task)


def score(task: Task, predictions: Sequence[Prediction]) -> dict[str, float]:
    """Return every metric of the task by name, the primary metric first.

    Args:
        task: Gives the names of the metrics.
        predictions: That suit the task; see `TaskKind.misfit`.

    Raises:
        RunFailed: A metric fails, gives no number of its range, or lacks what it needs of the
            predictions.
    """
    sums: dict[Callable[..., Any], Any] = {}  # metrics share counts, which take the time
    return {name: _value(metric_of(task, name), predictions, sums) for name in metric_names(task)}


def _value(metric: Metric, predictions: Sequence[Prediction], sums: dict[Any, Any]) -> float:
    with calling(metric):
        if wrong := metric.check(predictions):
            raise RunFailed(f"metric {metric.name!r}: {wrong}.")
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


def marked(loaded: LoadedTask, made: Predictions) -> Predictions:
    """Return checked predictions with what metrics must know of training; see `TaskKind.mark`.

    Raises:
        RunFailed: The kind fails.
    """
    kind, train = kind_of(loaded.task), loaded.splits["train"]
    with calling(kind):
        return {split: tuple(kind.mark(train, own)) for split, own in made.items()}
