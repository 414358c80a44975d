"""Tables of models, a row each, with intervals and ranks that do not claim more than these show.

The rank of a row is one more than the number of rows that are better, which means that the 95 %
interval of the paired difference lies above zero; and it is never better than the rank of a row
with a higher mean. Rows that no interval can separate share a rank: 1, 1, 3. A model with one seed
and a deterministic baseline are shown where their score puts them, and have no rank.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from domainbert.report.collect import Scored
from domainbert.report.results import ScoredModel, ScoredTask
from domainbert.report.statistics import (
    Comparison,
    Interval,
    Replicates,
    Summary,
    difference,
    interval,
    replicate,
    summarise,
)
from domainbert.tasks.metrics.score import primary_metric


@dataclass(frozen=True)
class Row:
    """One model on one task.

    Args:
        title: What the table calls it; no two rows of a table have the same.
        model: As in its first result.
        seeds: Those it was fine-tuned with.
        rank: None where it has none.
        unranked: Why it has none.
        interval: Of the mean headline.
        scores: Every metric over seeds.
        base: Title of the row it was adapted from, if that is in the table.
        against_base: This row minus that one.
        fine_tuning_minutes: Mean over seeds.
        settings: Of fine-tuning.
        recipe: Name of the recipe whose run wrote the result.
    """

    title: str
    model: ScoredModel
    seeds: tuple[int, ...]
    rank: int | None
    unranked: str
    interval: Interval
    scores: Mapping[str, Summary]
    base: str | None
    against_base: Comparison | None
    fine_tuning_minutes: float
    settings: Mapping[str, Any]
    recipe: str | None

    @property
    def is_baseline(self) -> bool:
        """Whether it is a deterministic baseline."""
        return self.model.sha256 is None

    @property
    def minutes(self) -> float:
        """Of continued pretraining and of one fine-tuning."""
        return self.model.minutes + self.fine_tuning_minutes


@dataclass(frozen=True)
class Table:
    """The models on one version of one task.

    Args:
        task: As in its results.
        sample: Whether some result says that it is a demonstration set and no benchmark.
        metric: The headline, by which rows are compared.
        records: Test records.
        rows: Best mean first.
        noticed: What its results say of the data, as counts.
    """

    task: ScoredTask
    sample: bool
    metric: str
    records: int
    rows: tuple[Row, ...]
    noticed: Mapping[str, int]

    @property
    def metrics(self) -> tuple[str, ...]:
        """All metrics that some row has, the headline first."""
        names = sorted({name for row in self.rows for name in row.scores})
        return (self.metric, *(name for name in names if name != self.metric))


@dataclass(frozen=True, eq=False)
class _Group:
    """The results of one row, ordered by seed."""

    results: tuple[Scored, ...]
    replicates: Replicates

    @property
    def first(self) -> Scored:
        return self.results[0]

    @property
    def seeds(self) -> tuple[int, ...]:
        return tuple(scored.result.seed for scored in self.results)

    @property
    def mean(self) -> float:
        return float(self.replicates.values_S.mean())

    @property
    def unranked(self) -> str:
        if self.first.is_baseline:
            return "baseline"
        return "one seed" if len(self.results) < 2 else ""


def make_tables(found: Sequence[Scored]) -> tuple[Table, ...]:
    """Put results into tables: samples last, then by the name of the task."""
    by_task: dict[str, list[Scored]] = defaultdict(list)
    for scored in found:
        by_task[scored.task_key].append(scored)
    tables = [_table(results) for results in by_task.values()]
    return tuple(sorted(tables, key=lambda t: (t.sample, t.task.name, t.task.version)))


def contrast(base: Sequence[Scored], other: Sequence[Scored]) -> tuple[Comparison, bool]:
    """Compare two models on one task, `other` minus `base`.

    Returns:
        The comparison, and whether seeds could be paired.
    """
    first, second = _group(base), _group(other)
    return _difference(first, second), first.seeds == second.seeds


def _table(results: Sequence[Scored]) -> Table:
    by_model: dict[str, list[Scored]] = defaultdict(list)
    for scored in results:
        by_model[scored.model_key].append(scored)
    groups = sorted(map(_group, by_model.values()), key=lambda g: (-g.mean, g.first.model_key))
    ranks, titles = _ranks(groups), _titles(groups)
    rows = [_row(group, titles[n], ranks[n]) for n, group in enumerate(groups)]
    for number, group in enumerate(groups):
        base = _base_of(group, groups)
        if base is not None:
            compared, named = _difference(base, group), titles[groups.index(base)]
            rows[number] = replace(rows[number], base=named, against_base=compared)
    # Of models with different tokenizers, the one that cuts texts into most tokens.
    noticed: dict[str, int] = {}
    for scored in results:
        for key, n in scored.result.counts.items():
            noticed[key] = max(n, noticed.get(key, 0))
    noticed = {key: n for key, n in noticed.items() if n}
    first = results[0]
    return Table(
        task=first.result.task,
        sample=any(scored.result.task.sample for scored in results),
        metric=first.result.metric,
        records=len(first.predictions),
        rows=tuple(rows),
        noticed=dict(sorted(noticed.items())),
    )


def _group(results: Sequence[Scored]) -> _Group:
    ordered = tuple(sorted(results, key=lambda scored: scored.result.seed))
    metric = primary_metric(ordered[0].result.task.task)
    predictions_SN = [scored.predictions for scored in ordered]
    return _Group(ordered, replicate(metric, predictions_SN, seeded=not ordered[0].is_baseline))


def _difference(base: _Group, other: _Group) -> Comparison:
    return difference(base.replicates, other.replicates, paired=base.seeds == other.seeds)


def _ranks(groups: Sequence[_Group]) -> list[int | None]:
    """Return the rank of each group; they come best mean first."""
    ranked = [group for group in groups if not group.unranked]
    better = [sum(_difference(g, other).verdict == "better" for other in ranked) for g in ranked]
    ranks = iter(itertools.accumulate((1 + n for n in better), max))
    return [None if group.unranked else next(ranks) for group in groups]


def _base_of(group: _Group, groups: Sequence[_Group]) -> _Group | None:
    """Return what a row was adapted from: in the same folder, or else by name; None if unclear."""
    model, settings = group.first.result.model, group.first.result.settings
    if group.first.is_baseline or model.name == "base":
        return None
    alike = [
        other
        for other in groups
        if other.first.result.model.name == "base" and other.first.result.settings == settings
    ]
    folders = {scored.path.parent for scored in group.results}
    beside = [g for g in alike if folders & {scored.path.parent for scored in g.results}]
    named = [g for g in alike if model.run and g.first.result.model.base == model.base]
    found = beside or named
    return found[0] if len(found) == 1 else None


def _row(group: _Group, title: str, rank: int | None) -> Row:
    results = [scored.result for scored in group.results]
    first = results[0]
    return Row(
        title=title,
        model=first.model,
        seeds=group.seeds,
        rank=rank,
        unranked=group.unranked,
        interval=interval(group.replicates),
        scores={name: summarise([result.test[name] for result in results]) for name in first.test},
        base=None,
        against_base=None,
        fine_tuning_minutes=float(np.mean([result.minutes for result in results])),
        settings=first.settings,
        recipe=first.recipe.name if first.recipe else None,
    )


def _titles(groups: Sequence[_Group]) -> list[str]:
    """Name rows: an adapted model by its run, a base by its source; told apart where alike."""
    titles = [_title(group.first.result.model) for group in groups]
    for tell in (_weights, _settings_that_differ):
        doubled = {title for title in titles if titles.count(title) > 1}
        for title in doubled:
            alike = [number for number, other in enumerate(titles) if other == title]
            marks = tell([groups[number] for number in alike])
            for number, mark in zip(alike, marks, strict=True):
                titles[number] += f" · {mark}" if len(set(marks)) > 1 else ""
    return titles


def _title(model: ScoredModel) -> str:
    if model.name == "base" or model.run is None:
        return model.base or model.name
    return model.run


def _weights(groups: Sequence[_Group]) -> list[str]:
    return [(group.first.result.model.sha256 or "")[:7] for group in groups]


def _settings_that_differ(groups: Sequence[_Group]) -> list[str]:
    all_settings = [group.first.result.settings for group in groups]
    keys = sorted({key for settings in all_settings for key in settings})
    differ = [k for k in keys if len({repr(s.get(k)) for s in all_settings}) > 1]
    return [", ".join(f"{k} {s.get(k)}" for k in differ) for s in all_settings]
