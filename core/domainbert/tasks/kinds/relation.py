"""Relation classification: what holds between two entities of a text.

The entities are marked in the text, and a mean over its tokens or the family's head is classified,
as in classification. The marks are signs that every vocabulary has: `@ … @` around the first entity
and `# … #` around the second, with the type in front where it is known, `@ * TYPE * … @` and
`# ^ TYPE ^ … #` (Zhou & Chen 2021, arXiv 2102.01373, "typed entity marker (punct)"). No token has
to be added to a base, and the words of the entities stay: a placeholder such as `@GENE$` in their
place would hide what an adapted model knows of them.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from domainbert.errors import DataError
from domainbert.plugin.domain import Prediction, Task, Window
from domainbert.plugin.records import Relation
from domainbert.tasks.check import Labels, unknown_label
from domainbert.tasks.kinds.classification import CLASSIFICATION, annotate_one
from domainbert.tasks.metrics.ranked import odd_scores
from domainbert.tasks.readers.relations import (
    ENTITY_COLUMNS,
    relations_of_rows,
    unlabelled_relation,
)
from domainbert.tokenizer.load import encode_with_offsets, special_tokens

Span = tuple[int, int]
_MARKS = (("@", "*"), ("#", "^"))


def marked(relation: Relation, typed: bool = False) -> tuple[str, tuple[Span, Span]]:
    """Return the text with its entities marked, and the place of each in it, marks included.

    Args:
        relation: The record.
        typed: Whether the marks say the types.
    """
    cuts = []
    for number, (start, end) in enumerate((relation.first, relation.second)):
        (sign, around), name = _MARKS[number], relation.types[number] if typed else ""
        opening = f" {sign} {around} {name} {around} " if name else f" {sign} "
        # Of two that end at one place the inner one ends first, and it begins last.
        cuts.append((start, 1, -end, number, opening))
        cuts.append((end, 0, -start, number, f" {sign} "))
    text, last, places = "", 0, ([0, 0], [0, 0])
    for place, opens, _, number, mark in sorted(cuts):
        text += relation.text[last:place]
        if opens:
            places[number][0] = len(text) + 1
        text += mark
        if not opens:
            places[number][1] = len(text) - 1
        last = place
    first, second = ((start, end) for start, end in places)
    return text + relation.text[last:], (first, second)


def kept_tokens(size: int, first: Span, second: Span, room: int) -> list[range]:
    """Return the tokens of a text that are read: all, or those around both entities.

    Args:
        size: Number of tokens.
        first: Tokens of one entity, from start to end.
        second: Tokens of the other.
        room: Number of tokens that a window takes.

    Returns:
        One range with both entities in its middle; where they are too far apart for that, two, each
        with one entity and what is around it. An entity longer than its half loses its end.
    """
    if size <= room:
        return [range(size)]
    (a, b), (c, d) = sorted((first, second))
    high = max(b, d)
    if high - a <= room:
        start = max(0, min(a - (room - (high - a)) // 2, size - room))
        return [range(start, start + room)]
    if c < b:
        return [range(a, a + room)]
    left = min(b - a, max(room // 2, room - (d - c)))
    right = min(d - c, room - left)
    spare = room - left - right
    before = min(a, spare // 4)
    beyond = min(size - d, (spare - spare // 2) // 2)
    return [
        range(a - before, a + left + spare // 2 - before),
        range(c - (spare - spare // 2 - beyond), c + right + beyond),
    ]


def encode(relations: Sequence[Relation], tokenizer: Any, settings: Any) -> list[Window]:
    """Return one window per relation, cut around its entities where the text is too long.

    Args:
        relations: Their texts and entities.
        tokenizer: A fast tokenizer.
        settings: `max_seq_length` counts special tokens, too.
    """
    specials, windows = special_tokens(tokenizer), []
    for number, (ids, kept) in enumerate(_cut(relations, tokenizer, settings.max_seq_length)):
        piece = [ids[place] for part in kept for place in part]
        windows.append(Window(number, (*specials.prefix, *piece, *specials.suffix)))
    return windows


def _cut(
    relations: Sequence[Relation], tokenizer: Any, max_length: int
) -> Iterator[tuple[list[int], list[range]]]:
    """Yield the tokens of each marked text, and those that are read."""
    room = special_tokens(tokenizer).room(max_length)
    texts = [marked(relation, typed=True) for relation in relations]
    encoded = encode_with_offsets(tokenizer, [text for text, _ in texts])
    for (_, places), (ids, offsets) in zip(texts, encoded, strict=True):
        starts, ends = [a for a, _ in offsets], [b for _, b in offsets]
        first, second = ((bisect_right(ends, a), bisect_left(starts, b)) for a, b in places)
        yield ids, kept_tokens(len(ids), first, second, room)


def _count_long(relations: Sequence[Relation], tokenizer: Any, max_length: int) -> dict[str, int]:
    """Return how many texts are cut, and in how many the entities are too far apart."""
    cut = [
        kept
        for ids, kept in _cut(relations, tokenizer, max_length)
        if sum(map(len, kept)) < len(ids)
    ]
    return {"long_texts": len(cut), "far_entities": sum(len(kept) > 1 for kept in cut)}


def _check_task(task: Task) -> str:
    if task.multi_label or task.levels:
        return "multi_label and levels are for classification; a relation has one label"
    if task.null_label and task.labels and task.null_label not in task.labels:
        return f"null_label {task.null_label!r} is none of `labels`"
    return ""


def _check(relation: Relation, task: Task) -> str:
    return _check_entities(relation) or CLASSIFICATION.check(relation, task)


def _check_entities(relation: Relation) -> str:
    for name, (start, end) in (("first", relation.first), ("second", relation.second)):
        if not 0 <= start < end <= len(relation.text):
            inside = f"the text of {len(relation.text)} characters"
            return f"{name}: offsets {start} to {end} lie outside {inside}, or enclose nothing"
        if not relation.text[start:end].strip():
            return f"{name}: offsets {start} to {end} enclose blanks alone"
    if relation.first == relation.second:
        start, end = relation.first
        return f"both entities are {relation.text[start:end][:60]!r} at {start}; expected two"
    return ""


def _unlabelled(cells: Mapping[str, Any], task: Task) -> Relation | None:
    relation = unlabelled_relation(cells, task)
    if relation and (wrong := _check_entities(relation)):
        raise DataError(wrong)
    return relation


def _check_labels(task: Task, declared: bool, labels: Labels) -> tuple[str, str] | None:
    null = task.null_label
    if wrong := CLASSIFICATION.check_labels(task, declared, labels):
        return wrong
    if null and null not in labels["train"]:
        return "train", f"never has the null_label {null!r}; it has {', '.join(labels['train'])}"
    if not {*labels["test"]} - {null}:
        return "test", f"has no label but the null_label {null!r}, so nothing can be scored"
    return None


def _predicted(cells: Mapping[str, Any], relation: Relation, task: Task) -> Prediction:
    """Return a prediction made elsewhere: one `label`; the null class becomes no class."""
    assert CLASSIFICATION.predicted  # noqa: S101  # it has one
    made, none = CLASSIFICATION.predicted(cells, relation, task), (task.null_label,)
    if len(made.predicted) != 1:
        cure = f", {task.null_label!r} for no relation" if task.null_label else ""
        raise DataError(f"{len(made.predicted)} labels; expected one{cure}")
    gold, guess = (() if side == none else side for side in (made.gold, made.predicted))
    return replace(made, gold=gold, predicted=guess)


def _misfit(prediction: Prediction, task: Task) -> str:
    sides = prediction.gold, prediction.predicted
    if wrong := odd_scores(prediction):
        return wrong
    if any(len(side) > 1 for side in sides):
        return "at most one gold and one predicted label were expected"
    if task.null_label and (task.null_label,) in sides:
        return f"the null_label {task.null_label!r} is a label; expected none in its place"
    if len({*prediction.ranking}) < len(prediction.ranking):
        return "a label is named twice"
    return unknown_label({*sides[0], *sides[1], *prediction.ranking} - {*task.labels}, task)


RELATION = replace(
    CLASSIFICATION,
    name="relation",
    record=Relation,
    noun="relation",
    from_rows=relations_of_rows,
    columns=("text", "label", *ENTITY_COLUMNS),
    inputs=("text", "first", "second"),
    unlabelled=_unlabelled,
    text=lambda relation: marked(relation)[0],
    parts=lambda relation: (relation.text,),
    encode=encode,
    metrics=lambda _task: ("f1_relation", "precision_relation", "recall_relation", "accuracy"),
    check_task=_check_task,
    check=_check,
    check_labels=_check_labels,
    misfit=_misfit,
    count_long=_count_long,
    passages=None,
    unread=("long_texts",),
    annotate=annotate_one,
    says="label",
    call=lambda _inputs: "",
    predicted=_predicted,
)
