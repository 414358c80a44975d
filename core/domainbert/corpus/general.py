"""The text outside the field on which models are measured as well."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from domainbert.corpus.sources import Source, read_sources
from domainbert.corpus.steps import find_steps, run_steps
from domainbert.errors import DataError
from domainbert.plugin.domain import Document
from domainbert.tokenizer.load import encode_with_offsets

# More than any token has on average; a file is often one document, much longer than is measured.
_CHARACTERS = 40


def general_texts(
    sources: Iterable[Source], tokenizer: Any, max_tokens: int, poll: Callable[[], None]
) -> tuple[str, ...]:
    """Return general texts in the order of their files, as far as `max_tokens` tokens reach.

    Args:
        sources: Files of `held_out.general`.
        tokenizer: Of the base.
        max_tokens: Tokens in all.
        poll: Called again and again; may raise.

    Raises:
        DataError: A file cannot be read, or no token is found in any.
    """

    def beginnings() -> Iterator[Document]:
        for document in read_sources(sources):
            yield replace(document, text=document.text[: max_tokens * _CHARACTERS])

    left, texts = max_tokens, []
    for document in run_steps(beginnings(), find_steps(("normalise",)), {}):
        poll()
        text = document.text
        ((ids, places),) = encode_with_offsets(tokenizer, [text])
        if any(number != tokenizer.unk_token_id for number in ids):
            texts.append(text if len(places) <= left else text[: places[left - 1][1]])
            left -= len(places)
        if left <= 0:
            break
    if not texts:
        raise DataError(
            "held_out.general: the tokenizer of the base finds nothing in this text. Name files "
            "with text, outside the run folder."
        )
    return tuple(texts)
