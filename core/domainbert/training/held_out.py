"""Bits per character of held-out text: how well a model fills gaps, whatever its vocabulary.

Loss per token cannot be compared once a vocabulary changes: longer tokens are fewer and harder.
Here 15 % of the *words* of a text are hidden, chosen by the hash of the text and so the same for
every tokenizer; all pieces of a hidden word become the mask token; the bits needed to restore them
are divided by the characters hidden. Pieces of one word are predicted independently.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from domainbert.batching import batched
from domainbert.errors import DataError
from domainbert.keyed_random import derive_key, random_words, uniforms
from domainbert.model.load import longest_sequence
from domainbert.model.masked_lm import MaskedLanguageModel
from domainbert.tokenizer.load import SpecialTokens, encode_with_offsets, special_tokens
from domainbert.training.data.batch import collate
from domainbert.training.data.frame import MaskedSequence

if TYPE_CHECKING:
    from numpy.typing import NDArray

RATE = 0.15
_WORD = re.compile(r"\w+|[^\w\s]")
_BATCH = 32


@dataclass(frozen=True)
class HeldOutScore:
    """A measurement on held-out text.

    Args:
        bits_per_character: Bits of all hidden words over their characters.
        accuracy: Share of hidden tokens whose most likely token is right.
        documents: Texts measured.
        characters: Characters hidden.
        tokens: Tokens hidden.
    """

    bits_per_character: float
    accuracy: float
    documents: int
    characters: int
    tokens: int


def hidden_words(text: str) -> list[tuple[int, int]]:
    """Return the character ranges of the words to hide: a function of the text alone.

    At least one word is hidden in a text that has any.
    """
    words = [match.span() for match in _WORD.finditer(text)]
    if not words:
        return []
    key = derive_key("bits", text)
    chance = uniforms(random_words(key, np.arange(len(words))))
    chosen = chance < RATE
    chosen[chance.argmin()] = True
    return [word for word, hide in zip(words, chosen, strict=True) if hide]


def measure_held_out(
    model: Any,
    tokenizer: Any,
    texts: Iterable[str],
    max_length: int,
    device: torch.device,
    poll: Callable[[], None] = lambda: None,
) -> HeldOutScore:
    """Measure bits per character in float32.

    Args:
        model: A transformers `*ForMaskedLM`; its training mode is restored.
        tokenizer: Its tokenizer.
        texts: Held-out texts.
        max_length: Tokens of a window, special tokens included.
        device: Where the model is.
        poll: Called again and again; raises if a signal asked to stop.

    Raises:
        DataError: The tokenizer finds nothing in the texts.
    """
    wrapped = MaskedLanguageModel(model)
    was_training = model.training
    model.eval()
    nats, right, tokens, characters = 0.0, 0, 0, 0
    counted = list(texts)
    try:
        for group in batched(_windows(tokenizer, counted, max_length), _BATCH):
            poll()
            sums = _score(wrapped, [sequence for sequence, _ in group], tokenizer, device)
            nats, right, tokens = nats + sums[0], right + sums[1], tokens + sums[2]
            characters += sum(hidden for _, hidden in group)
    finally:
        model.train(was_training)
    if not tokens:
        raise DataError("The held-out texts have no token: nothing can be measured on them.")
    bits = nats / math.log(2) / characters
    return HeldOutScore(bits, right / tokens, len(counted), characters, tokens)


@torch.inference_mode()
def _score(
    wrapped: MaskedLanguageModel, group: list[MaskedSequence], tokenizer: Any, device: torch.device
) -> tuple[float, int, int]:
    longest = longest_sequence(wrapped.model)
    batch = collate(group, special_tokens(tokenizer).pad, longest).to(device)
    logits_NV = wrapped.logits(batch)
    nats_N = torch.nn.functional.cross_entropy(logits_NV, batch.targets_N, reduction="none")
    right_N = logits_NV.argmax(dim=1) == batch.targets_N
    return float(nats_N.double().sum()), int(right_N.sum()), len(nats_N)


def _windows(
    tokenizer: Any, texts: list[str], max_length: int
) -> Iterator[tuple[MaskedSequence, int]]:
    """Yield windows of texts with some words hidden, and the characters that these cover."""
    specials = special_tokens(tokenizer)
    capacity = specials.room(max_length)
    for group in batched(texts, 64):
        encoded = encode_with_offsets(tokenizer, group)
        for text, (ids, offsets) in zip(group, encoded, strict=True):
            hidden_T = _token_words(hidden_words(text), offsets)
            for start in range(0, len(ids), capacity):
                stop = start + capacity
                window = _hide(np.array(ids[start:stop]), hidden_T[start:stop], specials)
                if window is not None:
                    covered = _characters(text, offsets[start:stop], hidden_T[start:stop])
                    yield window, covered


def _token_words(words: list[tuple[int, int]], offsets: list[tuple[int, int]]) -> NDArray[np.bool_]:
    """Return which tokens overlap a hidden word; both lists ascend."""
    starts, ends = np.array(words, dtype=np.int64).reshape(-1, 2).T
    spans_T2 = np.array(offsets, dtype=np.int64).reshape(-1, 2)
    if not len(words):
        return np.zeros(len(spans_T2), dtype=bool)
    nearest = np.searchsorted(ends, spans_T2[:, 0], side="right").clip(max=len(words) - 1)
    overlap = (spans_T2[:, 1] > starts[nearest]) & (spans_T2[:, 0] < ends[nearest])
    return overlap & (spans_T2[:, 1] > spans_T2[:, 0])


def _hide(
    ids: NDArray[np.int64], hidden: NDArray[np.bool_], specials: SpecialTokens
) -> MaskedSequence | None:
    if not hidden.any():
        return None
    framed = np.concatenate([specials.prefix, ids, specials.suffix]).astype(np.int64)
    positions = np.flatnonzero(hidden) + len(specials.prefix)
    targets = framed[positions]
    framed[positions] = specials.mask
    return MaskedSequence(framed, positions, targets)


def _characters(text: str, offsets: list[tuple[int, int]], hidden: NDArray[np.bool_]) -> int:
    """Count the non-blank characters that the hidden tokens cover, each once."""
    spans = [span for span, hide in zip(offsets, hidden, strict=True) if hide]
    covered = {place for start, stop in spans for place in range(start, stop)}
    return sum(not text[place].isspace() for place in covered)
