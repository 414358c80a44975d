"""Two models on one task: the comparison of `adapt`, `evaluate`, `compare` and the leaderboard."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic_core import to_jsonable_python

from domainbert.errors import DataError
from domainbert.plugin.domain import Task
from domainbert.report.collect import check_gold, collect
from domainbert.report.results import differing
from domainbert.report.scored import Scored
from domainbert.report.statistics import (
    Summary,
    bootstrap,
    interval,
    of_records,
    of_seeds,
    summarise,
)
from domainbert.tasks.metrics.score import primary_metric


@dataclass(frozen=True, eq=False)
class Group:
    """The results of one model on one task.

    Args:
        results: In the order of their seeds.
        seeds: Of fine-tuning.
        scores: Every metric over seeds, the primary metric first.
        primary: The primary metric over seeds.
        means_B: Mean of the primary metric over seeds on each draw of test records; the draws are
            the same for all models of a task.
    """

    results: tuple[Scored, ...]
    seeds: tuple[int, ...]
    scores: dict[str, Summary]
    primary: Summary
    means_B: NDArray[np.float64]

    @property
    def first(self) -> Scored:
        """The result of the first seed."""
        return self.results[0]

    @property
    def unranked(self) -> str | None:
        """Why it has no rank: `baseline`, or `one seed`, whose spread is unknown."""
        single = "one seed" if len(self.results) < 2 else None
        return "baseline" if self.first.is_baseline else single

    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the mean, within the bounds of the metric.

        With one seed it carries the choice of records only.
        """
        metric = primary_metric(self.first.result.task)
        parts = of_seeds(self.primary.values), of_records(self.means_B, self.first.n_records)
        low, high = interval(self.primary.mean, *parts)
        return max(metric.low, low), min(metric.high, high)


@dataclass(frozen=True)
class Comparison:
    """The second of two models minus the first on one task, by the primary metric.

    Args:
        difference: Of the means.
        low: Lower end of the 95 % interval.
        high: Upper end.
        verdict: `better`, `worse`, `not shown` where the interval contains zero or the spread
            over seeds is unknown, or `no verdict` where the notes say why there cannot be one.
        names: Of the two models.
        seeds: Of the two models.
        paired: Whether both have the same seeds, so that these are paired too.
        notes: Differences beside the model, and why there is no verdict.
    """

    difference: float
    low: float
    high: float
    verdict: str
    names: tuple[str, str] = ("", "")
    seeds: tuple[tuple[int, ...], tuple[int, ...]] = ((), ())
    paired: bool = True
    notes: tuple[str, ...] = ()


NO_VERDICT = "no verdict"
"""In place of a verdict that would say nothing of the models."""

Compared = tuple[Group, Group, Comparison]


@dataclass(frozen=True)
class TaskReport:
    """Scores and comparison on one task.

    Args:
        task: The task.
        metric: Name of the primary metric.
        scores: Name of a model → name of a metric → its values on test over seeds.
        comparisons: Each further model minus the first, by its name.
        counts: Notes on the data.
        minutes: Wall time of all trials together.
    """

    task: Task
    metric: str
    scores: Mapping[str, Mapping[str, Summary]]
    comparisons: Mapping[str, Comparison]
    counts: Mapping[str, int]
    minutes: float

    @property
    def comparison(self) -> Comparison | None:
        """That of the last model, which a run hands over; None for one model."""
        return [None, *self.comparisons.values()][-1]


def group(results: Sequence[Scored]) -> Group:
    """Return the results of one model on one task as a group."""
    ordered = tuple(sorted(results, key=lambda scored: scored.result.seed))
    tests = [scored.result.test for scored in ordered]
    names = [name for name in tests[0] if all(name in test for test in tests)]
    scores = {name: summarise([test[name] for test in tests]) for name in names}
    metric = primary_metric(ordered[0].result.task)
    means_B = bootstrap(metric, [scored.records for scored in ordered])
    seeds = tuple(scored.result.seed for scored in ordered)
    return Group(ordered, seeds, scores, scores[metric.name], means_B)


def most_counts(results: Sequence[Scored]) -> dict[str, int]:
    """Return remarks on the data as counts, that of the model that cuts texts into most tokens."""
    most = Counter[str]()
    for scored in results:
        most |= Counter(scored.result.counts)
    return dict(sorted(most.items()))


