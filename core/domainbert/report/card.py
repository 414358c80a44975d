"""The model card of a run, and the numbers it is made of."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from domainbert.evaluate import TaskReport
from domainbert.model.load import BaseFolder
from domainbert.recipe.schema import Recipe
from domainbert.report.escape import cell
from domainbert.report.statistics import Summary
from domainbert.run.folder import RunFolder, update_lock
from domainbert.stages.pretrain import Adaptation
from domainbert.storage.files import write_text
from domainbert.tokenizer.extend import Extension

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
        is_main: Whether this process speaks for the run.
        extension: Entries added to the tokenizer, or None.
    """

    recipe: Recipe
    base: BaseFolder
    corpus: dict[str, Any]
    adaptation: Adaptation
    reports: tuple[TaskReport, ...]
    hardware: dict[str, Any]
    is_main: bool
    extension: Extension | None = None

    @property
    def seconds(self) -> float:
        """Wall time of training and evaluation, over all calls that continued the run."""
        return self.adaptation.seconds + 60 * sum(report.minutes for report in self.reports)

    @property
    def objective(self) -> str:
        """What was predicted, in words."""
        train = self.recipe.train
        first, last = (f"{rate * 100:g} %" for rate in train.mlm_probabilities)
        rate = first if first == last else f"{first} to {last}"
        told = f"{rate} of the tokens hidden, chosen by {train.masking}"
        if train.sentence_pairs != "none":
            told += f"; pairs of text: {train.sentence_pairs}"
        return told


def write_card(summary: RunSummary, run: RunFolder) -> None:
    """Complete `lock.json` and write `README.md`, unless the run was finished before."""
    if run.card.exists():
        return
    base = summary.base
    update_lock(
        run,
        hardware=summary.hardware,
        base={"source": base.source, "revision": base.revision, "sha256": base.sha256},
        corpus={key: summary.corpus[key] for key in ("digest", "documents", "tokens", "counts")},
        training={
            "steps": summary.adaptation.steps,
            "tokens": summary.adaptation.tokens,
            "minutes": round(summary.adaptation.seconds / 60, 2),
            "skipped": summary.adaptation.skipped,
        },
    )
    write_text(run.card, render_card(summary))


def render_card(summary: RunSummary) -> str:
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
    environment.filters.update(
        percent=percent,
        spread=spread,
        cell=cell,
        signed=signed,
        shown_metrics=shown_metrics,
        remarks=remarks,
    )
    return environment.get_template("card.md.j2").render(summary=summary)


def summary_json(summary: RunSummary) -> dict[str, Any]:
    """Return the numbers of a run as plain JSON values, for `--json`."""
    return {
        "recipe": {"name": summary.recipe.name, "sha256": summary.recipe.hash()},
        "base": {"source": summary.base.source, "sha256": summary.base.sha256},
        "corpus": {key: summary.corpus[key] for key in ("documents", "tokens", "characters")},
        "vocabulary": summary.extension.summary() if summary.extension else None,
        "training": {
            "steps": summary.adaptation.steps,
            "tokens": summary.adaptation.tokens,
            "new_head": summary.adaptation.new_head,
            "skipped": summary.adaptation.skipped,
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
        "metric": report.metric,
        "models": {
            name: {
                metric: {
                    "mean": summary.mean,
                    "sd": None if math.isnan(summary.sd) else summary.sd,
                    "values": list(summary.values),
                }
                for metric, summary in scores.items()
            }
            for name, scores in report.scores.items()
        },
        "comparison": asdict(report.comparison) if report.comparison else None,
        "counts": dict(report.counts),
    }


def shown_metrics(report: TaskReport) -> tuple[str, ...]:
    """Return the metrics that tables show, the headline first."""
    first = next(iter(report.scores.values()))
    shown = {
        "f1_strict": ("f1_default",),
        "f1_macro": ("accuracy", "mcc"),
        "f1_micro": ("f1_macro", "precision_at_1", "recall_at_5", "top1_f1"),
    }[report.metric]
    return (report.metric, *(name for name in shown if name in first))


def remarks(report: TaskReport) -> list[str]:
    """Return what a reader of the scores should know about the data, one sentence each."""
    said = {
        "repaired": "{:,} `I-` tags of this data set open a mention and were read as `B-`.",
        "test_in_train": "{:,} records of test stand in train too.",
        "unseen_labels": "{:,} labels of validation and test never occur in train; no model can "
        "find them, and they count as missed.",
        "long_texts": "{:,} texts of test are longer than one window (see `long_texts`).",
    }
    found = [said[key].format(n) for key, n in sorted(report.counts.items()) if n and key in said]
    return [*found, report.task.notes] if report.task.notes else found


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
