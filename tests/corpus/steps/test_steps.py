"""Steps stream, count what they drop, and are named when they fail."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domainbert import CorpusStep, Document
from domainbert.corpus.steps import find_steps, run_steps
from domainbert.corpus.steps.normalise import normalise
from domainbert.errors import DataError

# Any text: also lone surrogates, controls, and marks that combine.
WILD = st.text(
    st.characters() | st.sampled_from("ab e\u0301\u0327\r\n\t\x00\x85\u2028\ufeff\u2000")
)
DEFAULT = find_steps(["normalise", "exact-duplicates"])


def documents(*texts: str) -> Iterator[Document]:
    return (Document(str(n), text, f"s:{n}") for n, text in enumerate(texts))


@given(WILD)
def test_normalised_text_is_composed_encodable_and_has_single_blanks_and_newlines(
    text: str,
) -> None:
    found = normalise(text)
    assert normalise(found) == found == unicodedata.normalize("NFC", found)
    assert found.encode().decode() == found
    assert found.split() == found.replace("\n", " ").split(" ") or found == ""
    assert {c for c in found if c.isspace()} <= {" ", "\n"}
    assert {unicodedata.category(c) for c in found if c != "\n"}.isdisjoint({"Cc", "Cs"})
    letters = [c for c in unicodedata.normalize("NFC", text) if c.isalnum()]
    assert [c for c in found if c.isalnum()] == letters


def test_documents_stream() -> None:
    endless = (Document(str(n), ["\n", " a", "a"][n % 3], f"s:{n}") for n in range(10**9))
    assert next(run_steps(endless, DEFAULT, {})) == Document("1", "a", "s:1")


def raises(_documents: Any, _counts: Any) -> Iterator[Document]:
    next(_documents)
    raise KeyError("oh")
    yield


def yields_texts(_documents: Any, _counts: Any) -> Iterator[Any]:
    yield next(_documents).text


@pytest.mark.parametrize(
    ("apply", "reason"),
    [(raises, "oh"), (yields_texts, "str, expected Document")],
)
def test_a_step_that_fails_is_named_with_the_document(
    apply: Callable[..., Any], reason: str
) -> None:
    steps = (*DEFAULT, CorpusStep("shorten", apply))
    with pytest.raises(DataError) as caught:
        list(run_steps(documents("one", "two"), steps, {}))
    assert str(caught.value).startswith("s:0: CorpusStep 'shorten'")
    assert reason in str(caught.value)