def compare(base: Group, other: Group) -> Comparison:
    """Return the other model minus the base, on the same test records."""
    values = np.array(base.primary.values), np.array(other.primary.values)
    paired = base.seeds == other.seeds
    # Without pairs, the spread over seeds of each counts separately.
    parts = [of_seeds(values[1] - values[0])] if paired else [*map(of_seeds, values)]
    parts.append(of_records(other.means_B - base.means_B, base.first.n_records))
    centre = other.primary.mean - base.primary.mean
    low, high = interval(centre, *parts)
    unranked = {base.unranked, other.unranked}
    verdict = "better" if low > 0 else "worse" if high < 0 else "not shown"
    verdict = "not shown" if "one seed" in unranked else verdict
    notes = [] if paired else ["other seeds, which are not paired"]
    if base.first.result.settings != other.first.result.settings:
        notes.insert(0, "fine-tuned with other settings")
    shown = () if "baseline" in unranked else tuple(notes)
    doubts = (result.result.model.doubt for both in (other, base) for result in both.results)
    if reason := next(filter(None, doubts), "") or _extreme(base, other):
        verdict, shown = NO_VERDICT, (*shown, reason)
    names, seeds = (base.first.name, other.first.name), (base.seeds, other.seeds)
    return Comparison(centre, low, high, verdict, names, seeds, paired, shown)


def _extreme(base: Group, other: Group) -> str:
    """Return why scores at one end of their range say nothing of the models, or an empty string."""
    metric = primary_metric(base.first.result.task)
    values = {*base.primary.values, *other.primary.values}
    if values == {metric.high}:
        return "ceiling: both models have every record right; take a harder task or test split"
    if values == {max(metric.low, 0.0)}:
        cure = "raise evaluate.epochs or evaluate.learning_rate, and look at the labels"
        return f"floor: neither model finds anything; {cure}"
    return ""


def compare_results(first: str, second: str) -> tuple[list[Compared], list[str]]:
    """Compare two models on every task that both have results of.

    Args:
        first: A result file, a glob, a folder of results or a run folder.
        second: The same for the model that is compared with it.

    Returns:
        Both models and their comparison by the name of the task, and notices.

    Raises:
        DataError: A result cannot be used, a side holds several models, no task is common, or a
            task differs in version, data, labels or metric.
    """
    sources = first, second
    collected = [collect([source]) for source in sources]
    sides = [(s, _by_task(s, results)) for s, (results, _) in zip(sources, collected, strict=True)]
    notices = [notice for _, given in collected for notice in given]
    common = sorted(set(sides[0][1]) & set(sides[1][1]))
    if not common:
        names = "; ".join(f"{source} has {', '.join(sorted(side))}" for source, side in sides)
        raise DataError(f"no task in common: {names}.")
    for source, side in sides:
        notices += [f"{n}: only in {source}, left out." for n in sorted({*side} - {*common})]
    pairs = [tuple(group(side[name]) for _, side in sides) for name in common]
    for base, other in pairs:
        _check_comparable(base.first, other.first)
    return [(base, other, compare(base, other)) for base, other in pairs], notices


def comparison_json(base: Group, other: Group, comparison: Comparison) -> Any:
    """Return a comparison as plain JSON values; scores from 0 to 1."""
    task, metric = base.first.result.task, base.first.result.metric
    shared = {"task": task.name, "version": task.version, "metric": metric}
    sides = [{"name": g.first.name, "seeds": g.seeds, **vars(g.primary)} for g in (base, other)]
    made = {"records": base.first.n_records, "first": sides[0], "second": sides[1]}
    return to_jsonable_python({**shared, **made, "comparison": comparison})


def _by_task(source: str, results: Sequence[Scored]) -> dict[str, list[Scored]]:
    """Return the results of the one model that a source is about, by the name of the task."""
    by_task: dict[str, list[Scored]] = defaultdict(list)
    for scored in results:
        by_task[scored.result.task.name].append(scored)
    for task, several in by_task.items():
        where = f"{source}: {task}: results of several"
        if len({scored.task_key for scored in several}) > 1:
            raise DataError(f"{where} versions or data. Name the files.")
        found = {scored.result.model.name for scored in several}
        if own := next((name for name in ("blend", "adapted") if name in found), ""):
            several[:] = [s for s in several if s.result.model.name == own]
        models = {scored.model_key: scored.name for scored in several}
        if len(models) > 1:
            names = ", ".join(sorted(set(models.values())))
            hint = "a glob in quotes, such as 'RUN/results/*/base-seed-*.json'"
            raise DataError(f"{where} models or settings ({names}). Name those of one with {hint}.")
    return by_task


def _check_comparable(first: Scored, second: Scored) -> None:
    if keys := differing([first.result.task, second.result.task]):
        problem = f"its task differs from that of {first.path} in {', '.join(keys)}"
        hint = "Such scores are not comparable: evaluate both on the same task."
        raise DataError(f"{second.path}: {problem}. {hint}")
    check_gold((first, second))
