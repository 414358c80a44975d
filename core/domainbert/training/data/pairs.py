"""Two parts of a sequence: the second is the next or another text, or the two are swapped.

Next sentence: Devlin et al. 2019, section 3.1 (arXiv 1810.04805). Sentence order: Lan et al. 2020,
section 3.1 (arXiv 1909.11942). As there, a "sentence" is any stretch of text; a pair depends on
(seed, epoch, sequence) alone.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from domainbert.corpus.token_units import BEGINS_WORD
from domainbert.keyed_random import derive_key, random_words, uniforms
from domainbert.training.data.frame import Frame, frame_parts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from domainbert.corpus.store import TokenStore
    from domainbert.training.data.order import SequenceKey
    from domainbert.training.step import Job

    Text = tuple[NDArray[Any], NDArray[np.uint8]]

_CUT, _CLASS, _OTHER = 0, 1, 2
_DRAWS = 8


def frame_pair(key: SequenceKey, job: Job) -> Frame:
    """Cut a sequence into two parts at a word, put the second in question, and frame them.

    With `next`, class 1 has a second part from another document; with `order`, class 1 is swapped.
    Either class has chance 1/2. Words cut by the ends of the sequence are left out: a part that
    begins or ends inside of a word would tell the class. A sequence of one word is framed alone,
    without a class.
    """
    units = _units(job.store, key.document)
    start, stop = _whole_words(units, key)
    ids, units = job.store.ids(key.document)[start:stop], units[start:stop]
    cuts = np.flatnonzero(units[1:] & BEGINS_WORD) + 1
    if not len(cuts):
        return _typed(frame_parts([(ids, units)], job.masking.specials), None, job)
    draw = derive_key("pair", job.settings.seed, key.epoch, key.sequence)
    cut = cuts[int(random_words(draw, _CUT)) % len(cuts)]
    parts = [(ids[:cut], units[:cut]), (ids[cut:], units[cut:])]
    label = int(random_words(draw, _CLASS) >> np.uint64(63))
    if label and job.settings.sentence_pairs == "order":
        parts.reverse()
    elif label:
        # Its last word is cut off as that of the sequence was.
        parts[1] = _elsewhere(key, job, key.stop - start - cut, draw)
    frame = _typed(frame_parts(parts, job.masking.specials), len(parts[0][0]), job)
    return replace(frame, label=label)


def _units(store: TokenStore, document: int) -> NDArray[np.uint8]:
    units = store.units(document)
    assert units is not None  # noqa: S101  # recipes with pairs have stores with token units
    return units


def _whole_words(units: NDArray[np.uint8], key: SequenceKey) -> tuple[int, int]:
    """Return the part of a sequence that is whole words, or all of it if there is none."""
    stop = _word_end(units, key.stop)
    begins = np.flatnonzero(units[key.start : stop] & BEGINS_WORD)
    return (key.start + int(begins[0]), stop) if len(begins) else (key.start, key.stop)


def _word_end(units: NDArray[np.uint8], stop: int) -> int:
    """Return the last place at or before `stop` where no word goes on."""
    while 0 < stop < len(units) and not units[stop] & BEGINS_WORD:
        stop -= 1
    return stop


def _elsewhere(key: SequenceKey, job: Job, length: int, draw: int) -> Text:
    """Return about as many tokens of another document, from the beginning of a word.

    Of a few documents drawn, long ones more often, the first that is long enough is taken, or else
    the longest: a second part that is shorter than usual would tell the class.
    """
    index, store = job.index, job.store
    own = int(np.searchsorted(index.ends_T, key.sequence, side="right"))
    first, stop = (int(index.ends_T[own - 1]) if own else 0), int(index.ends_T[own])
    chance = uniforms(random_words(draw, _OTHER, np.arange(_DRAWS)))
    others = (chance * (index.n_sequences - (stop - first))).astype(np.int64)
    places = index.locate(others + np.where(others >= first, stop - first, 0))
    lengths = store.lengths_D[places[:, 0]].clip(max=length)
    document, start, _ = places[lengths.argmax()].tolist()
    units = _units(store, document)
    start = max(0, min(start, len(units) - length))
    while start > 0 and not units[start] & BEGINS_WORD:
        start -= 1
    end = min(len(units), start + length)
    if (whole := _word_end(units, end)) > start:
        end = whole
    return store.ids(document)[start:end], units[start:end]


def _typed(frame: Frame, first: int | None, job: Job) -> Frame:
    """Give the second part token type 1, if the model has token types."""
    if getattr(job.model.config, "type_vocab_size", 0) <= 1:
        return frame
    specials = job.masking.specials
    types_L = np.zeros(len(frame.ids_L), dtype=np.int64)
    if first is not None:
        types_L[len(specials.prefix) + first + len(specials.between or ()) :] = 1
    return replace(frame, token_types_L=types_L)
