"""Read FiQA 2018, task 1: how good or bad a news title or a post is for a target.

The files are JSON: by id, a sentence and its `info`, a list of targets, each with a score from -1
to 1 that is written as text. A sentence with two targets is two records. The organisers did not
publish the labels of their test data; the declared files share the public part out, as
`elinsky/fiqa` did at random. As counted in these files:

| file | sentences | targets |
| --- | --- | --- |
| titles, train | 336 | 379 |
| titles, test | 100 | 119 |
| posts, train | 575 | 575 |
| posts, test | 100 | 100 |
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from typing import TYPE_CHECKING, Any

from domainbert import DataError, Pair, Rating
from domainbert.readers import each_once, read_utf8
from domainbert_finance.shares import is_of_split

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator
    from pathlib import Path

LABELS = ("negative", "neutral", "positive")
NEUTRAL = 0.1
"""From here on a score is positive; below minus this it is negative."""

_ENDING = re.compile(r"'s?$")
# Digits with a point; Python reads `1_0`, `nan` and `infinity` as numbers, too.
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")


def class_of(score: float) -> str:
    """Return the class of a score, with the limits that benchmarks of FinGPT use.

    Below -0.1 it is negative, from 0.1 on positive, else neutral.
    """
    if score < -NEUTRAL:
        return "negative"
    return "positive" if score >= NEUTRAL else "neutral"


def read_fiqa(path: Path, split: str, counts: Counter[str]) -> Iterator[Rating]:
    """Yield the targets of one split with their scores, in file order.

    A record is a pair: the sentence, and the target as `second`. A target that its sentence does
    not have as whole words, mostly one that is spelt otherwise, is read all the same, since the
    pair says whom the score is about: `counts["targets_not_in_the_text"]`. So is one that stood
    with an equal sentence before, as published: `counts["targets_twice"]`, and
    `counts["targets_with_another_score"]` where the scores differ.

    Args:
        path: A file `task1_..._ABSA_....json`.
        split: `train` and `validation` share out one file by the hash of the sentence; `test` is
            all of it.
        counts: Receives the remarks.

    Raises:
        DataError: The file cannot be read or is no such JSON, a sentence or a target is missing or
            empty, or a score is no number from -1 to 1.
    """
    scores: dict[tuple[str, str], set[float]] = {}
    for name, sentence, info in _sentences(path):
        if not is_of_split(sentence, split):
            continue
        for number, item in enumerate(info, 1):
            where = f"{path}: {name!r}, target {number}"
            target = _text(item, "target", where)
            score = _score(item, where)
            counts["targets_not_in_the_text"] += not _names(sentence, target)
            before = scores.setdefault((_folded(sentence), _folded(target)), set())
            counts["targets_twice"] += bool(before)
            counts["targets_with_another_score"] += bool(before - {score})
            before.add(score)
            yield Rating(sentence, score, target, document=name)


def read_fiqa_classes(path: Path, split: str, counts: Counter[str]) -> Iterator[Pair]:
    """Yield the targets of one split with their classes; all else is as of `read_fiqa`.

    Raises:
        DataError: As of `read_fiqa`.
    """
    for rating in read_fiqa(path, split, counts):
        label = class_of(rating.score)
        yield Pair(rating.text, rating.second, (label,), document=rating.document)


def _names(sentence: str, target: str) -> bool:
    """Return whether a sentence has a target as whole words, as a ticker or with an `'s`, too."""
    name, text = _folded(target), _folded(sentence)
    name = _ENDING.sub("", name.lstrip("$#@")) or name
    return re.search(rf"(?<![^\W_]){re.escape(name)}(?![^\W_])", text) is not None


def _folded(text: str) -> str:
    """Return a text without regard to capitals, Unicode forms and the kind of its apostrophes."""
    return unicodedata.normalize("NFC", text).casefold().replace("\u2019", "'")


def _sentences(path: Path) -> Iterator[tuple[str, str, list[Any]]]:
    """Yield id, sentence and targets of each entry."""
    expected = "by id objects with `sentence` and `info`, as in task 1 of FiQA"
    try:
        entries = json.loads(read_utf8(path), object_pairs_hook=each_once)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: not valid JSON: {error}. Expected {expected}.") from None
    if not isinstance(entries, dict) or not entries:
        raise DataError(f"{path}: a JSON {type(entries).__name__}. Expected {expected}.")
    for name, entry in entries.items():
        where = f"{path}: {name!r}"
        sentence = _text(entry, "sentence", where)
        info = entry.get("info")
        if not isinstance(info, list) or not info:
            raise DataError(f"{where}: `info` is {str(info)[:40]!r}, expected a list of targets.")
        yield name, sentence, info


def _text(item: Any, key: str, where: str) -> str:
    """Return a text of an object, with white space folded."""
    value = item.get(key) if isinstance(item, dict) else None
    if not isinstance(value, str) or not value.strip():
        raise DataError(f"{where}: `{key}` is {str(value)[:40]!r}, expected a text.")
    return " ".join(value.split())


def _score(item: Any, where: str) -> float:
    """Return the score of a target, which is written as text."""
    value = item.get("sentiment_score")
    number = isinstance(value, int | float) and not isinstance(value, bool)
    said = repr(value) if number else str(value).strip()
    score = float(said) if _NUMBER.fullmatch(said) else math.nan
    if not -1 <= score <= 1:  # true for NaN, too
        raise DataError(
            f"{where}: `sentiment_score` is {str(value)[:40]!r}, expected a number from -1 to 1."
        )
    return score
