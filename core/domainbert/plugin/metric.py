"""A score of predictions, as core and plugins yield it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from domainbert.errors import PluginError
from domainbert.plugin.domain import Prediction, Task


@dataclass(frozen=True)
class Metric:
    """A score of predictions, such as `accuracy`; every metric has an interval.

    Args:
        name: Its key in results and tables.
        title: What it measures, on one line.
        counts: Predictions of N records to counts (N, ...), whose sum over records is all that
            `aggregate` needs; an array, or a sparse array of scipy of shape (N, M). Shape and
            meaning of the counts depend on gold labels alone.
        aggregate: Sums of counts (..., *S) to values (...).
        of_sample: Instead of both: predictions to a value; slower, since an interval calls it for
            every resample.
        low: Lowest possible value.
        high: Highest possible value; tables show a metric in percent unless this is infinite.
        shown: Whether tables of runs show it beside the primary metric.
        kinds: Kinds of task whose predictions it reads; empty for all.
        fits: Why it does not suit a task, as `has no levels`, or an empty string; asked before
            training.
        check: Why it cannot score predictions, or an empty string; asked once, not per resample.
        of_task: Metric and task to the metric that knows what it needs of the task.
        definition: What it is, for the reference page.
        source: Where its definition is from.
        checked: The implementation with which the tests compare it.
    """

    name: str
    title: str = ""
    counts: Callable[[Sequence[Prediction]], Any] | None = None
    aggregate: Callable[[Any], Any] | None = None
    of_sample: Callable[[Sequence[Prediction]], float] | None = None
    low: float = 0.0
    high: float = 1.0
    shown: bool = True
    kinds: tuple[str, ...] = ()
    fits: Callable[[Task], str] = lambda _task: ""
    check: Callable[[Sequence[Prediction]], str] = lambda _predictions: ""
    of_task: Callable[[Metric, Task], Metric] | None = None
    definition: str = ""
    source: str = ""
    checked: str = ""

    def __post_init__(self) -> None:
        if (self.of_sample is None) == (self.counts is None or self.aggregate is None):
            raise PluginError(
                f"metric {self.name!r}: expected `counts` with `aggregate`, or `of_sample`."
            )
