"""The model card of a run, and the numbers it is made of."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic_core import to_jsonable_python

from domainbert.corpus.sources import OWN_FILES
from domainbert.model.load import BaseFolder
from domainbert.recipe.schema import Recipe
from domainbert.report.compare import TaskReport
from domainbert.report.curve import FILE, render_curve
from domainbert.report.statistics import summarise
from domainbert.report.text import spread, templates
from domainbert.run.folder import RunFolder, read_lock, update_lock
from domainbert.stages.blend import Blend
from domainbert.stages.pretrain import Adaptation
from domainbert.stages.retrieval import Retrieval
from domainbert.storage.files import write_text
from domainbert.tasks.metrics.score import kind_of, metric_of
from domainbert.tokenizer.extend import Extension


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
        folder: The run folder; see `RunFolder` for what is in it.
        extension: Entries added to the tokenizer, or None.
        language: Codes of the languages of the text.
        blend: Which point between base and adapted model is handed over.
        retrieval: How well titles find their texts by vectors; empty without `sentences`.
    """

    recipe: Recipe
    base: BaseFolder
    corpus: dict[str, Any]
    adaptation: Adaptation
    reports: tuple[TaskReport, ...]
    hardware: dict[str, Any]
    folder: Path
    extension: Extension | None = None
    language: tuple[str, ...] = ()
    blend: Blend = field(default_factory=Blend)
    retrieval: tuple[Retrieval, ...] = ()

    @property
    def model(self) -> Path:
        """Folder of the model that is handed over, which transformers loads."""
        return RunFolder(self.folder).model

    @property
    def kept(self) -> list[Path]:
        """Folders of the fine-tuned models that were kept."""
        return [path.parent for path in sorted(RunFolder(self.folder).kept.glob("*/*/task.json"))]

    def _repr_markdown_(self) -> str:
        return render_card(self)  # what a notebook shows

    def is_of_field(self, report: TaskReport) -> bool:
        """Whether a task is of the field, and not one to see what the model keeps of others."""
        return report.task.domain in {None, self.recipe.domain}

    @property
    def seconds(self) -> float:
        """Wall time of training and evaluation, over all calls that continued the run."""
        return self.adaptation.seconds + 60 * sum(report.minutes for report in self.reports)

    @property
    def cost_seconds(self) -> float:
        """Wall time of training, and of evaluation, whose trials run side by side."""
        trials = 60 * sum(report.minutes for report in self.reports)
        return self.adaptation.seconds + trials / self.hardware["processes"]


def write_card(summary: RunSummary, run: RunFolder) -> None:
    """Complete `lock.json` and write `README.md`, unless nothing but the hardware is other."""
    if run.card.is_file():
        before = replace(summary, hardware=read_lock(run).get("hardware", summary.hardware))
        if render_card(before).encode() == run.card.read_bytes():
            return
    facts = _facts(summary)
    facts["training"]["minutes"] = round(summary.adaptation.seconds / 60, 2)
    update_lock(run, **facts)
    if summary.blend.curve:
        write_text(run.path / FILE, render_curve(summary.blend))
    else:
        (run.path / FILE).unlink(missing_ok=True)
    write_text(run.card, render_card(summary))


def _facts(summary: RunSummary) -> dict[str, Any]:
    """Return what `lock.json` and `--json` have in common."""
    base, keys = summary.base, ("digest", "documents", "tokens", "characters", "counts")
    done = {key: getattr(summary.adaptation, key) for key in ("steps", "tokens", "skipped")}
    return {
        "base": {key: getattr(base, key) for key in ("source", "revision", "sha256")},
        "corpus": {key: summary.corpus[key] for key in keys},
        "training": {**done, "new_head": summary.adaptation.new_head},
        "hardware": summary.hardware,
    }


def render_card(summary: RunSummary) -> str:
    """Return the model card as Markdown."""
    environment = templates()
    environment.filters.update(shown_metrics=shown_metrics, remarks=remarks, summarise=summarise)
    environment.filters.update(side_notes=side_notes)
    given = {"summary": summary, "own_files": OWN_FILES, "curve_file": FILE}
    return environment.get_template("card.md.j2").render(given)


