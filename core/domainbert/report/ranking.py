"""Tables of models, one row each, with intervals and ranks that do not claim more than these show.

The rank of a row is one more than the number of rows that are better: the 95 % interval of the
paired difference lies above zero. It is never better than the rank of a row with a higher mean.
Rows that no interval can separate share a rank: 1, 1, 3. A model with one seed and a deterministic
baseline have a place by their score, and no rank.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from domainbert.plugin.domain import Task
from domainbert.report.compare import Comparison, Group, compare, group, most_counts
from domainbert.report.results import Result, ScoredModel
from domainbert.report.scored import Scored
from domainbert.report.statistics import Summary


@dataclass(frozen=True)
class Row:
    """One model on one task; the fields are those of `leaderboard.json`.

    Args:
        title: Name in the table; unique there.
        rank: None where it has none.
        unranked: Why it has none: `baseline` or `one seed`.
        model: As in its first result.
        recipe: Name of the recipe whose run wrote the result.
        seeds: Of fine-tuning.
        values: Primary metric per seed.
        mean: Of the values.
        sd: Sample standard deviation of the values; None for one seed.
        low: Lower end of the 95 % interval of the mean.
        high: Upper end.
        base: Title of the row it was adapted from, if that is in the table.
        against_base: This row minus that one.
        scores: Every metric over seeds.
        fine_tuning_minutes: Mean over seeds.
        settings: Of fine-tuning.
    """

    title: str
    rank: int | None
    unranked: str | None
    model: ScoredModel
    recipe: str | None
    seeds: tuple[int, ...]
    values: tuple[float, ...]
    mean: float
    sd: float | None
    low: float
    high: float
    base: str | None
    against_base: Comparison | None
    scores: Mapping[str, Summary]
    fine_tuning_minutes: float
    settings: Mapping[str, Any]

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
        task: As in its results; a sample if some result says so.
        metric: The primary metric, by which rows are compared.
        records: Test records.
        noticed: Remarks of its results on the data, as counts.
        rows: Best mean first.
    """

    task: Task
    metric: str
    records: int
    noticed: Mapping[str, int]
    rows: tuple[Row, ...]

    @property
    def metrics(self) -> tuple[str, ...]:
        """All metrics that some row has, the primary metric first."""
        names = sorted({name for row in self.rows for name in row.scores} - {self.metric})
        return (self.metric, *names)


def make_tables(results: Sequence[Scored]) -> tuple[Table, ...]:
    """Put results into tables: samples last, then by the name of the task."""
    tables = [_table(several) for several in _grouped(results, "task_key")]
    return tuple(sorted(tables, key=lambda t: (t.task.sample, t.task.name, t.task.version)))


def _grouped(results: Sequence[Scored], key: str) -> list[list[Scored]]:
    key_of = attrgetter(key)
    return [list(g) for _, g in itertools.groupby(sorted(results, key=key_of), key_of)]


def _table(results: Sequence[Scored]) -> Table:
    groups = [group(several) for several in _grouped(results, "model_key")]
    groups.sort(key=lambda g: (-g.primary.mean, g.first.model_key))
    titles = dict(zip(map(id, groups), _titles(groups), strict=True))
    rows = [_row(g, rank, groups, titles) for g, rank in zip(groups, _ranks(groups), strict=True)]
    first = next((s for s in results if s.result.task.sample), results[0])
    return Table(
        task=first.result.task,
        metric=first.result.metric,
        records=len(first.records),
        noticed={key: n for key, n in most_counts(results).items() if n},
        rows=tuple(rows),
    )


def _unranked(model: Group) -> str | None:
    if model.first.is_baseline:
        return "baseline"
    return "one seed" if model.has_unknown_spread else None


def _ranks(groups: Sequence[Group]) -> list[int | None]:
    """Return the rank of each group; the groups have the best mean first."""
    ranked = [g for g in groups if _unranked(g) is None]
    better = [sum(compare(g, other).verdict == "better" for other in ranked) for g in ranked]
    ranks = iter(itertools.accumulate((1 + n for n in better), max))
    return [next(ranks) if _unranked(g) is None else None for g in groups]


def _base_of(model: Group, groups: Sequence[Group]) -> Group | None:
    """Return the base of a model: in the same folder, or else by name; None if unclear."""
    mine = model.first.result.model
    if model.first.is_baseline or mine.name == "base":
        return None
    alike = [
        other
        for other in groups
        if other.first.result.model.name == "base"
        and other.first.result.settings == model.first.result.settings
    ]
    folders = {scored.path.parent for scored in model.results}
    beside = [g for g in alike if folders & {scored.path.parent for scored in g.results}]
    named = [g for g in alike if mine.run and g.first.result.model.base == mine.base]
    bases = beside or named
    return bases[0] if len(bases) == 1 else None


def _row(model: Group, rank: int | None, groups: Sequence[Group], titles: Mapping[int, str]) -> Row:
    first, (low, high) = model.first.result, model.interval()
    base = _base_of(model, groups)
    return Row(
        title=titles[id(model)],
        rank=rank,
        unranked=_unranked(model),
        model=first.model,
        recipe=first.recipe["name"] if first.recipe else None,
        seeds=model.seeds,
        **vars(model.primary),
        low=low,
        high=high,
        base=titles[id(base)] if base else None,
        against_base=compare(base, model) if base else None,
        scores=model.scores,
        fine_tuning_minutes=sum(s.result.minutes for s in model.results) / len(model.results),
        settings=first.settings,
    )


def _titles(groups: Sequence[Group]) -> list[str]:
    """Name rows: an adapted model by its run, a base by its source; longer where these are equal.

    Equal names get what differs: the start of the weights' hash, and settings.
    """
    titles = [_title(g.first.result.model) for g in groups]
    for title in {title for title in titles if titles.count(title) > 1}:
        alike = [number for number, other in enumerate(titles) if other == title]
        marks = {number: _marks(groups[number].first.result) for number in alike}
        keys = dict.fromkeys(key for mark in marks.values() for key in mark)
        differ = [k for k in keys if len({repr(mark.get(k)) for mark in marks.values()}) > 1]
        for number, mark in marks.items():
            titles[number] += " · " + ", ".join(f"{k} {mark.get(k)}".strip() for k in differ)
    return titles


def _title(model: ScoredModel) -> str:
    if model.name == "base" or model.run is None:
        return model.base or model.name
    return model.run


def _marks(result: Result) -> dict[str, Any]:
    return {"": (result.model.sha256 or "")[:7], **dict(sorted(result.settings.items()))}
