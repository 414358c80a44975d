"""Tables of models, one row each, with intervals and ranks that do not claim more than these show.

The rank of a row is one more than the number of rows that are better: the 95 % interval of the
paired difference lies above zero. It is never better than the rank of a row with a higher mean.
Rows that no interval can separate share a rank: 1, 1, 3. A model with one seed and a baseline
without seeds have a place by their score, and no rank.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from operator import attrgetter
from typing import Any

from domainbert.report.compare import Group, compare, group
from domainbert.report.results import Result, ScoredModel
from domainbert.report.scored import Scored, most_counts

Row = dict[str, Any]
"""One model on one task, with the keys of a row in `leaderboard.json`:

`title` (unique in the table), `rank`, `unranked` (why it has none: `baseline`, `one seed`, or
`one run` of predictions made elsewhere),
`model` (of its first result), `recipe` (of its run), `seeds`, `values` (primary metric per seed),
`mean`, `sd`, `low`, `high` (95 % interval of the mean), `base` (title of the row it was adapted
from), `against_base` (this row minus that one), `scores` (every metric over seeds),
`fine_tuning_minutes` (mean over seeds), `settings`. Further keys are for display: `SHOWN_ONLY`.
"""
SHOWN_ONLY = ("is_baseline", "minutes", "summary")

Table = dict[str, Any]
"""The models on one version of one task: `task`, `metric` (the primary one, by which rows are
compared), `records`, `noticed` (remarks on the data as counts), `rows` (best mean first) and
`metrics` of all rows, the primary one first.
"""


def make_tables(results: Sequence[Scored]) -> tuple[Table, ...]:
    """Put results into tables: samples last, then by the name of the task."""
    tables = [_table(several) for several in _grouped(results, "task_key")]
    place = attrgetter("sample", "name", "version")
    return tuple(sorted(tables, key=lambda table: place(table["task"])))


def _grouped(results: Sequence[Scored], key: str) -> list[list[Scored]]:
    key_of = attrgetter(key)
    return [list(g) for _, g in itertools.groupby(sorted(results, key=key_of), key_of)]


def _table(results: Sequence[Scored]) -> Table:
    groups = [group(several) for several in _grouped(results, "model_key")]
    groups.sort(key=lambda g: (-g.primary.mean, g.first.model_key))
    titles = dict(zip(map(id, groups), _titles(groups), strict=True))
    rows = [_row(g, rank, groups, titles) for g, rank in zip(groups, _ranks(groups), strict=True)]
    first = next((s for s in results if s.result.task.sample), results[0])
    metric = first.result.metric
    return {
        "task": first.result.task,
        "metric": metric,
        "records": first.n_records,
        "noticed": most_counts(results),
        "rows": rows,
        "metrics": [metric, *sorted({name for row in rows for name in row["scores"]} - {metric})],
    }


def _ranks(groups: Sequence[Group]) -> list[int | None]:
    """Return the rank of each group; the groups have the best mean first."""
    ranked = [g for g in groups if not g.unranked]
    better = [sum(compare(g, other).verdict == "better" for other in ranked) for g in ranked]
    ranks = iter(itertools.accumulate((1 + n for n in better), max))
    return [None if g.unranked else next(ranks) for g in groups]


def _base_of(model: Group, groups: Sequence[Group]) -> Group | None:
    """Return the base of a model: in the same folder, or else by name; None if unclear."""
    mine, settings = model.first.result.model, model.first.result.settings
    if model.first.is_baseline or mine.name == "base":
        return None
    bases = [g for g in groups if g.first.result.model.name == "base"]
    alike = [g for g in bases if g.first.result.settings == settings]
    folders = {scored.path.parent for scored in model.results}
    beside = [g for g in alike if folders & {scored.path.parent for scored in g.results}]
    named = [g for g in alike if mine.run and g.first.result.model.base == mine.base]
    bases = beside or named
    return bases[0] if len(bases) == 1 else None


def _row(model: Group, rank: int | None, groups: Sequence[Group], titles: dict[int, str]) -> Row:
    first, (low, high) = model.first.result, model.interval()
    base = _base_of(model, groups)
    minutes = sum(scored.result.minutes for scored in model.results) / len(model.results)
    return {
        "title": titles[id(model)],
        "rank": rank,
        "unranked": model.unranked,
        "model": first.model,
        "recipe": first.recipe["name"] if first.recipe else None,
        "seeds": model.seeds,
        **vars(model.primary),
        "low": low,
        "high": high,
        "base": titles[id(base)] if base else None,
        "against_base": compare(base, model) if base else None,
        "scores": model.scores,
        "fine_tuning_minutes": minutes,
        "settings": first.settings,
        "is_baseline": model.first.is_baseline,
        "minutes": first.model.minutes + minutes,
        "summary": model.primary,
    }


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
    if model.date:
        return f"{model.name}, {model.date}"
    if model.name == "base" or model.run is None:
        return model.base or model.name
    return f"{model.run}, {model.blend}" if model.blend else model.run


def _marks(result: Result) -> dict[str, Any]:
    return {"": (result.model.sha256 or "")[:7], **dict(sorted(result.settings.items()))}
