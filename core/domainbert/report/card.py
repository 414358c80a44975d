"""The model card of a run, and the numbers it is made of."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from domainbert.base import BaseFolder
from domainbert.evaluate import TaskReport
from domainbert.files import read_json, write_text
from domainbert.recipe import Recipe
from domainbert.report.statistics import Summary
from domainbert.run import RunFolder, update_lock
from domainbert.training.pretrain import Adaptation

_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class RunSummary:
    """What one adaptation did.

    Args:
        recipe: Resolved.
        base: The checkpoint it started from.
        corpus: Manifest of the token store.
        adaptation: Training, and bits per character before and after.
        reports: Base against adapted on each task.
        hardware: Device, processes, precision, peak memory.
        seconds: Wall time, over all calls that continued the run.
        is_main: Whether this process speaks for the run.
    """

    recipe: Recipe
    base: BaseFolder
    corpus: dict[str, Any]
    adaptation: Adaptation
    reports: tuple[TaskReport, ...]
    hardware: dict[str, Any]
    seconds: float
    is_main: bool


def write_card(summary: RunSummary, run: RunFolder) -> RunSummary:
    """Write `README.md` and complete `lock.json`; return the summary with the total time."""
    lock = read_json(run.lock)
    # A call that finds everything done adds nothing but its own start.
    seconds = summary.seconds + float(lock.get("seconds", 0.0)) * (not lock.get("finished", False))
    if lock.get("finished"):
        seconds = float(lock["seconds"])
    summary = replace(summary, seconds=seconds)
    update_lock(
        run,
        finished=True,
        seconds=round(seconds, 1),
        hardware=summary.hardware,
        base={
            "source": summary.base.source,
            "revision": summary.base.revision,
            "sha256": summary.base.sha256,
        },
        corpus={key: summary.corpus[key] for key in ("digest", "documents", "tokens", "counts")},
    )
    write_text(run.path / "README.md", render_card(summary, read_json(run.lock)))
    return summary


def render_card(summary: RunSummary, lock: dict[str, Any]) -> str:
    """Return the model card as Markdown."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701  # Markdown; `cell` escapes what comes from outside
    )
    environment.filters.update(percent=percent, spread=spread, cell=cell, signed=signed)
    return environment.get_template("card.md.j2").render(
        summary=summary, lock=lock, result=summary_json(summary), minutes=summary.seconds / 60
    )


def summary_json(summary: RunSummary) -> dict[str, Any]:
    """Return the numbers of a run as plain JSON values, for `--json`."""
    return {
        "recipe": {"name": summary.recipe.name, "sha256": summary.recipe.hash()},
        "base": {"source": summary.base.source, "sha256": summary.base.sha256},
        "corpus": {key: summary.corpus[key] for key in ("documents", "tokens", "characters")},
        "training": {
            "steps": summary.adaptation.steps,
            "tokens": summary.adaptation.tokens,
            "new_head": summary.adaptation.new_head,
        },
        "bits_per_character": {
            "before": asdict(summary.adaptation.before),
            "after": asdict(summary.adaptation.after),
        },
        "tasks": [task_json(report) for report in summary.reports],
        "hardware": summary.hardware,
        "minutes": round(summary.seconds / 60, 2),
    }


def task_json(report: TaskReport) -> dict[str, Any]:
    """Return one task's comparison as plain JSON values; scores from 0 to 1."""
    return {
        "task": report.task.name,
        "sample": report.task.sample,
        "metric": "entity F1, strict IOB2",
        "models": {
            name: {
                "mean": summary.mean,
                "sd": None if math.isnan(summary.sd) else summary.sd,
                "values": list(summary.values),
                "default_mean": report.default[name].mean,
            }
            for name, summary in report.strict.items()
        },
        "comparison": asdict(report.comparison) if report.comparison else None,
        "repaired_tags": report.task.repaired,
    }


def percent(value: float) -> str:
    """Format a score from 0 to 1 in percent."""
    return f"{100 * value:.2f}"


def signed(value: float) -> str:
    """Format a difference of scores in points."""
    return f"{100 * value:+.2f}"


def spread(summary: Summary) -> str:
    """Format mean and standard deviation in percent."""
    sd = "" if math.isnan(summary.sd) else f" ± {percent(summary.sd)}"
    return percent(summary.mean) + sd


def cell(text: object) -> str:
    """Make text that came from outside inert in Markdown and in a table."""
    escaped = str(text).replace("\\", "\\\\")
    for mark in "|<>[]`*_":
        escaped = escaped.replace(mark, "\\" + mark)
    return " ".join(escaped.split())
