"""Bits per character of held-out text: how well a model fills gaps, whatever its vocabulary.

Loss per token cannot be compared once a vocabulary changes: longer tokens are fewer and harder.
Here 15 % of the *words* of a text are masked, drawn from the hash of the text and so the same for
every tokenizer; all pieces of such a word become the mask token; the bits needed to restore them
are divided by the characters masked. Pieces of one word are predicted independently.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from domainbert.batching import batched
from domainbert.errors import DataError, RunFailed
from domainbert.keyed_random import derive_key, random_words, uniforms
from domainbert.model.load import longest_sequence
from domainbert.model.masked_lm import MaskedLanguageModel
from domainbert.tokenizer.load import encode_with_offsets, special_tokens
from domainbert.training.data.batch import collate
from domainbert.training.data.frame import Frame, frame_parts
from domainbert.words import word_spans

if TYPE_CHECKING:
    from numpy.typing import NDArray

RATE = 0.15
_BATCH = 32


@dataclass(frozen=True)
class HeldOutScore:
    """A measurement on held-out text.

    Args:
        bits_per_character: Bits of all masked words over their characters.
        accuracy: Share of masked tokens whose most likely token is right.
        documents: Texts measured.
        characters: Characters masked.
        tokens: Tokens masked.
        of_characters: Characters of the texts, masked or not; white space is not counted.
    """

    bits_per_character: float
    accuracy: float
    documents: int
    characters: int
    tokens: int
    of_characters: int

    @property
    def hidden(self) -> float:
        """Share of the characters that were masked."""
        return self.characters / self.of_characters


def word_draws(text: str) -> tuple[list[tuple[int, int]], NDArray[np.float64]]:
    """Return the character ranges of the words, and a draw of each: a function of the text alone.

    A word whose draw is below `RATE` is masked; the lowest is, whatever its draw.
    """
    words = word_spans(text)
    return words, uniforms(random_words(derive_key("bits", text), np.arange(len(words))))


def measure_held_out(
    model: Any,
    tokenizer: Any,
    texts: Iterable[str],
    max_length: int,
    device: torch.device,
    poll: Callable[[int, int], None] = lambda done, total: None,
) -> HeldOutScore:
    """Measure bits per character in float32.

    Args:
        model: A transformers `*ForMaskedLM`; its training mode is restored.
        tokenizer: Its tokenizer.
        texts: Held-out texts.
        max_length: Tokens of a window, special tokens included.
        device: Where the model is.
        poll: Called again and again with windows done and in all; may raise.

    Raises:
        DataError: The tokenizer finds nothing in the texts.
        RunFailed: The model's output is not finite.
    """
    wrapped = MaskedLanguageModel(model)
    was_training, counted = model.training, list(texts)
    windows = list(_windows(tokenizer, counted, max_length))
    specials, longest = special_tokens(tokenizer), longest_sequence(model)
    sums = np.zeros(4)  # nats, right tokens, tokens, characters
    model.eval()
    try:
        for number, group in enumerate(batched(windows, _BATCH)):
            poll(number * _BATCH, len(windows))
            batch = collate([window for window, _ in group], specials.pad, longest).to(device)
            with torch.inference_mode():
                logits_NV = wrapped.logits(batch)
                nats_N = cross_entropy(logits_NV, batch.targets_N, reduction="none").cpu().double()
                right_N = logits_NV.argmax(dim=1) == batch.targets_N
            covered = sum(characters for _, characters in group)
            sums += float(nats_N.sum()), int(right_N.sum()), len(nats_N), covered
    finally:
        model.train(was_training)
    nats, right, tokens, characters = sums.tolist()
    if not tokens:
        raise DataError("The held-out texts have no token: nothing can be measured on them.")
    bits = nats / math.log(2) / characters
    if not math.isfinite(bits):
        raise RunFailed("The loss on held-out text is not finite, so the model cannot be used.")
    whole = sum(len("".join(text.split())) for text in counted)
    sizes = len(counted), int(characters), int(tokens), whole
    return HeldOutScore(bits, right / tokens, *sizes)


def _windows(tokenizer: Any, texts: list[str], max_length: int) -> Iterator[tuple[Frame, int]]:
    """Yield windows of texts with some words masked, and the characters that these cover."""
    specials = special_tokens(tokenizer)
    capacity = specials.room(max_length)
    for group in batched(texts, 64):
        encoded = encode_with_offsets(tokenizer, group)
        for text, (ids, offsets) in zip(group, encoded, strict=True):
            spans_T2 = np.array(offsets, dtype=np.int64).reshape(-1, 2)
            masked_T = hidden_tokens(text, spans_T2)
            for start in range(0, len(ids), capacity):
                part = slice(start, start + capacity)
                if masked_T[part].any():
                    frame = frame_parts([(np.array(ids[part]), None)], specials)
                    positions = np.flatnonzero(masked_T[part]) + len(specials.prefix)
                    covered = _characters(text, spans_T2[part][masked_T[part]].tolist())
                    yield frame.masked(positions, specials.mask), covered


def hidden_tokens(text: str, spans_T2: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which tokens are masked: those that begin in a masked word, or in blanks before it.

    The pieces of a word so go together. A token of several words, as of several ideographs in
    SentencePiece, follows its first: if any of its words decided, more than the rate was hidden.

    Args:
        text: The text.
        spans_T2: Character ranges of the tokens, ascending.
    """
    words, draws_W = word_draws(text)
    if not words:
        return np.zeros(len(spans_T2), dtype=bool)
    starts, ends = np.array(words).T
    word_T = np.searchsorted(ends, spans_T2[:, 0], side="right").clip(max=len(words) - 1)
    in_word_T = (spans_T2[:, 1] > starts[word_T]) & (spans_T2[:, 0] < ends[word_T])
    in_word_T &= spans_T2[:, 1] > spans_T2[:, 0]
    draw_T = np.where(in_word_T, draws_W[word_T], 1.0)
    return in_word_T & ((draw_T < RATE) | (draw_T == draw_T.min(initial=1.0)))


def _characters(text: str, spans: list[list[int]]) -> int:
    """Count the non-blank characters that the masked tokens cover, each once."""
    covered = {place for start, stop in spans for place in range(start, stop)}
    return sum(not text[place].isspace() for place in covered)
