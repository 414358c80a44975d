"""Classification of texts, with one label or any number of labels per text.

Legend: N examples, C classes, B windows of a batch, L length.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from domainbert.batching import batched
from domainbert.plugin.components import Annotation, Passage, Predictions, Scores, TaskKind
from domainbert.plugin.domain import Prediction, Task, Window
from domainbert.plugin.records import Example
from domainbert.tasks.check import (
    Labels,
    Splits,
    null_key,
    strangers,
    unknown_label,
)
from domainbert.tasks.decide import RANKED, average_windows, best_threshold, decide, label_matrix
from domainbert.tasks.metrics.ranked import SCORED, odd_scores
from domainbert.tasks.readers.table import examples_of_rows, labels_of_row
from domainbert.tokenizer.load import encode_texts, special_tokens
from domainbert.words import canonical_text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    _Scores = NDArray[np.float32]

_MAX_CLASSES = 10_000
_MULTI_METRICS = (
    "f1_micro", "f1_macro", "precision_micro", "recall_micro", "precision_at_1", "recall_at_1",
    "precision_at_3", "recall_at_3", "precision_at_5", "recall_at_5", "top1_f1",
)  # fmt: skip


def text_windows(examples: Sequence[Example], tokenizer: Any, settings: Any) -> list[Window]:
    """Return the windows of texts.

    Args:
        examples: Their texts.
        tokenizer: A fast tokenizer.
        settings: `max_seq_length` counts special tokens, too. With `long_texts: truncate` the
            beginning is read; with `window` the whole text, and scores are averaged.
    """
    specials = special_tokens(tokenizer)
    capacity = specials.room(settings.max_seq_length)
    windows = []
    for number, ids in enumerate(encode_texts(tokenizer, [e.text for e in examples])):
        kept = ids if settings.long_texts == "window" else ids[:capacity]
        for piece in (pieces := list(batched(kept, capacity)) or [[]]):
            framed = (*specials.prefix, *piece, *specials.suffix)
            windows.append(Window(number, framed, weight=1 / len(pieces)))
    return windows


def _targets(task: Task, examples: Sequence[Any]) -> list[Any]:
    """Return per example its class number, or a row of zeros and ones."""
    import torch

    if task.multi_label:
        return list(torch.from_numpy(label_matrix(task.labels, examples)))
    return [torch.tensor(task.labels.index(example.labels[0])) for example in examples]


def _loss(scores_BC: Any, windows: Sequence[Window], targets: Sequence[Any]) -> Any:
    """Return the cross-entropy of the batch; windows of one text share its weight."""
    import torch
    from torch.nn import functional

    weight_B = torch.tensor([window.weight for window in windows], device=scores_BC.device)
    gold = torch.stack([targets[window.record] for window in windows]).to(scores_BC.device)
    if gold.ndim > 1:
        loss = functional.binary_cross_entropy_with_logits
        losses_B = loss(scores_BC, gold, reduction="none").sum(dim=1)
    else:
        losses_B = functional.cross_entropy(scores_BC, gold, reduction="none")
    return (losses_B * weight_B).sum() / weight_B.sum()


def _decode(task: Task, splits: Splits, scores: Scores) -> Predictions:
    from scipy.special import log_softmax

    averaged = {s: average_windows(*rows, len(splits[s])) for s, rows in scores.items()}
    if task.multi_label or len(task.labels) > SCORED:
        return decide(task, splits, averaged)
    # Scores of one class are compared between records only as probabilities. Their logarithms
    # keep their order where they round to 0 or 1.
    chances = {
        split: log_softmax(rows.astype("float64"), axis=1) for split, rows in averaged.items()
    }
    return decide(task, splits, averaged, chances)


def _threshold(task: Task, examples: Sequence[Any], rows: Any) -> float:
    """Return the threshold of `decide` from windows of validation with their scores."""
    gold_NC = label_matrix(task.labels, examples)
    windows, scores_WC = rows
    return best_threshold(average_windows(windows, scores_WC, len(examples)), gold_NC)


def annotate(
    task: Task, texts: list[list[Passage]], rows: Any, threshold: float | None
) -> list[Annotation]:
    """Return `labels` of each text, the predicted first, and `scores`: probabilities by label."""
    import numpy as np
    from scipy.special import softmax

    windows, scores_WC = rows
    scores_NC = average_windows(windows, scores_WC, len(texts))
    shares_NC = 1 / (1 + np.exp(-scores_NC)) if task.multi_label else softmax(scores_NC, axis=1)
    found = []
    for row_C, share_C in zip(scores_NC, shares_NC, strict=True):
        order_C = np.argsort(-row_C, kind="stable").tolist()
        chosen = [c for c in order_C if row_C[c] >= (threshold or 0.0)]
        labels = [task.labels[c] for c in (chosen if task.multi_label else order_C[:1])]
        shown = order_C[: max(RANKED, len(labels))]
        scores = {task.labels[c]: round(float(share_C[c]), 4) for c in shown}
        found.append({"labels": labels, "scores": scores})
    return found


def annotate_one(
    task: Task, texts: list[list[Passage]], rows: Any, threshold: float | None
) -> list[Annotation]:
    """Return the `label` of each record, and `scores`: probabilities by label."""
    found = annotate(task, texts, rows, threshold)
    return [{"label": one["labels"][0], "scores": one["scores"]} for one in found]


def _bias(task: Task, examples: Sequence[Any]) -> NDArray[np.float64] | None:
    """Return log-odds of the classes: else the first epochs only make rare classes rare."""
    import numpy as np

    if not task.multi_label:
        return None
    share_C = label_matrix(task.labels, examples).mean(axis=0).clip(1e-4, 1 - 1e-4)
    return np.log(share_C / (1 - share_C))


def count_long_texts(examples: Sequence[Example], tokenizer: Any, max_length: int) -> int:
    """Return how many texts are longer than a window."""
    capacity = special_tokens(tokenizer).room(max_length)
    return sum(len(ids) > capacity for ids in encode_texts(tokenizer, [e.text for e in examples]))


def _metrics(task: Task) -> tuple[str, ...]:
    if not task.multi_label:
        return "f1_macro", "accuracy", "f1_micro", "mcc"
    return (*_MULTI_METRICS, *(f"f1_micro@{level}" for level in task.levels))


def _one_form(example: Example, counts: Counter[str]) -> Example:
    """Return an example with labels in one Unicode form."""
    labels = tuple(map(canonical_text, example.labels))
    counts["label_forms"] += labels != example.labels
    return replace(example, labels=labels)


def _check_task(task: Task) -> str:
    wrong = "levels need multi_label: true" if task.levels and not task.multi_label else ""
    return wrong or null_key(task)


def _check(example: Any, task: Task) -> str:
    labels = example.labels
    if not all(map(str.isprintable, labels)):
        return f"a label has invisible characters: {labels}"
    if not task.multi_label and len(labels) != 1:
        hint = "Set `multi_label: true` if there may be any number"
        return f"{len(labels)} labels {labels}; expected one. {hint}"
    if "" in labels:
        return "an empty label"
    return "a label twice" if len(set(labels)) < len(labels) else ""


def _check_labels(task: Task, declared: bool, labels: Labels) -> tuple[str, str] | None:
    train = labels["train"]
    if len(train) < 2:
        return "train", f"has {len(train)} class ({', '.join(train)}); expected two or more"
    if len(task.labels) > _MAX_CLASSES:
        return "train", f"has {len(task.labels):,} classes; expected at most {_MAX_CLASSES:,}"
    if not labels["test"]:
        return "test", "has no label, so nothing can be scored"
    for split in ("validation", "test"):
        if "auroc" in task.metrics and len(labels[split]) < 2:
            return split, f"has {len(labels[split])} class, so metric 'auroc' is undefined"
    if task.multi_label and not declared:
        return None  # rare classes of test that train lacks are usual: they count as missed
    trained = task if task.multi_label else replace(task, labels=tuple(train))
    return strangers(task, declared, labels, "label") or strangers(trained, False, labels, "label")


def _predicted(cells: Mapping[str, Any], example: Example, task: Task) -> Prediction:
    """Return a prediction made elsewhere: `label`, or a list of `labels`, the best first."""
    labels = tuple(map(canonical_text, labels_of_row(cells, task)))
    return Prediction(example.labels, labels, labels[:RANKED])


def _misfit(prediction: Prediction, task: Task) -> str:
    rows = (prediction.gold, prediction.predicted, prediction.ranking)
    if any(len(set(row)) < len(row) for row in rows):
        return "a label is named twice"
    if wrong := odd_scores(prediction):
        return wrong
    if not task.multi_label and {len(prediction.gold), len(prediction.predicted)} != {1}:
        return "exactly one gold and one predicted label were expected"
    # With several labels, train may lack a class that is gold for a record of test.
    gold = () if task.multi_label else prediction.gold
    return unknown_label({*gold, *prediction.predicted, *prediction.ranking} - {*task.labels}, task)


CLASSIFICATION = TaskKind(
    name="classification",
    record=Example,
    noun="example",
    read=None,
    head=lambda settings: "linear" if settings.pooling == "mean" else "sequences",
    from_rows=examples_of_rows,
    columns=("text", "label"),
    text=lambda example: example.text,
    labels=lambda example: example.labels,
    outputs=lambda task: task.labels,
    encode=text_windows,
    forward=lambda model, ids_BL, mask_BL, _windows: model.score_texts(ids_BL, mask_BL),
    targets=_targets,
    loss=_loss,
    decode=_decode,
    metrics=_metrics,
    baselines=lambda _loaded: ("majority", "tfidf-svm"),
    threshold=_threshold,
    check_task=_check_task,
    check=_check,
    check_labels=_check_labels,
    predicted=_predicted,
    misfit=_misfit,
    like="classification",
    bias=_bias,
    repair=_one_form,
    weighs_records=True,
    count_long=count_long_texts,
    passages=lambda text, _task: [(Example(text, ()), ())],
    annotate=annotate,
    pipeline="text-classification",
    call=lambda _inputs: '"A text."',
)
