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
from domainbert.plugin.metric import Metric
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
class OutsidePredictions:
    """Predictions of a task's test split that were made elsewhere.

    Args:
        name: Their row in tables.
        run: Number of the run, from 0: files of one name are runs of one model.
        date: Day on which they were made, such as `2026-05-01`.
        source: What made them, for people.
        sha256: Hash of the file.
        predictions: In the order of the records.
    """

    name: str
    run: int
    date: str
    source: str
    sha256: str
    predictions: tuple[Prediction, ...] = field(repr=False)


@dataclass(frozen=True)
class LoadedTask:
    """A task with its records, read and checked.

    Args:
        task: Its declaration, completed with labels, domain and data hashes.
        splits: Records of `train`, `validation` and `test`.
        counts: Notes on the data: `repaired` tags, records of test that are in train
            (`test_in_train`), labels that train lacks (`unseen_labels`).
        terms: The lexicon of the domain; empty if there is none.
        in_train: Numbers, from 0, of the test records whose text is in train, too.
        outside: Predictions made elsewhere, which are scored beside the models.
    """

    task: Task
    splits: Mapping[str, tuple[Any, ...]]
    counts: Mapping[str, int] = field(default_factory=dict)
    terms: tuple[str, ...] = ()
    in_train: tuple[int, ...] = ()
    outside: tuple[OutsidePredictions, ...] = ()


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
        forward: Model (`domainbert.model.classifier.Classifier`), token ids (B, L), of the windows
            and padding alone, attention mask (B, L), and the batch's windows to scores (X, C).
        targets: Task and records to one target per record: an output number, a row (C,) of
            scores, or output numbers per word where windows have words.
        loss: Scores (X, C), the batch's windows and all targets to a scalar. None where nothing
            is fine-tuned: a model is scored once, as it is, and a task needs no `train`.
        units: Task and training records to mean and spread of what `targets` standardises: a score
            becomes `score * spread + mean` before `decode` and in a kept model. None without units.
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
        has_threshold: Whether a task has one; by default with several labels per record.
        perfect: Windows and targets to the scores of a model without a mistake, for the checks of
            plugins; None where a target is an output number or a row of scores.
        passages: Text and task to its records, each with the offsets of its words, for texts
            without labels; None for a kind that cannot read them.
        annotate: Task, passages of several texts, windows with their scores, and the threshold, to
            an annotation per text, JSON values under the key `says`. The record of a row that
            `unlabelled` reads is one passage without offsets.
        count: Records to what `Task.counts` names beside `records`; by default each record counts
            once for each of its labels.
        pipeline: The hub's word for what a model of the kind does, such as `text-classification`.
        call: Columns of the rows that a model reads to the argument with which transformers'
            pipeline of that name says the same as `annotate`, in Python; empty where none does.
        like: Kind whose predictions, and so metrics, it has; `dataclasses.replace` keeps it.
        mark: Training records and predictions of a split to the predictions with what metrics must
            know of training, as `Prediction.seen`.
        says: What annotations have: `entities` (with `start`, `end`, `type`, `score`), `labels` or
            one `label` and their `scores`, a `score`, or an `answer` with `start`, `end`, `score`.
        check_task: Why a declaration does not suit the kind, or an empty string.
        check: Why a record does not suit the task, or an empty string.
        check_labels: Task with labels, whether these were declared, and the sorted labels of each
            split to the split at fault and the reason, or None.
        columns: Keys of `Task.columns` that it reads, beside `group`; empty for any.
        inputs: Fields of a record that a model reads; columns of a row have these names.
        unlabelled: Cells of a row (JSON values) and task to a record without a gold label, or None
            where the row has none of its `inputs`; raises DataError without a place. None for a
            kind whose record is one text.
        predicted: A row of predictions made elsewhere (JSON values), its record, and the task to a
            prediction; raises DataError without a place. None for a kind that reads none.
        misfit: Why a stored prediction does not suit the task, or an empty string.
        check_splits: Task and records by split to what `check_labels` returns.
        parts: Texts of a record that corpus documents are compared with; None for that of `text`.
        repair: Record and counter to a record; applied to all that is read.
        bias: Initial bias of the outputs (C,) from task and training records, or None for zeros.
        weighs_records: Whether `loss` takes the weights of windows, so that classes can be weighed.
        weighs_words: Whether it takes `Window.word_weights`, so that the outputs of words can.
        count_long: Records, tokenizer and maximum length to the number of records that are longer,
            or to several numbers by name, `long_texts` among them.
        unread: Keys of `evaluate` that change nothing here, such as `pooling`; a notice names them.
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
    loss: Callable[[Any, Sequence[Window], Sequence[Any]], Any] | None
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
    says: Literal["entities", "labels", "label", "score", "answer"] = "labels"
    check_task: Callable[[Task], str] = lambda _task: ""
    check: Callable[[Any, Task], str] = lambda _record, _task: ""
    check_labels: Callable[[Task, bool, Mapping[str, Sequence[str]]], tuple[str, str] | None] = (
        lambda _task, _declared, _labels: None
    )
    columns: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ("text",)
    unlabelled: Callable[[Mapping[str, Any], Task], Any] | None = None
    predicted: Callable[[Mapping[str, Any], Any, Task], Prediction] | None = None
    check_splits: Callable[[Task, Mapping[str, Sequence[Any]]], tuple[str, str] | None] = (
        lambda _task, _splits: None
    )
    parts: Callable[[Any], Sequence[str]] | None = None
    units: Callable[[Task, Sequence[Any]], tuple[float, float]] | None = None
    misfit: Callable[[Prediction, Task], str] = lambda _prediction, _task: ""
    repair: Callable[[Any, Counter[str]], Any] = lambda record, _counts: record
    bias: Callable[[Task, Sequence[Any]], Any] = lambda _task, _records: None
    weighs_records: bool = False
    weighs_words: bool = False
    count_long: Callable[[Sequence[Any], Any, int], int | Mapping[str, int]] = (
        lambda _records, _tokenizer, _length: 0
    )
    unread: tuple[str, ...] = ()
    count: Callable[[Sequence[Any]], Mapping[str, int]] | None = None
    pipeline: str = ""
    call: Callable[[Sequence[str]], str] = lambda _inputs: ""
    like: str = ""
    mark: Callable[[Sequence[Any], Sequence[Prediction]], Sequence[Prediction]] = (
        lambda _train, predictions: predictions
    )

    @property
    def learns(self) -> bool:
        """Whether models are fine-tuned."""
        return self.loss is not None


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
class Baseline:
    """What models are compared with, such as `majority`: a row in the same tables.

    Args:
        name: Its row in tables; an item of a task's `baselines`.
        predict: Loaded task (`task`, `splits`, `terms`) and seed to the predictions of
            `validation` and `test`, in the order of the records.
        check: Loaded task to the reason why `predict` cannot work on it, or an empty string; asked
            before training starts.
        kinds: Names of the task kinds that it suits beside those that name it in `baselines`; it
            runs there if `evaluate.baselines` is `all` or names it.
        seeded: Whether it draws random numbers, so that it runs once per seed of `evaluate.seeds`
            and has a rank.
        predict_with_base: Instead of `predict`: the same with the folder of the first model.
        tuned: Instead of both: keys of `evaluate` with which the first model is fine-tuned; it
            suits every kind that learns.
    """

    name: str
    predict: Callable[[LoadedTask, int], Predictions] | None = None
    check: Callable[[LoadedTask], str] = lambda _loaded: ""
    kinds: tuple[str, ...] = ()
    seeded: bool = False
    predict_with_base: Callable[[LoadedTask, int, Path], Predictions] | None = None
    tuned: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if sum(map(bool, (self.predict, self.predict_with_base, self.tuned))) != 1:
            expected = "one of `predict`, `predict_with_base` and `tuned`"
            raise PluginError(f"baseline {self.name!r}: expected {expected}.")


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
