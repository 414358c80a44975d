"""Two models on one task: the comparison of `adapt`, `evaluate`, `compare` and the leaderboard."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from domainbert.errors import DataError
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
    def has_unknown_spread(self) -> bool:
        """Whether another seed would give another score, but only one is there."""
        return len(self.results) < 2 and not self.first.is_baseline

    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the mean, within the bounds of the metric.

        With one seed it carries the choice of records only.
        """
        metric = primary_metric(self.first.result.task)
        parts = of_seeds(self.primary.values), of_records(self.means_B, len(self.first.records))
        low, high = interval(self.primary.mean, *parts)
        return max(metric.low, low), min(metric.high, high)


@dataclass(frozen=True)
class Comparison:
    """The second of two models minus the first on one task, by the primary metric.

    Args:
        difference: Of the means.
        low: Lower end of the 95 % interval.
        high: Upper end.
        verdict: `better`, `worse`, or `not shown` where the interval contains zero or the spread
            over seeds is unknown.
        names: Of the two models.
        seeds: Of the two models.
        paired: Whether both have the same seeds, so that these are paired too.
        notes: Differences beside the model.
    """

    difference: float
    low: float
    high: float
    verdict: str
    names: tuple[str, str] = ("", "")
    seeds: tuple[tuple[int, ...], tuple[int, ...]] = ((), ())
    paired: bool = True
    notes: tuple[str, ...] = ()


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
    most: dict[str, int] = {}
    for scored in results:
        for key, n in scored.result.counts.items():
            most[key] = max(n, most.get(key, 0))
    return dict(sorted(most.items()))


def compare(base: Group, other: Group) -> Comparison:
    """Return the other model minus the base, on the same test records."""
    first, second = base.primary.values, other.primary.values
    paired = base.seeds == other.seeds
    if paired:
        parts = [of_seeds([b - a for a, b in zip(first, second, strict=True)])]
    else:  # the spread over seeds of each counts separately
        parts = [of_seeds(first), of_seeds(second)]
    parts.append(of_records(other.means_B - base.means_B, len(base.first.records)))
    centre = other.primary.mean - base.primary.mean
    low, high = interval(centre, *parts)
    verdict = "better" if low > 0 else "worse" if high < 0 else "not shown"
    if base.has_unknown_spread or other.has_unknown_spread:
        verdict = "not shown"
    notes = []
    if not (base.first.is_baseline or other.first.is_baseline):
        settings = [side.first.result.settings for side in (base, other)]
        notes += ["fine-tuned with other settings"] if settings[0] != settings[1] else []
        notes += [] if paired else ["other seeds, which are not paired"]
    names, seeds = (base.first.name, other.first.name), (base.seeds, other.seeds)
    return Comparison(centre, low, high, verdict, names, seeds, paired, tuple(notes))


def compare_results(
    first: str, second: str
) -> tuple[tuple[tuple[Group, Group, Comparison], ...], tuple[str, ...]]:
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
    (ones, notices), (twos, more) = collect([first]), collect([second])
    sides = [_by_task(first, ones), _by_task(second, twos)]
    common = sorted(set(sides[0]) & set(sides[1]))
    if not common:
        raise DataError(
            f"no task in common: {first} has {', '.join(sorted(sides[0]))}; "
            f"{second} has {', '.join(sorted(sides[1]))}."
        )
    left_out = [
        f"{name}: only in {source}, left out."
        for source, side in zip((first, second), sides, strict=True)
        for name in sorted(set(side) - set(common))
    ]
    compared = []
    for name in common:
        base, other = (side[name] for side in sides)
        _check_comparable(base[0], other[0])
        pair = group(base), group(other)
        compared.append((*pair, compare(*pair)))
    return tuple(compared), (*notices, *more, *left_out)


def comparison_json(base: Group, other: Group, comparison: Comparison) -> dict[str, Any]:
    """Return a comparison as plain JSON values; scores from 0 to 1."""
    task, metric = base.first.result.task, base.first.result.metric
    shared = {"task": task.name, "version": task.version, "metric": metric}
    sides = [{"name": g.first.name, "seeds": g.seeds, **asdict(g.primary)} for g in (base, other)]
    return shared | {
        "records": len(base.first.records),
        "first": sides[0],
        "second": sides[1],
        "comparison": asdict(comparison),
    }


def _by_task(source: str, results: Sequence[Scored]) -> dict[str, list[Scored]]:
    """Return the results of the one model that a source is about, by the name of the task."""
    by_task: dict[str, list[Scored]] = defaultdict(list)
    for scored in results:
        by_task[scored.result.task.name].append(scored)
    return {name: _one_model(source, name, several) for name, several in by_task.items()}


def _one_model(source: str, task: str, results: list[Scored]) -> list[Scored]:
    if len({scored.task_key for scored in results}) > 1:
        raise DataError(f"{source}: {task}: results of several versions or data. Name the files.")
    results = [s for s in results if s.result.model.name == "adapted"] or results
    models = {scored.model_key: scored.name for scored in results}
    if len(models) > 1:
        raise DataError(
            f"{source}: {task}: results of several models or settings "
            f"({', '.join(sorted(set(models.values())))}). "
            "Name those of one with a glob in quotes, such as 'RUN/results/*/base-seed-*.json'."
        )
    return results


def _check_comparable(first: Scored, second: Scored) -> None:
    keys = differing([first.result.task, second.result.task])
    if keys:
        raise DataError(
            f"{second.path}: its task differs from that of {first.path} in {', '.join(keys)}. "
            "Such scores are not comparable: evaluate both on the same task."
        )
    check_gold((first, second))
