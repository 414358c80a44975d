"""Step `decontaminate`: documents that hold texts of validation or test are dropped.

A text of 13 words or more is found by any run of 13 words that it shares with a document (as for
GPT-3, arXiv 2005.14165), a shorter one as a whole. Case and signs do not count.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from pydantic import Field

from domainbert.corpus.steps.shingles import Hashes, growing_windows, window_hashes, word_hashes
from domainbert.plugin.domain import Document
from domainbert.plugin.steps import Drops, StepContext
from domainbert.recipe.sections import Section


class Options(Section):
    """Options of `decontaminate`."""

    words: int = Field(default=13, ge=5, le=50)
    """Words in a row that a long text and a document share."""
    least_words: int = Field(default=6, ge=3, le=50)
    """Shorter texts are too usual to be looked for; they are counted."""


def decontaminate(options: Options, context: StepContext) -> Any:
    """Return the step with the texts that it looks for.

    Raises:
        ValueError: There is no text to look for.
    """
    if not context.evaluation:
        raise ValueError("there is no task whose validation and test texts could be looked for")
    known, short = index_texts(context.evaluation, options)

    def apply(documents: Iterable[Document], drops: Drops) -> Iterator[Document]:
        drops.once["texts too short to look for"] = short
        for document in documents:
            if any_known(document.text, known):
                drops.drop(document, "contaminated")
            else:
                yield document

    return apply


def index_texts(texts: Iterable[str], options: Options) -> tuple[dict[int, Hashes], int]:
    """Return length in words → sorted hashes of the runs to find, and how many texts are short."""
    parts: dict[int, list[Hashes]] = {}
    short = 0
    for text in dict.fromkeys(texts):
        hashes_W = word_hashes(text)
        if len(hashes_W) < options.least_words:
            short += 1
            continue
        size = min(options.words, len(hashes_W))
        parts.setdefault(size, []).append(window_hashes(hashes_W, size))
    return {size: np.unique(np.concatenate(parts[size])) for size in sorted(parts)}, short


def any_known(text: str, known: dict[int, Hashes]) -> bool:
    """Return whether a text holds one of the runs of `index_texts`."""
    hashes_W = word_hashes(text)
    for windows_S, sorted_K in zip(growing_windows(hashes_W, known), known.values(), strict=True):
        places_S = np.searchsorted(sorted_K, windows_S).clip(max=len(sorted_K) - 1)
        if (sorted_K[places_S] == windows_S).any():
            return True
    return False
