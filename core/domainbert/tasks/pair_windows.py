"""Windows of two texts, framed as the tokenizer frames a pair.

Legend: B windows of a batch, L length.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from domainbert.batching import batched
from domainbert.errors import BaseModelError
from domainbert.plugin.domain import Window
from domainbert.tokenizer.load import encode_texts, special_tokens

Ids = Sequence[int]
Framed = tuple[tuple[int, ...], tuple[int, ...]]
"""Token ids of a pair with special tokens, and the type of each; no types where there are none."""


def pair_windows(pairs: Sequence[tuple[str, str]], tokenizer: Any, settings: Any) -> list[Window]:
    """Return the windows of pairs of texts.

    Ids and types are those of `tokenizer(first, second)`.

    Args:
        pairs: Of texts.
        tokenizer: A fast tokenizer.
        settings: `max_seq_length` counts special tokens, too. With `long_texts: truncate` the
            longer text is cut first, as `truncation="longest_first"` of transformers does. With
            `window` the longer text is read in windows, each with the other text, of which at most
            half a window is kept.

    Raises:
        BaseModelError: The tokenizer frames pairs in an unknown way.
    """
    specials = special_tokens(tokenizer)
    frame, room = framing(tokenizer), specials.room(settings.max_seq_length, paired=True)
    firsts = encode_texts(tokenizer, [first for first, _ in pairs])
    seconds = encode_texts(tokenizer, [second for _, second in pairs])
    windows = []
    for number, (first, second) in enumerate(zip(firsts, seconds, strict=True)):
        if settings.long_texts == "window" and len(first) + len(second) > room:
            parts = list(_sliding(first, second, room))
        else:
            n_first, n_second = longest_first(len(first), len(second), room)
            parts = [(first[:n_first], second[:n_second])]
        for part in parts:
            ids, types = frame(*part)
            windows.append(Window(number, ids, weight=1 / len(parts), token_types=types))
    return windows


def longest_first(n_first: int, n_second: int, room: int) -> tuple[int, int]:
    """Return how many tokens of each text are kept; the longer is cut until both are alike."""
    least = room // 2
    if n_first + n_second <= room:
        return n_first, n_second
    if n_first <= least:
        return n_first, room - n_first
    if n_second <= least:
        return room - n_second, n_second
    # Of an odd number of tokens the longer text gets one more, and of texts alike the second.
    return (room - least, least) if n_first > n_second else (least, room - least)


def _sliding(first: Ids, second: Ids, room: int) -> Iterator[tuple[Ids, Ids]]:
    """Yield the parts of the longer text, each with the beginning of the other."""
    swapped = len(first) > len(second)
    longer, other = (first, second) if swapped else (second, first)
    kept = other[: room // 2]
    for part in batched(longer, room - len(kept)):
        yield (part, kept) if swapped else (kept, part)


def framing(tokenizer: Any) -> Callable[[Ids, Ids], Framed]:
    """Return what frames the tokens of two texts as `tokenizer(first, second)` does.

    Raises:
        BaseModelError: The tokenizer frames pairs in an unknown way.
    """
    specials = special_tokens(tokenizer)
    between = specials.between
    if between is None:
        name = type(tokenizer).__name__
        raise BaseModelError(f"{name} frames pairs of texts in an unknown way; take another base.")
    probe = tokenizer("a", "a")
    types = tuple(probe.get("token_type_ids", ()))
    start, stop = len(specials.prefix), len(types) - len(specials.suffix)
    n_text = (stop - start - len(between)) // 2
    middle = start + n_text, start + n_text + len(between)

    def frame(first: Ids, second: Ids) -> Framed:
        ids = (*specials.prefix, *first, *between, *second, *specials.suffix)
        if not types:
            return ids, ()
        firsts, seconds = [types[start]] * len(first), [types[stop - 1]] * len(second)
        framed = *types[:start], *firsts, *types[slice(*middle)], *seconds, *types[stop:]
        return ids, framed

    return frame


def token_types(model: Any, ids_BL: Any, windows: Sequence[Window]) -> Any:
    """Return the token types of a batch, int64, (B, L); None where tokenizer or model has none."""
    import torch

    if getattr(model.encoder.config, "type_vocab_size", 0) <= 1 or not windows[0].token_types:
        return None
    types_BL = torch.zeros_like(ids_BL)
    for row, window in enumerate(windows):
        given = torch.tensor(window.token_types, device=ids_BL.device)
        types_BL[row, : len(given)] = given
    return types_BL


def long_pairs(pairs: Sequence[tuple[str, str]], tokenizer: Any, max_length: int) -> list[bool]:
    """Return of each pair whether it is longer than a window."""
    room = special_tokens(tokenizer).room(max_length, paired=True)
    firsts, seconds = (encode_texts(tokenizer, [p[side] for p in pairs]) for side in (0, 1))
    return [len(a) + len(b) > room for a, b in zip(firsts, seconds, strict=True)]
