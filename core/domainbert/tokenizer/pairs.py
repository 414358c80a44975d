"""Two texts as one sequence, framed as the tokenizer frames pairs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

from domainbert.errors import BaseModelError
from domainbert.tokenizer.load import special_tokens

Join = Callable[[Sequence[int], Sequence[int]], tuple[tuple[int, ...], tuple[int, ...]]]
"""Ids of two texts to the ids of the pair and their token types; no types where there are none."""


def pair_joiner(tokenizer: Any) -> Join:
    """Return what frames two tokenised texts.

    Args:
        tokenizer: A fast tokenizer.

    Raises:
        BaseModelError: It frames pairs in another way than prefix, text, signs, text, suffix.
    """
    specials = special_tokens(tokenizer)
    if specials.between is None:
        raise BaseModelError(
            f"{tokenizer.name_or_path}: frames pairs of texts in an unknown way. Take another base."
        )
    size = len(tokenizer("a", add_special_tokens=False)["input_ids"])
    types = tokenizer("a", "a").get("token_type_ids") or ()
    sizes = len(specials.prefix), size, len(specials.between), size, len(specials.suffix)
    firsts = [sum(sizes[:part]) for part in range(len(sizes))]
    # Each part has one type, that of its first token.
    kinds = [types[first] for first in firsts] if any(types) else []

    def join(
        first: Sequence[int], second: Sequence[int]
    ) -> tuple[tuple[int, ...], tuple[int, ...]]:
        parts = (specials.prefix, first, specials.between or (), second, specials.suffix)
        typed = chain(*([kind] * len(part) for kind, part in zip(kinds, parts, strict=False)))
        return tuple(chain(*parts)), tuple(typed)

    return join
