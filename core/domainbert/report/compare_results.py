"""Stored results of two models, task by task: what the command `compare` says."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from pydantic_core import to_jsonable_python

from domainbert.errors import DataError
from domainbert.report.collect import check_gold, collect
from domainbert.report.compare import Compared, Comparison, Group, compare, corrected, group
from domainbert.report.results import differing
from domainbert.report.scored import Scored


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
    (_, left), (_, right) = sides
    pairs = [(group(left[name]), group(right[name])) for name in common]
    for base, other in pairs:
        _check_comparable(base.first, other.first)
    comparisons = corrected([compare(base, other) for base, other in pairs])
    both = zip(pairs, comparisons, strict=True)
    return [(base, other, made) for (base, other), made in both], notices


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
