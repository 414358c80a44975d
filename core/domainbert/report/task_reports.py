"""From the results of a run to a report per task, for tables, the model card and `--json`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from domainbert.plugin.domain import Task
from domainbert.report.compare import TaskReport, compare, corrected, group
from domainbert.report.scored import Scored, most_counts
from domainbert.report.statistics import Summary, summarise
from domainbert.tasks.metrics.score import primary_metric


def task_report(task: Task, scored: Sequence[Scored], names: Sequence[str]) -> TaskReport:
    """Return scores and comparisons on one task.

    Args:
        task: The task.
        scored: The results of models and baselines.
        names: Of the models; the others are compared with the first.
    """
    found = [entry.result.model.name for entry in scored]
    rows = {
        name: [entry for entry in scored if entry.result.model.name == name]
        for name in dict.fromkeys([*names, *found])
    }
    groups = {name: group(several) for name, several in rows.items()}
    base, *others = (groups[name] for name in names)
    comparisons = {o.first.result.model.name: compare(base, o) for o in others}
    scores = {name: several.scores for name, several in groups.items()}
    minutes, counts = sum(entry.result.minutes for entry in scored), most_counts(scored)
    about = primary_metric(task).name, scores, comparisons, counts, minutes
    clean = {name: made for name, several in rows.items() if (made := clean_summary(several))}
    models = {entry.result.model.name: entry.result.model for entry in scored}
    outside = {name: model.outside for name, model in models.items() if model.outside}
    return TaskReport(task, *about, clean, outside)


def clean_summary(scored: Sequence[Scored]) -> Summary | None:
    """Return the primary metric without the test records that are in train; None if unknown."""
    values = [entry.clean for entry in scored if entry.clean is not None]
    return summarise(values) if len(values) == len(scored) else None


def corrected_reports(
    reports: Sequence[TaskReport], names: Sequence[str]
) -> tuple[TaskReport, ...]:
    """Return the reports with the comparisons of each model corrected over the tasks."""
    rows = [corrected([report.comparisons[name] for report in reports]) for name in names]
    columns = [dict(zip(names, column, strict=True)) for column in zip(*rows, strict=True)]
    pairs = zip(reports, columns or [{}] * len(reports), strict=True)
    return tuple(replace(report, comparisons=made) for report, made in pairs)
