"""What a fine-tuned model says of texts without labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from domainbert.errors import BaseModelError
from domainbert.model.classifier import AnswerFinder, Classifier, SequenceClassifier
from domainbert.model.load import BaseFolder, longest_sequence
from domainbert.model.task_model import OpenTaskModel, open_task_model
from domainbert.plugin.components import Annotation, LoadedTask, Passage, TaskKind
from domainbert.plugin.domain import Task
from domainbert.plugin.registry import calling
from domainbert.recipe.evaluate import EvaluateSection
from domainbert.report.results import TaskEntry
from domainbert.run.session import Session
from domainbert.tasks.candidate import Candidate, score_windows
from domainbert.tasks.metrics.score import kind_of
from domainbert.tokenizer.load import special_tokens
from domainbert.words import LONE_SURROGATE

_LONGEST = 512
# The kind of a model that says nothing of its task.
_KINDS: dict[type, str] = {
    Classifier: "tagging", SequenceClassifier: "classification", AnswerFinder: "question-answering",
}  # fmt: skip


@dataclass(frozen=True)
class Annotator:
    """A fine-tuned model that annotates texts.

    Args:
        tuned: The model, without records.
        columns: Where the outputs of the task stand among those of the model.
        sha256: Hash of its weights.
        threshold: Of a task with several labels per record, or of no answer; None for others.
        inputs: Columns of the rows that it was fine-tuned on; none for texts, or if not known.
    """

    tuned: Candidate
    columns: tuple[int, ...]
    sha256: str
    threshold: float | None = None
    inputs: tuple[str, ...] = ()

    @property
    def task(self) -> Task:
        """The task that it was fine-tuned on."""
        return self.tuned.loaded.task

    def annotate(self, items: Sequence[Any]) -> list[Annotation]:
        """Return what the model says of each item: a text, or a record of a row.

        Raises:
            RunFailed: A score is not finite, or the task's kind fails.
            Stopped: A signal.
        """
        kind, task, tuned = self.tuned.kind, self.task, self.tuned
        assert kind.annotate  # noqa: S101  # checked on opening
        with calling(kind):
            passages = [self._passages(item) for item in items]
            records = [record for parts in passages for record, _ in parts]
            windows = kind.encode(records, tuned.tokenizer, tuned.settings)
        windows, scores_XC = score_windows(tuned, windows)
        with calling(kind):
            rows = windows, scores_XC[:, list(self.columns)]
            return kind.annotate(task, passages, rows, self.threshold)

    def _passages(self, item: Any) -> list[Passage]:
        kind = self.tuned.kind
        if kind.passages is None:
            return [(item, ())]
        # Of the same length, so that offsets stay.
        return kind.passages(LONE_SURROGATE.sub("\ufffd", item), self.task)


def open_annotator(place: BaseFolder, session: Session) -> Annotator:
    """Open a fine-tuned model for texts.

    Args:
        place: From `tasks/` of a run, or a model of anybody for token or sequence classification.
        session: Device, precision and stop signal.

    Raises:
        BaseModelError: It is no fine-tuned model, its labels are no tags, or its kind of task
            cannot read texts or rows without labels.
        PluginError: No plugin has its kind of task.
    """
    folder = place.folder
    opened = open_task_model(folder)
    settings, task = _settings(opened), _task(opened, folder)
    kind = kind_of(task)
    if kind.annotate is None or (kind.passages is None and kind.unlabelled is None):
        raise BaseModelError(f"{folder}: {kind.name} tasks cannot be predicted without labels.")
    columns = _columns(kind, task, opened, folder)
    model = opened.model.to(session.accelerator.device).eval()
    pad = special_tokens(opened.tokenizer).pad
    loaded = LoadedTask(task, {})
    tuned = Candidate(model, opened.tokenizer, pad, kind, loaded, settings, session, {})
    about = opened.about
    inputs = tuple(about.get("inputs", ()))
    return Annotator(tuned, columns, place.sha256, about.get("threshold"), inputs)


def _settings(opened: OpenTaskModel) -> EvaluateSection:
    """Return the settings of fine-tuning, or the model's own length."""
    longest = min(longest_sequence(opened.model.encoder), _LONGEST)
    names = EvaluateSection.model_fields
    given = {k: v for k, v in opened.about.get("settings", {}).items() if k in names}
    if not given:
        return EvaluateSection(max_seq_length=longest, long_texts="window")
    settings = EvaluateSection.model_validate(given)
    return settings.model_copy(update={"max_seq_length": min(settings.max_seq_length, longest)})


def _task(opened: OpenTaskModel, folder: Path) -> Task:
    about = opened.about
    if about:
        given = about.get("columns", {}).items()
        columns = {key: tuple(name) if isinstance(name, list) else name for key, name in given}
        entry = TaskEntry.model_validate(about["task"], strict=False)
        return replace(entry.as_task(), columns=columns)
    config = opened.model.encoder.config
    kind = _KINDS[type(opened.model)]
    labels = opened.labels
    if kind == "tagging":
        labels = tuple(dict.fromkeys(label[2:] for label in labels if label[:2] in {"B-", "I-"}))
    several = config.problem_type == "multi_label_classification"
    task = Task(folder.name, "", kind, "", "", "1", {}, labels, data={"train": ""})
    return replace(task, multi_label=several)


def _columns(kind: TaskKind, task: Task, opened: OpenTaskModel, folder: Path) -> tuple[int, ...]:
    if not opened.about and isinstance(opened.model, AnswerFinder):
        return 0, 1  # start and end, whatever its config calls them
    with calling(kind):
        wanted = kind.outputs(task)
    if (len(wanted) < 2 and not opened.about) or set(wanted) != set(opened.labels):
        shown = ", ".join(opened.labels[:8])
        hint = ", ".join(wanted[:8]) if len(wanted) > 1 else "O, B-TYPE, I-TYPE"
        raise BaseModelError(
            f"{folder}: its outputs are {shown}; expected {hint}. See `id2label` in its "
            "config.json; other schemes than IOB2 cannot be read."
        )
    if opened.about and wanted != opened.labels:
        raise BaseModelError(
            f"{folder}: config.json has the outputs in the order {', '.join(opened.labels[:8])}, "
            f"task.json in the order {', '.join(wanted[:8])}. One of them was edited; take the "
            "folder as it was written."
        )
    return tuple(opened.labels.index(name) for name in wanted)
