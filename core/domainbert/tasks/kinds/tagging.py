"""Word-level tagging with a sub-word model: entity recognition in IOB2.

A word is represented by its first piece. A sentence that is too long is read in overlapping windows
and each word is scored in the window that gives it the most context, so that no gold word is lost.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, pairwise
from typing import Any

from domainbert.plugin.components import Annotation, Passage, Predictions, Scores, TaskKind
from domainbert.plugin.domain import Prediction, Task, Window
from domainbert.plugin.records import Sentence
from domainbert.tasks.check import (
    Labels,
    Splits,
    class_keys,
    strangers,
    unknown_label,
)
from domainbert.tasks.metrics.entities import mark_seen
from domainbert.tasks.readers.annotated import sentences_of_rows, tags_of_row
from domainbert.tasks.readers.columns import TAG, read_columns, to_iob2
from domainbert.tokenizer.load import encode_with_offsets, special_tokens
from domainbert.words import sentence_ends, word_spans

_METRICS = ("f1_strict", "precision_strict", "recall_strict", "f1_default")
# A score per type is stored up to this number of types; others are named in `metrics`.
_MOST_TYPES = 50


def outputs(task: Task) -> tuple[str, ...]:
    """Return O, and B- and I- of each type."""
    return ("O", *(f"{prefix}-{label}" for label in task.labels for prefix in "BI"))


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
    """Return the mean cross-entropy over the scored words, weighted where the windows say so."""
    import torch
    from torch.nn import functional

    gold = [targets[window.record][word] for window in windows for word in window.words]
    gold_W = torch.tensor(gold, device=scores_WC.device)
    weights = [weight for window in windows for weight in window.word_weights]
    if not weights:
        return functional.cross_entropy(scores_WC, gold_W)
    weight_W = torch.tensor(weights, device=scores_WC.device)
    losses_W = functional.cross_entropy(scores_WC, gold_W, reduction="none")
    return (losses_W * weight_W).sum() / weight_W.sum()


def decode(task: Task, splits: Splits, scores: Scores) -> Predictions:
    """Return the best tag per word; a word without a token is O."""
    names, predictions = outputs(task), {}
    for split, (windows, scores_WC) in scores.items():
        tags = [["O"] * len(sentence.words) for sentence in splits[split]]
        best_W = iter(scores_WC.argmax(axis=1).tolist())
        for window in windows:
            for word in window.words:
                tags[window.record][word] = names[next(best_W)]
        pairs = zip(splits[split], tags, strict=True)
        predictions[split] = tuple(Prediction(s.tags, tuple(t), words=s.words) for s, t in pairs)
    return predictions


def _metrics(task: Task) -> tuple[str, ...]:
    """Return the metrics; with several types `f1_strict` of each, which no table shows."""
    several = 1 < len(task.labels) <= _MOST_TYPES
    return (*_METRICS, *(f"f1_strict/{label}" for label in task.labels if several))


def _count(sentences: Sequence[Sentence]) -> Counter[str]:
    """Return the number of tokens, and of mentions of each type."""
    counts = Counter(tag[2:] for s in sentences for tag in s.tags if tag.startswith("B-"))
    return counts + Counter(tokens=sum(len(sentence.words) for sentence in sentences))


def _check(sentence: Sentence, task: Task) -> str:
    if len(sentence.words) != len(sentence.tags):
        return f"{len(sentence.words)} words, {len(sentence.tags)} tags"
    if not sentence.words:
        return "no word; leave such a sentence out"
    wrong = [tag for tag in sentence.tags if not TAG.fullmatch(tag)]
    return f"tag {wrong[0]!r}; expected O, B-TYPE or I-TYPE (IOB2)" if wrong else ""


def _check_labels(task: Task, declared: bool, labels: Labels) -> tuple[str, str] | None:
    for split in ("train", "test"):
        if not labels[split]:
            return split, "tags no mention, only O, so nothing can be learned or scored"
    return strangers(task, declared, labels, "type")


def _predicted(cells: Mapping[str, Any], sentence: Sentence, task: Task) -> Prediction:
    """Return a prediction made elsewhere: a list of `tags`, or `entities` with offsets."""
    tags = tags_of_row(cells, sentence.words, task)
    return Prediction(sentence.tags, tags, words=sentence.words)


def _misfit(prediction: Prediction, task: Task) -> str:
    n_words = len(prediction.words or prediction.gold)
    if not len(prediction.gold) == len(prediction.predicted) == n_words:
        return "as many gold tags, predicted tags and words were expected"
    if not prediction.gold:
        return "gold: a sentence without a word"
    return unknown_label({*prediction.gold, *prediction.predicted} - {*outputs(task)}, task)


def word_windows(sentences: Sequence[Sentence], tokenizer: Any, settings: Any) -> list[Window]:
    """Return windows of sentences, each with the words that it scores and their first pieces.

    Character offsets align words with tokens, in every tokenizer family. A word without a token is
    in no window and counts as O.

    Args:
        sentences: Words of each sentence.
        tokenizer: A fast tokenizer.
        settings: `max_seq_length` counts special tokens, too.
    """
    specials = special_tokens(tokenizer)
    capacity = specials.room(settings.max_seq_length)
    encoded = encode_with_offsets(tokenizer, [" ".join(s.words) for s in sentences])
    windows = []
    for number, (sentence, (ids, offsets)) in enumerate(zip(sentences, encoded, strict=True)):
        pieces = _pieces_of_words(sentence.words, offsets, capacity)
        for first, stop, owned in _spans([len(piece) for piece in pieces], capacity):
            flat = [ids[place] for piece in pieces[first:stop] for place in piece]
            starts = [*accumulate(map(len, pieces[first:stop]), initial=len(specials.prefix))]
            words = tuple(w for w in owned if pieces[w])
            places = tuple(starts[w - first] for w in words)
            framed = (*specials.prefix, *flat, *specials.suffix)
            windows += [Window(number, framed, words, places)] if words else []
    return windows


def _pieces_of_words(words: Sequence[str], offsets: Any, capacity: int) -> list[list[int]]:
    """Return the token numbers of each word; a word longer than a window keeps its beginning."""
    ends = [end - 1 for end in accumulate(len(word) + 1 for word in words)]
    pieces: list[list[int]] = [[] for _ in (*words, "beyond the last")]
    for token, (start, _) in enumerate(offsets):
        pieces[bisect_right(ends, start)].append(token)
    return [piece[:capacity] for piece in pieces[:-1]]


def _spans(sizes: list[int], capacity: int) -> list[tuple[int, int, range]]:
    """Return overlapping spans of words, with the words that each scores."""
    sums, firsts, stops = [*accumulate(sizes, initial=0)], [0], [0]
    while stops[-1] < len(sizes):
        stops.append(bisect_right(sums, sums[firsts[-1]] + capacity) - 1)
        # The next span begins a quarter of a window before this one ends, but always moves on.
        back = bisect_left(sums, sums[stops[-1]] - capacity // 4)
        firsts.append(max(firsts[-1] + 1, back))
    # Two spans meet in the middle of what both can see.
    meets = [(a + b + 1) // 2 for a, b in zip(firsts[1:-1], stops[1:-1], strict=True)]
    owned = pairwise([0, *meets, len(sizes)])
    spans = zip(firsts, stops[1:], owned, strict=False)
    return [(first, stop, range(*ends)) for first, stop, ends in spans]


def passages(text: str, _task: Task) -> list[Passage]:
    """Return the sentences of a text, with the offsets of their words; lines end sentences."""
    stops = sorted({m.end() for m in re.finditer(r"\n", text)} | {*sentence_ends(text), len(text)})
    found: list[Passage] = []
    for start, stop in zip([0, *stops[:-1]], stops, strict=True):
        if spans := word_spans(text, start, stop):
            words = tuple(text[a:b] for a, b in spans)
            found.append((Sentence(words, ("O",) * len(words)), spans))
    return found


def annotate(
    task: Task, texts: list[list[Passage]], rows: Any, _threshold: float | None
) -> list[Annotation]:
    """Return `entities` of each text: `start`, `end`, `type`, and `score`.

    The score is the mean probability of the tags of its words.
    """
    from scipy.special import softmax

    windows, scores_WC = rows
    best_W, names = scores_WC.argmax(axis=1), outputs(task)
    sure_W = softmax(scores_WC, axis=1).max(axis=1)
    # Per record: word → tag and its probability; a word without a token has none.
    tagged: dict[int, dict[int, tuple[str, float]]] = {}
    scored = zip(best_W.tolist(), sure_W.tolist(), strict=True)
    for window in windows:
        for word in window.words:
            best, sure = next(scored)
            tagged.setdefault(window.record, {})[word] = names[best], sure
    number, found = 0, []
    for parts in texts:
        entities: list[dict[str, Any]] = []
        for _, spans in parts:
            entities += _entities(spans, tagged.get(number, {}))
            number += 1
        found.append({"entities": entities})
    return found


def _entities(
    spans: Sequence[tuple[int, int]], tagged: Mapping[int, tuple[str, float]]
) -> Iterator[dict[str, Any]]:
    """Yield the entities of a sentence; an I- that continues nothing begins one."""
    opened: list[tuple[int, float]] = []
    label = ""
    for word in range(len(spans) + 1):
        tag, sure = tagged.get(word, ("O", 1.0))
        if opened and tag != f"I-{label}":
            (start, _), (_, end) = spans[opened[0][0]], spans[opened[-1][0]]
            score = round(sum(s for _, s in opened) / len(opened), 4)
            yield {"start": start, "end": end, "type": label, "score": score}
            opened = []
        if tag != "O":
            label = tag[2:]
            opened.append((word, sure))


TAGGING = TaskKind(
    name="tagging",
    record=Sentence,
    noun="sentence",
    read=read_columns,
    head=lambda _settings: "tokens",
    unread=("pooling", "long_texts"),
    from_rows=sentences_of_rows,
    columns=("words", "tags", "text", "spans"),
    text=lambda sentence: " ".join(sentence.words),
    labels=lambda sentence: {tag[2:] for tag in sentence.tags if tag != "O"},
    count=_count,
    outputs=outputs,
    encode=word_windows,
    forward=forward,
    targets=targets,
    loss=loss,
    decode=decode,
    metrics=_metrics,
    like="tagging",
    mark=mark_seen,
    baselines=lambda loaded: ("majority-type", *(["dictionary"] if loaded.terms else [])),
    check_task=class_keys,
    check=_check,
    check_labels=_check_labels,
    predicted=_predicted,
    misfit=_misfit,
    repair=to_iob2,
    passages=passages,
    annotate=annotate,
    says="entities",
    weighs_words=True,
    pipeline="token-classification",
    call=lambda _inputs: '"A text."',
)
