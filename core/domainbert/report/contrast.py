"""Two models, each given by its results, on the tasks that they have in common."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from domainbert.errors import DataError
from domainbert.report.collect import Scored, collect
from domainbert.report.ranking import contrast
from domainbert.report.statistics import Comparison, Summary, summarise


@dataclass(frozen=True)
class Side:
    """One of the two models on one task.

    Args:
        name: Its name and run.
        seeds: Those it was fine-tuned with.
        score: The headline over them.
    """

    name: str
    seeds: tuple[int, ...]
    score: Summary


@dataclass(frozen=True)
class Contrast:
    """The second model minus the first on one task.

    Args:
        task: Name of the task.
        version: Of the task.
        metric: The headline.
        records: Test records.
        first: The first model.
        second: The second model.
        comparison: Their difference.
        paired: Whether both have the same seeds, so that these are paired too.
        notes: What makes the two differ beside the model.
    """

    task: str
    version: str
    metric: str
    records: int
    first: Side
    second: Side
    comparison: Comparison
    paired: bool
    notes: tuple[str, ...]


def compare_results(first: str, second: str) -> tuple[tuple[Contrast, ...], tuple[str, ...]]:
    """Compare two models on every task that both have results of.

    Args:
        first: A result file, a glob, a folder of results or a run folder.
        second: The same for the model that is compared with it.

    Returns:
        The comparisons by the name of the task, and notices.

    Raises:
        DataError: A result cannot be used, a side holds several models, no task is common, or a
            task differs in version, data, labels or metric.
    """
    collected = [collect([source]) for source in (first, second)]
    sides = [_side(first, collected[0][0]), _side(second, collected[1][0])]
    common = sorted(set(sides[0]) & set(sides[1]))
    if not common:
        raise DataError(
            f"no task in common: {first} has {', '.join(sorted(sides[0]))}; "
            f"{second} has {', '.join(sorted(sides[1]))}."
        )
    notices = [notice for _, several in collected for notice in several]
    notices += [
        f"{name}: only in {source}, left out."
        for source, side in zip((first, second), sides, strict=True)
        for name in sorted(set(side) - set(common))
    ]
    found = tuple(_contrast(sides[0][name], sides[1][name]) for name in common)
    return found, tuple(notices)


def _side(source: str, results: Sequence[Scored]) -> dict[str, list[Scored]]:
    """Return the results of the one model that a source is about, by the name of the task."""
    by_task: dict[str, list[Scored]] = defaultdict(list)
    for scored in results:
        by_task[scored.result.task.name].append(scored)
    return {name: _one_model(source, found) for name, found in by_task.items()}


def _one_model(source: str, found: Sequence[Scored]) -> list[Scored]:
    task = found[0].result.task.name
    if len({scored.task_key for scored in found}) > 1:
        raise DataError(f"{source}: {task}: results of several versions or data. Name the files.")
    adapted = [scored for scored in found if scored.result.model.name == "adapted"]
    chosen = adapted or list(found)
    if len({scored.model_key for scored in chosen}) > 1:
        names = sorted({_name(scored) for scored in chosen})
        raise DataError(
            f"{source}: {task}: results of several models or settings ({', '.join(names)}). "
            "Name those of one with a glob in quotes, such as 'RUN/results/*/base-seed-*.json'."
        )
    return chosen


def _contrast(base: Sequence[Scored], other: Sequence[Scored]) -> Contrast:
    first, second = base[0], other[0]
    if first.task_key != second.task_key:
        raise DataError(_difference(first, second))
    if first.gold != second.gold:
        raise DataError(
            f"{second.path}: its gold labels are not those of {first.path}, though both name the "
            "same test file."
        )
    comparison, paired = contrast(base, other)
    result = first.result
    settings = [scored.result.settings for scored in (first, second)]
    seeded = not (first.is_baseline or second.is_baseline)
    notes = []
    if seeded and settings[0] != settings[1]:
        notes.append("fine-tuned with other settings")
    if seeded and not paired:
        notes.append("other seeds, which are not paired")
    return Contrast(
        task=result.task.name,
        version=result.task.version,
        metric=result.metric,
        records=len(first.predictions),
        first=_told(base),
        second=_told(other),
        comparison=comparison,
        paired=paired,
        notes=tuple(notes),
    )


def _difference(first: Scored, second: Scored) -> str:
    one, two = _flat(first), _flat(second)
    key = next(key for key in {**one, **two} if one.get(key) != two.get(key))
    values = [json.dumps(entry.get(key), ensure_ascii=False)[:200] for entry in (two, one)]
    return (
        f"{second.path}: {key}: {values[0]}, but {values[1]} in {first.path}. "
        "Such scores are not comparable: evaluate both on the same task."
    )


def _flat(scored: Scored) -> dict[str, Any]:
    task = scored.result.task.model_dump(exclude={"domain", "sample", "data"})
    data = {f"task.data.{split}": sha256 for split, sha256 in scored.result.task.data.items()}
    return {**{f"task.{key}": value for key, value in task.items()}, **data}


def _told(results: Sequence[Scored]) -> Side:
    ordered = sorted((scored.result for scored in results), key=lambda result: result.seed)
    values = [result.test[result.metric] for result in ordered]
    return Side(_name(results[0]), tuple(r.seed for r in ordered), summarise(values))


def _name(scored: Scored) -> str:
    model = scored.result.model
    return f"{model.name} ({model.run or model.base})" if model.run or model.base else model.name


def contrast_json(found: Contrast) -> dict[str, Any]:
    """Return a comparison as plain JSON values; scores from 0 to 1."""
    entry = asdict(found)
    for side in ("first", "second"):
        score = entry[side].pop("score")
        one = len(score["values"]) < 2
        entry[side] |= {**score, "sd": None if one else score["sd"]}
    return entry
