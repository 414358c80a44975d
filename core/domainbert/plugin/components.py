"""The parts that core and plugins add: one record per kind, yielded from `domainbert_components`.

A record is light to make: its functions import what they need when they are called.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from domainbert.errors import PluginError
from domainbert.plugin.domain import Prediction, Task, Window
from domainbert.plugin.steps import CorpusReader, CorpusStep

Row = tuple[str, dict[str, Any]]
"""Where a row of a table stands, for messages, and its cells by column."""
Scores = Mapping[str, tuple[Sequence[Window], Any]]
"""Per split: windows, and the scores of their rows, float32, shape (X, C)."""
Predictions = Mapping[str, Sequence[Prediction]]
"""Predictions of each split, in the order of its records."""


Passage = tuple[Any, Sequence[tuple[int, int]]]
"""A record made of a part of a text, and the offsets of its words in the text."""
Annotation = dict[str, Any]
"""What a model says of a text, as JSON values."""


@dataclass(frozen=True)
class LoadedTask:
    """A task with its records, read and checked.

    Args:
        task: Its declaration, completed with labels, domain and data hashes.
        splits: Records of `train`, `validation` and `test`.
        counts: Notes on the data: `repaired` tags, records of test that are in train
            (`test_in_train`), labels that train lacks (`unseen_labels`).
        terms: The lexicon of the domain; empty if there is none.
    """

    task: Task
    splits: Mapping[str, tuple[Any, ...]]
    counts: Mapping[str, int] = field(default_factory=dict)
    terms: tuple[str, ...] = ()


@dataclass(frozen=True)
class TaskKind:
    """A kind of task, such as `tagging`: all that differs between kinds.

    One fine-tuning loop serves every kind: a linear layer with one output per name of `outputs` on
    an encoder. Arrays are numpy, tensors torch; X rows of scores, C outputs.

    Args:
        name: `kind` of a task.
        record: Type of a record, such as `domainbert.Sentence`.
        noun: What messages call a record.
        read: File and task to records, of files that are no tables and have no task reader; None
            for a kind that has `from_rows` alone.
        text: Text of a record.
        labels: Labels of a record.
        outputs: Names of the model's outputs, from the task's labels.
        encode: Records, a fast tokenizer and the `evaluate` settings to windows.
        forward: Model (`domainbert.model.classifier.Classifier`), token ids (B, L), attention mask
            (B, L) and the batch's windows to scores (X, C).
        targets: Task and records to one target per record: an output number, a row (C,) of
            scores, or output numbers per word where windows have words.
        loss: Scores (X, C), the batch's windows and all targets to a scalar.
        decode: Task, records per split, and per split the windows with their scores, to
            predictions per split.
        metrics: Names of the task's metrics, the primary metric first.
        head: From the `evaluate` settings to the head on the encoder: `linear`, or that of
            transformers' class for `tokens`, for `sequences`, or for `answers` to questions.
        from_rows: Rows of a table, task and counter of remarks to records; so that the kind reads
            .csv, JSON, Parquet, workbooks and all that `datasets` opens.
        baselines: Names of the baselines that suit a loaded task.
        threshold: Task, records, and windows with their scores, to the score that decides, as from
            which on a label is predicted; kept with a fine-tuned model.
        has_threshold: Whether a task has one, so that `threshold` is called; with several labels
            per record by default.
        perfect: Windows and targets to the scores of a model without a mistake, for the checks of
            plugins; None where a target is an output number or a row of scores.
        passages: Text and task to its records, each with the offsets of its words, for texts
            without labels; None for a kind that cannot read them.
        annotate: Task, passages of several texts, windows with their scores, and the threshold, to
            an annotation per text, JSON values under the key `says`.
        says: What annotations have: `entities` (with `start`, `end`, `type`, `score`), or `labels`
            and their `scores`.
        check_task: Why a declaration does not suit the kind, or an empty string.
        check: Why a record does not suit the task, or an empty string.
        check_labels: Task with labels, whether these were declared, and the sorted labels of each
            split, to the split at fault and the reason; None if all is well.
        misfit: Why a stored prediction does not suit the task, or an empty string.
        repair: Record and counter to a record; applied to all that is read.
        bias: Initial bias of the outputs (C,) from task and training records, or None for zeros.
        count_long: Records, tokenizer and maximum length to the number of records that are longer,
            or to several numbers by name, `long_texts` among them.
    """

    name: str
    record: type
    noun: str
    read: Callable[[Path, Task], Iterable[Any]] | None
    text: Callable[[Any], str]
    labels: Callable[[Any], Iterable[str]]
    outputs: Callable[[Task], tuple[str, ...]]
    encode: Callable[[Sequence[Any], Any, Any], list[Window]]
    forward: Callable[[Any, Any, Any, Sequence[Window]], Any]
    targets: Callable[[Task, Sequence[Any]], Sequence[Any]]
    loss: Callable[[Any, Sequence[Window], Sequence[Any]], Any]
    decode: Callable[[Task, Mapping[str, Sequence[Any]], Scores], Predictions]
    metrics: Callable[[Task], tuple[str, ...]]
    head: Callable[[Any], Literal["linear", "tokens", "sequences", "answers"]] = lambda _settings: (
        "linear"
    )
    from_rows: Callable[[Iterable[Row], Task, Counter[str]], Iterable[Any]] | None = None
    baselines: Callable[[LoadedTask], tuple[str, ...]] = lambda _task: ()
    threshold: Callable[[Task, Sequence[Any], Any], float | None] = lambda _task, _records, _rows: (
        None
    )
    has_threshold: Callable[[Task], bool] = lambda task: task.multi_label
    perfect: Callable[[Sequence[Window], Sequence[Any]], Any] | None = None
    passages: Callable[[str, Task], list[Passage]] | None = None
    annotate: Callable[[Task, list[list[Passage]], Any, float | None], list[Annotation]] | None = (
        None
    )
    says: Literal["entities", "labels"] = "labels"
    check_task: Callable[[Task], str] = lambda _task: ""
    check: Callable[[Any, Task], str] = lambda _record, _task: ""
    check_labels: Callable[[Task, bool, Mapping[str, Sequence[str]]], tuple[str, str] | None] = (
        lambda _task, _declared, _labels: None
    )
    misfit: Callable[[Prediction, Task], str] = lambda _prediction, _task: ""
    repair: Callable[[Any, Counter[str]], Any] = lambda record, _counts: record
    bias: Callable[[Task, Sequence[Any]], Any] = lambda _task, _records: None
    count_long: Callable[[Sequence[Any], Any, int], int | Mapping[str, int]] = (
        lambda _records, _tokenizer, _length: 0
    )


@dataclass(frozen=True)
class TaskReader:
    """A format of labelled files that are no tables, such as `brat`.

    Args:
        name: `tasks[].format` in a recipe.
        kind: Name of the kind of its records.
        suffixes: File names that it reads without `format:`, also compressed.
        read: Called with a file, the task and a counter of remarks; yields records.
        folders: Whether `read` takes a folder with such files as a whole.
    """

    name: str
    kind: str
    suffixes: tuple[str, ...]
    read: Callable[[Path, Task, Counter[str]], Iterable[Any]]
    folders: bool = False


@dataclass(frozen=True)
class Metric:
    """A score of predictions, such as `accuracy`; every metric has an interval.

    Args:
        name: Its key in results and tables.
        title: What it measures, on one line.
        counts: Predictions of N records to counts (N, ...), whose sum over records is all that
            `aggregate` needs; an array, or a sparse array of scipy of shape (N, M). Shape and
            meaning of the counts depend on gold labels alone.
        aggregate: Sums of counts (..., *S) to values (...).
        of_sample: Instead of both: predictions to a value; slower, since an interval calls it for
            every resample.
        low: Lowest possible value.
        high: Highest possible value.
        shown: Whether tables of runs show it beside the primary metric.
    """

    name: str
    title: str = ""
    counts: Callable[[Sequence[Prediction]], Any] | None = None
    aggregate: Callable[[Any], Any] | None = None
    of_sample: Callable[[Sequence[Prediction]], float] | None = None
    low: float = 0.0
    high: float = 1.0
    shown: bool = True

    def __post_init__(self) -> None:
        if (self.of_sample is None) == (self.counts is None or self.aggregate is None):
            raise PluginError(
                f"metric {self.name!r}: expected `counts` with `aggregate`, or `of_sample`."
            )


@dataclass(frozen=True)
class Baseline:
    """A predictor without a neural network, such as `majority`.

    Args:
        name: Its row in tables; an item of a task's `baselines`.
        predict: Loaded task (`task`, `splits`, `terms`) and seed to the predictions of
            `validation` and `test`, in the order of the records.
        check: Loaded task to the reason why `predict` cannot work on it, or an empty string; asked
            before training starts.
    """

    name: str
    predict: Callable[[LoadedTask, int], Predictions]
    check: Callable[[LoadedTask], str] = lambda _loaded: ""


@dataclass(frozen=True)
class Objective:
    """A training loss, such as `masked-lm`: the exact mean of its terms in an optimizer step.

    Args:
        name: Item of `train.objectives` in a recipe.
        count: Number of terms in a micro-batch (`MicroBatch`).
        loss: Sum of these terms, a scalar tensor, from what the model computed (`Forward`).
        prepare: Called once with the `Job`, before training, with the weights of the base. It may
            refuse the job; what it returns, such as a frozen teacher, is `Forward.prepared`.
        head: Makes from the `Job` a module that learns and is kept in checkpoints, but not
            exported; it is `Forward.head`.
        frame: Reads a sequence (`SequenceKey`, `Job`) as this objective needs it; a `Frame`.
        metric: Key of the mean in `metrics.jsonl`; `NAME_loss` if empty.
    """

    name: str
    count: Callable[[Any], int]
    loss: Callable[[Any], Any]
    prepare: Callable[[Any], Any] | None = None
    head: Callable[[Any], Any] | None = None
    frame: Callable[[Any, Any], Any] | None = None
    metric: str = ""

    @property
    def metrics_key(self) -> str:
        """Key of the mean in `metrics.jsonl`."""
        return self.metric or f"{self.name.replace('-', '_')}_loss"


Component = TaskKind | TaskReader | Metric | Baseline | CorpusReader | CorpusStep | Objective
KINDS: tuple[type, ...] = get_args(Component)
"""Record types that `domainbert_components` may yield."""
Records = Sequence[Component]
