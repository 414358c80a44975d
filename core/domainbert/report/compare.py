"""Two models on one task: the comparison of `adapt`, `evaluate`, `compare` and the leaderboard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from domainbert.plugin.domain import Task
from domainbert.report.scored import Scored
from domainbert.report.statistics import (
    CONFIDENCE,
    Side,
    Summary,
    Variance,
    bootstrap,
    crossed_variance,
    summarise,
)
from domainbert.tasks.metrics.score import kind_of, primary_metric


@dataclass(frozen=True, eq=False)
class Group:
    """The results of one model on one task.

    Args:
        results: In the order of their seeds.
        seeds: Of fine-tuning.
        scores: Every metric over seeds, the primary metric first.
        primary: The primary metric over seeds.
        values_BS: The primary metric of each seed on each draw of test records; the draws are the
            same for all models of a task.
    """

    results: tuple[Scored, ...]
    seeds: tuple[int, ...]
    scores: dict[str, Summary]
    primary: Summary
    values_BS: NDArray[np.float64]

    @property
    def first(self) -> Scored:
        """The result of the first seed."""
        return self.results[0]

    @property
    def unranked(self) -> str | None:
        """Why it has no rank: `baseline` without seeds, or `one seed` or `one run` alone.

        Where nothing is fine-tuned, one result is all that there is to know.
        """
        if self.first.is_baseline and not self.first.result.model.seeded:
            return "baseline"
        noun = self.first.noun
        known = noun == "seed" and not kind_of(self.first.result.task).learns
        return None if known or len(self.results) > 1 else f"one {noun}"

    @property
    def side(self) -> Side:
        """Values of the seeds, (S,), and on the draws of test records, (B, S)."""
        return np.array(self.primary.values), self.values_BS

    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the mean, within the bounds of the metric.

        With one seed it carries the choice of records only.
        """
        metric = primary_metric(self.first.result.task)
        variance = crossed_variance([self.side], self.first.n_records)
        low, high = variance.interval(self.primary.mean)
        return max(metric.low, low), min(metric.high, high)