def summary_json(summary: RunSummary) -> Any:
    """Return the numbers of a run as plain JSON values, for `--json`."""
    done = summary.adaptation
    general = dict(zip(("before", "after"), done.general, strict=True)) if done.general else None
    numbers = _facts(summary) | {
        "recipe": {"name": summary.recipe.name, "sha256": summary.recipe.hash()},
        "vocabulary": summary.extension.summary() if summary.extension else None,
        "bits_per_character": {"before": done.before, "after": done.after},
        "general_bits_per_character": general,
        "blend": summary.blend,
        "retrieval": summary.retrieval,
        "tasks": [task_json(report) for report in summary.reports],
        "kept": [folder.relative_to(summary.folder).as_posix() for folder in summary.kept],
        "minutes": round(summary.seconds / 60, 2),
        "cost": summary.recipe.cost.of(summary.cost_seconds) if summary.recipe.cost else None,
    }
    return to_jsonable_python(numbers)


def task_json(report: TaskReport) -> Any:
    """Return one task's comparison as plain JSON values; scores from 0 to 1."""
    about = {"task": report.task.name, "sample": report.task.sample, "models": report.scores}
    keys = "metric", "comparison", "comparisons", "counts", "clean", "outside"
    return to_jsonable_python({**about, **{key: getattr(report, key) for key in keys}})


def side_notes(report: TaskReport) -> list[str]:
    """Return where predictions are from, whether anything learned, and scores without train."""
    notes = [
        f"{name}: predictions made elsewhere ({about})." for name, about in report.outside.items()
    ]
    if not kind_of(report.task).learns:
        notes.append("Nothing is fine-tuned here: each encoder is scored once, as it is.")
    if report.clean:
        scores = ", ".join(f"{name} {spread(one)}" for name, one in report.clean.items())
        notes.append(f"Without the test records that are in train, {report.metric}: {scores}.")
    return notes


def shown_metrics(report: TaskReport) -> tuple[str, ...]:
    """Return the metrics that tables show, the primary metric first."""
    always = (report.metric, *report.task.metrics)
    names = next(iter(report.scores.values()))
    return tuple(n for n in names if n in always or metric_of(report.task, n).shown)


def remarks(report: TaskReport) -> list[str]:
    """Return remarks on the data of a task, one sentence each; its notes are shown beside them."""
    return [
        _REMARKS.get(key, f"{{:,}} {key.replace('_', ' ')}.").format(n)
        for key, n in sorted(report.counts.items())
        if n and (key in _REMARKS or _PLAIN.fullmatch(key))
    ]


# A reader of a plugin counts what it likes; the name is shown.
_PLAIN = re.compile(r"[a-z]+(_[a-z]+){0,4}")
_REMARKS = {
    "label_forms": "{:,} labels differed from others by Unicode form or invisible characters "
    "only, or had such; each was read as the visible label.",
    "repaired": "{:,} `I-` tags of this data set open a mention and were read as `B-`.",
    "test_in_train": "{:,} records of test are in train, too.",
    "other_labels_in_train": "{:,} records of test are in train with other labels.",
    "all_in_train": "All {:,} records of test are in train: there is no score without them.",
    "one_class": "All records of test are of {:,} class, so guessing it gets them right.",
    "unseen_labels": "{:,} labels of validation and test never occur in train; no model can "
    "find them, and they count as missed.",
    "learned_nothing": "In at least one run a fine-tuned model predicts the same for every record: "
    "it has not learned. Raise `evaluate.epochs` or `evaluate.learning_rate`.",
    "long_texts": "{:,} texts of test are longer than one window (see `long_texts`).",
    "long_answers": "{:,} questions of test have no answer of 30 tokens or fewer; no model can "
    "find them.",
    "long_questions": "{:,} questions of test were cut to half of a window.",
    "moved_answers": "{:,} answers are not at their offset, but at one other place, and were "
    "read there.",
    "far_entities": "{:,} texts of test have two entities too far apart for one window; the "
    "surroundings of each were read.",
    "cut_words": "{:,} words were cut where a mention begins or ends within them.",
    "overlapping": "{:,} mentions overlap a longer one and were left out: a word has one tag.",
    "repeated_mentions": "{:,} mentions stand twice and were read once.",
    "without_word": "{:,} mentions hold no word and were left out.",
    "discontinuous": "{:,} mentions in several parts were read from the first to the last.",
    "relations": "{:,} relations and notes were left out.",
    "repeated_abstracts": "{:,} abstracts stand twice and were read once.",
    "not_annotated": "{:,} texts without a finished annotation were left out.",
    "other_annotations": "{:,} further annotations of the same texts were left out.",
    "refused_answers": "{:,} answers that the annotator rejected or ignored were left out.",
}
