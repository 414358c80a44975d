"""Word-level tagging with a sub-word model: entity recognition in IOB2.

A word is represented by its first piece. A sentence that is too long is read in overlapping windows
and each word is scored in the window that gives it the most context, so that no gold word is lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Any

from domainbert.plugin.components import Predictions, Scores, TaskKind
from domainbert.plugin.domain import Prediction, Sentence, Task, Window
from domainbert.tasks.check import strangers, unknown_label
from domainbert.tasks.readers.columns import read_columns, to_iob2
from domainbert.tokenizer.load import encode_with_offsets, special_tokens

_TAG = re.compile(r"O|[BI]-\S+")
_NO_CLASSES = "multi_label and levels are for classification"


def outputs(task: Task) -> tuple[str, ...]:
    """Return O, and B- and I- of each type."""
    return ("O", *(f"{prefix}-{label}" for label in task.labels for prefix in "BI"))


def entity_types(sentence: Sentence) -> set[str]:
    """Return the types of the mentions of a sentence."""
    return {tag[2:] for tag in sentence.tags if tag != "O"}


def encode(sentences: Sequence[Sentence], tokenizer: Any, settings: Any) -> list[Window]:
    """Return the windows that score a word."""
    windows = word_windows(sentences, tokenizer, settings.max_seq_length)
    return [window for window in windows if window.words]


def forward(model: Any, input_ids_BL: Any, mask_BL: Any, windows: Sequence[Window]) -> Any:
    """Return scores of the words by their first pieces, float32, shape (W, C)."""
    import torch

    rows = [row for row, window in enumerate(windows) for _ in window.words]
    columns = [place for window in windows for place in window.positions]
    rows_W, columns_W = torch.tensor([rows, columns], dtype=torch.long, device=input_ids_BL.device)
    return model.score_words(input_ids_BL, mask_BL, rows_W, columns_W)


def targets(task: Task, sentences: Sequence[Sentence]) -> list[list[int]]:
    """Return the output numbers of the tags of each sentence."""
    number = {name: place for place, name in enumerate(outputs(task))}
    return [[number[tag] for tag in sentence.tags] for sentence in sentences]


def loss(scores_WC: Any, windows: Sequence[Window], targets: Sequence[Any]) -> Any:
    """Return the mean cross-entropy over the scored words."""
    import torch
    from torch.nn import functional

    gold = [targets[window.record][word] for window in windows for word in window.words]
    return functional.cross_entropy(scores_WC, torch.tensor(gold, device=scores_WC.device))


def decode(task: Task, splits: Mapping[str, Sequence[Sentence]], scores: Scores) -> Predictions:
    """Return the best tag per word; a word without a token is O."""
    names, predictions = outputs(task), {}
    for split, (windows, scores_WC) in scores.items():
        tags = [["O"] * len(sentence.words) for sentence in splits[split]]
        best_W = iter(scores_WC.argmax(axis=1).tolist())
        for window in windows:
            for word in window.words:
                tags[window.record][word] = names[next(best_W)]
        predictions[split] = tuple(
            Prediction(sentence.tags, tuple(guess), words=sentence.words)
            for sentence, guess in zip(splits[split], tags, strict=True)
        )
    return predictions


def _check(sentence: Sentence, task: Task) -> str:
    if len(sentence.words) != len(sentence.tags):
        return f"{len(sentence.words)} words, {len(sentence.tags)} tags"
    wrong = [tag for tag in sentence.tags if not _TAG.fullmatch(tag)]
    return f"tag {wrong[0]!r}; expected O, B-TYPE or I-TYPE (IOB2)" if wrong else ""


def _check_labels(
    task: Task, declared: bool, labels: Mapping[str, Sequence[str]]
) -> tuple[str, str] | None:
    if not task.labels:
        return "train", "tags no mention, only O"
    return strangers(task, declared, labels, "type")


def _misfit(prediction: Prediction, task: Task) -> str:
    n_words = len(prediction.words or prediction.gold)
    if not len(prediction.gold) == len(prediction.predicted) == n_words:
        return "as many gold tags, predicted tags and words were expected"
    if not prediction.gold:
        return "gold: a sentence without a word"
    return unknown_label({*prediction.gold, *prediction.predicted} - {*outputs(task)}, task)


def word_windows(sentences: Sequence[Sentence], tokenizer: Any, max_length: int) -> list[Window]:
    """Align words with tokens and cut what is too long.

    Words are joined by blanks and found again by character offsets, which works for every
    tokenizer family. A word that yields no token at all stands in no window; it counts as O.

    Args:
        sentences: Words of each sentence.
        tokenizer: A fast tokenizer.
        max_length: Tokens of a window, special tokens included.
    """
    specials = special_tokens(tokenizer)
    capacity = specials.room(max_length)
    encoded = encode_with_offsets(tokenizer, [" ".join(s.words) for s in sentences])
    windows = []
    for number, (sentence, (ids, offsets)) in enumerate(zip(sentences, encoded, strict=True)):
        pieces = _pieces_of_words(sentence.words, offsets, capacity)
        for first, stop, owned in _spans([len(piece) for piece in pieces], capacity):
            kept = pieces[first:stop]
            flat = [ids[place] for piece in kept for place in piece]
            starts = [0, *accumulate(map(len, kept))]
            words = tuple(w for w in owned if pieces[w])
            places = tuple(len(specials.prefix) + starts[w - first] for w in words)
            framed = (*specials.prefix, *flat, *specials.suffix)
            windows.append(Window(number, framed, words, places))
    return windows


def _pieces_of_words(
    words: Iterable[str], offsets: list[tuple[int, int]], capacity: int
) -> list[list[int]]:
    """Return the token numbers of each word; a word longer than a window keeps its beginning."""
    pieces: list[list[int]] = []
    token, place = 0, 0
    for word in words:
        end, mine = place + len(word), []
        while token < len(offsets) and offsets[token][0] < end:
            mine.append(token)
            token += 1
        pieces.append(mine[:capacity])
        place = end + 1
    return pieces


def _spans(sizes: list[int], capacity: int) -> list[tuple[int, int, range]]:
    """Return overlapping spans of words, with the words that each scores."""
    ends = []
    first = 0
    while True:
        stop, used = first, 0
        while stop < len(sizes) and used + sizes[stop] <= capacity:
            used += sizes[stop]
            stop += 1
        ends.append((first, stop))
        if stop == len(sizes):
            break
        # The next span begins a quarter of a window before this one ends, but always moves on.
        back, overlap = stop, 0
        while back > first + 1 and overlap + sizes[back - 1] <= capacity // 4:
            back -= 1
            overlap += sizes[back]
        first = back
    spans, owned_from = [], 0
    for number, (start, stop) in enumerate(ends):
        last = number == len(ends) - 1
        # Two spans meet in the middle of what both can see.
        owned_to = stop if last else (ends[number + 1][0] + stop + 1) // 2
        spans.append((start, stop, range(owned_from, owned_to)))
        owned_from = owned_to
    return spans


TAGGING = TaskKind(
    name="tagging",
    record=Sentence,
    noun="sentence",
    read=lambda path, _task: read_columns(path),
    text=lambda sentence: " ".join(sentence.words),
    labels=entity_types,
    outputs=outputs,
    encode=encode,
    forward=forward,
    targets=targets,
    loss=loss,
    decode=decode,
    metrics=lambda _task: ("f1_strict", "precision_strict", "recall_strict", "f1_default"),
    baselines=lambda loaded: ("majority-type", *(["dictionary"] if loaded.terms else [])),
    check_task=lambda task: _NO_CLASSES if task.multi_label or task.levels else "",
    check=_check,
    check_labels=_check_labels,
    misfit=_misfit,
    repair=to_iob2,
)
