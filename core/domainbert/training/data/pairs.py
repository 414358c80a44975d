"""Two parts of a sequence, to tell whether the second is the next, or whether they were swapped.

Next sentence: Devlin et al. 2019, section 3.1 (arXiv 1810.04805). Sentence order: Lan et al. 2020,
section 3.1 (arXiv 1909.11942). As there, a "sentence" is any stretch of text; a pair depends on
(seed, epoch, sequence) alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from domainbert.corpus.token_units import BEGINS_WORD
from domainbert.errors import RecipeError
from domainbert.keyed_random import derive_key, random_words, uniforms
from domainbert.training.data.frame import Frame, frame_parts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from domainbert.corpus.store import TokenStore
    from domainbert.tokenizer.load import SpecialTokens
    from domainbert.training.data.order import SequenceIndex, SequenceKey

    Text = tuple[NDArray[Any], NDArray[np.uint8]]

_CUT, _CLASS, _OTHER = 0, 1, 2
_DRAWS = 8


@dataclass(frozen=True)
class PairRule:
    """How sequences are made into pairs.

    Args:
        kind: `next`: class 1 has a second part from another document. `order`: class 1 is swapped.
        seed: Seed of the run.
        specials: What frames a pair.
        store: A token store with marks.
        index: Sequences of the training slice, from which other documents are taken.
        typed: Whether the model tells the parts apart by token types.
    """

    kind: Literal["next", "order"]
    seed: int
    specials: SpecialTokens
    store: TokenStore
    index: SequenceIndex
    typed: bool


def check_pairs(rule: PairRule) -> None:
    """Refuse what no pairs can be made of.

    Raises:
        RecipeError: The tokenizer has no frame for pairs, or there is no other document.
    """
    if rule.specials.between is None:
        raise RecipeError(
            "train.sentence_pairs: the tokenizer of the base has no frame for two texts of the "
            "usual form. Use `none`."
        )
    if rule.kind == "next" and len(rule.index.documents_T) < 2:
        raise RecipeError(
            "train.sentence_pairs: `next` takes parts from other documents, and the training slice "
            "has one document. Use `order`, or split the text into documents with `text_unit`."
        )


def frame_pair(key: SequenceKey, rule: PairRule) -> Frame:
    """Cut a sequence into two parts at a word, put the second in question, and frame them.

    Either class has chance 1/2. Words cut by the ends of the sequence are left out: a part that
    begins or ends inside of a word would tell the class. A sequence of one word is framed alone,
    without a class.
    """
    start, stop = _whole_words(rule.store, key)
    text = _text(rule.store, key.document, start, stop)
    ids, marks = text
    cuts = np.flatnonzero(marks[1:] & BEGINS_WORD) + 1
    if not len(cuts):
        return _typed(frame_parts([text], rule.specials), None, rule)
    draw = derive_key("pair", rule.seed, key.epoch, key.sequence)
    cut = cuts[int(random_words(draw, _CUT)) % len(cuts)]
    parts = [(ids[:cut], marks[:cut]), (ids[cut:], marks[cut:])]
    label = int(random_words(draw, _CLASS) >> np.uint64(63))
    if label and rule.kind == "order":
        parts.reverse()
    elif label:
        # Its last word is cut off as that of the sequence was.
        parts[1] = _elsewhere(key, rule, key.stop - start - cut, draw)
    frame = _typed(frame_parts(parts, rule.specials), len(parts[0][0]), rule)
    return replace(frame, pair_label=label)


def _text(store: TokenStore, document: int, start: int, stop: int) -> Text:
    marks = store.units(document)
    assert marks is not None  # noqa: S101  # recipes with pairs have stores with marks
    return store.ids(document)[start:stop], marks[start:stop]


def _whole_words(store: TokenStore, key: SequenceKey) -> tuple[int, int]:
    """Return the part of a sequence that is whole words, or all of it if there is none."""
    marks = store.units(key.document)
    assert marks is not None  # noqa: S101  # as above
    start, stop = key.start, _word_end(marks, key.stop)
    while start < stop and not marks[start] & BEGINS_WORD:
        start += 1
    return (start, stop) if start < stop else (key.start, key.stop)


def _word_end(marks: NDArray[np.uint8], stop: int) -> int:
    """Return the last place at or before `stop` where no word goes on."""
    while stop < len(marks) and stop > 0 and not marks[stop] & BEGINS_WORD:
        stop -= 1
    return stop


def _elsewhere(key: SequenceKey, rule: PairRule, length: int, draw: int) -> Text:
    """Return about as many tokens of another document, from the beginning of a word.

    Of a few documents drawn, long ones more often, the first that is long enough is taken, or else
    the longest: a second part that is shorter than usual would tell the class.
    """
    index = rule.index
    own = int(np.searchsorted(index.ends_T, key.sequence, side="right"))
    first, stop = (int(index.ends_T[own - 1]) if own else 0), int(index.ends_T[own])
    chance = uniforms(random_words(draw, _OTHER, np.arange(_DRAWS)))
    others = (chance * (index.n_sequences - (stop - first))).astype(np.int64)
    found = index.locate(others + np.where(others >= first, stop - first, 0))
    lengths = rule.store.lengths_D[found[:, 0]].clip(max=length)
    document, start, _ = found[lengths.argmax()].tolist()
    marks = rule.store.units(document)
    assert marks is not None  # noqa: S101  # as above
    start = max(0, min(start, len(marks) - length))
    while start > 0 and not marks[start] & BEGINS_WORD:
        start -= 1
    end = min(len(marks), start + length)
    whole = _word_end(marks, end)
    return _text(rule.store, document, start, whole if whole > start else end)


def _typed(frame: Frame, first: int | None, rule: PairRule) -> Frame:
    """Give the second part token type 1, if the model has token types."""
    if not rule.typed:
        return frame
    types_L = np.zeros(len(frame.ids_L), dtype=np.int64)
    if first is not None:
        types_L[len(rule.specials.prefix) + first + len(rule.specials.between or ()) :] = 1
    return replace(frame, token_types_L=types_L)