@dataclass(frozen=True)
class Comparison:
    """The second of two models minus the first on one task, by the primary metric.

    Args:
        difference: Of the means.
        low: Lower end of the 95 % interval.
        high: Upper end.
        verdict: `better`, `worse`, `not shown` where the interval contains zero, the spread over
            seeds is unknown or Holm's correction says so, or `no verdict` where the notes say why
            there cannot be one, as with fewer than six test records.
        names: Of the two models.
        seeds: Of the two models.
        paired: Whether both have the same seeds, so that these are paired too.
        records: Of the test set.
        notes: Differences beside the model, and why there is no verdict.
        p_value: How often equal models would differ as much, or more.
        p_holm: The same after Holm's correction over the tasks of a run.
        visible: Smallest difference that these records and seeds show with a power of 80 %; None
            where they show none.
        seeds_for: How many seeds would show this difference so; None if up to 1,000 would not.
        records_for: How many test records would; None if up to a million would not.
    """

    difference: float
    low: float
    high: float
    verdict: str
    names: tuple[str, str] = ("", "")
    seeds: tuple[tuple[int, ...], tuple[int, ...]] = ((), ())
    paired: bool = True
    records: int = 0
    notes: tuple[str, ...] = ()
    p_value: float = 1.0
    p_holm: float = 1.0
    visible: float | None = 0.0
    seeds_for: int | None = None
    records_for: int | None = None


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
        clean: Name of a model → primary metric over seeds without the test records that are in
            train; empty if there are none, or none else.
        outside: Name of a row of predictions made elsewhere → their date and source.
    """

    task: Task
    metric: str
    scores: Mapping[str, Mapping[str, Summary]]
    comparisons: Mapping[str, Comparison]
    counts: Mapping[str, int]
    minutes: float
    clean: Mapping[str, Summary] = field(default_factory=dict)
    outside: Mapping[str, str] = field(default_factory=dict)

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
    values_BS = bootstrap(metric, [scored.records for scored in ordered])
    seeds = tuple(scored.result.seed for scored in ordered)
    return Group(ordered, seeds, scores, scores[metric.name], values_BS)


def compare(base: Group, other: Group) -> Comparison:
    """Return the other model minus the base, on the same test records."""
    paired, centre = base.seeds == other.seeds, other.primary.mean - base.primary.mean
    variance = _variance(base, other, paired)
    metric, records = primary_metric(base.first.result.task), base.first.n_records
    reach = metric.high - metric.low  # no difference is larger
    low, high = (max(-reach, min(reach, end)) for end in variance.interval(centre))
    unranked = {base.unranked, other.unranked}
    visible = found if (found := variance.visible()) <= reach else None
    verdict = "better" if low > 0 else "worse" if high < 0 else "not shown"
    notes = [] if paired else ["other seeds, which are not paired"]
    left, right = base.first.result.settings, other.first.result.settings
    if left and right and left != right:
        notes.insert(0, "fine-tuned with other settings")
    shown = () if "baseline" in unranked else tuple(notes)
    doubts = (result.result.model.doubt for both in (other, base) for result in both.results)
    if reason := next(filter(None, doubts), "") or _few(records) or _extreme(base, other):
        verdict, shown = NO_VERDICT, (*shown, reason)
    elif lone := [each for each in ("one run", "one seed") if each in unranked]:
        verdict, visible = "not shown", None
        shown = (*shown, f"{lone[0]} shows nothing; take three")
    elif visible is None:
        shown = (*shown, "so few seeds and records show no difference, however large")
    elif not centre and not variance.total:
        shown = (*shown, "both are equal on every test record")
    names, seeds = (base.first.name, other.first.name), (base.seeds, other.seeds)
    about = names, seeds, paired, records, shown
    p_value = max(variance.p_value(centre), _by_chance(records))
    made = Comparison(centre, low, high, verdict, *about, p_value, p_value, visible)
    if verdict != "not shown" or visible is None:
        return made
    needed = variance.seeds_for(centre), variance.records_for(centre)
    return replace(made, seeds_for=needed[0], records_for=needed[1])


def _variance(base: Group, other: Group, paired: bool) -> Variance:
    sides = [base.side, other.side]
    if paired:
        (ones_S, ones_BS), (twos_S, twos_BS) = sides
        sides = [(twos_S - ones_S, twos_BS - ones_BS)]
    return crossed_variance(sides, base.first.n_records)


def corrected(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """Return comparisons of two models on several tasks after Holm's correction.

    Holm 1979, Scandinavian Journal of Statistics 6, 65: the smallest p counts times the number of
    tasks, the next times one less, and none is smaller than the one before. What is shown on one
    task alone and not among all of them is `not shown`, with a note.
    """
    order = sorted(range(len(comparisons)), key=lambda number: comparisons[number].p_value)
    made, highest = list(comparisons), 0.0
    for place, number in enumerate(order):
        one = comparisons[number]
        highest = min(1.0, max(highest, one.p_value * (len(order) - place)))
        made[number] = replace(one, p_holm=highest)
        if one.verdict in ("better", "worse") and highest >= 1 - CONFIDENCE:
            alone = f"{one.verdict} on its own, p = {one.p_value:.3f}"
            notes = *one.notes, f"{alone}, and not among {len(order)} tasks"
            made[number] = replace(made[number], verdict="not shown", notes=notes)
    return made


def _by_chance(records: int) -> float:
    """Return how often equal models that differ on each of N records differ alike on all."""
    return float(2.0 ** (1 - records))


def _few(records: int) -> str:
    """Return why so few records say nothing of others, or an empty string."""
    if _by_chance(records) < 1 - CONFIDENCE:
        return ""
    counted = f"{records} test record{'s' if records > 1 else ''}"
    return f"{counted}: even if all agree, it may be chance; take some hundred"


def _extreme(base: Group, other: Group) -> str:
    """Return why scores at one end of their range say nothing of the models, or an empty string."""
    metric = primary_metric(base.first.result.task)
    values = {*base.primary.values, *other.primary.values}
    if values == {metric.high}:
        return "ceiling: both models have every record right; take a harder task or test split"
    if values == {max(metric.low, 0.0)}:
        learns = kind_of(base.first.result.task).learns
        cure = "raise evaluate.epochs or evaluate.learning_rate, and " if learns else ""
        return f"floor: neither model finds anything; {cure}look at the labels"
    return ""
