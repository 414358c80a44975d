"""Steps stream, count what they drop, and are named when they fail."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domainbert import CorpusStep, Document
from domainbert.corpus.steps import Counts, ReadyStep, find_steps, run_steps
from domainbert.corpus.steps.normalise import normalise
from domainbert.errors import DataError, RecipeError
from domainbert.recipe.corpus import StepSection
from domainbert.recipe.schema import Recipe

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
    steps = (*DEFAULT, ReadyStep(CorpusStep("shorten", apply), apply))
    with pytest.raises(DataError) as caught:
        list(run_steps(documents("one", "two"), steps, {}))
    assert str(caught.value).startswith("s:0: CorpusStep 'shorten'")
    assert reason in str(caught.value)


def drop_short(given: Any, drops: Any) -> Iterator[Document]:
    for document in given:
        if len(document.text) > 3:
            yield document
        else:
            drops.drop(document, "short", "of few letters")


def test_read_is_kept_and_dropped_by_reason_with_three_examples_of_each() -> None:
    counts: Counts = {}
    step = CorpusStep("long", drop_short)
    texts = ["three", "two", " ", "one", "three", "a", "b", "seven"]
    kept = list(run_steps(documents(*texts), (*DEFAULT, ReadyStep(step, drop_short)), counts))
    assert [document.text for document in kept] == ["three", "seven"]
    assert {name: (dict(+drops), drops.dropped) for name, drops in counts.items()} == {
        "normalise": ({"empty": 1}, 1), "exact-duplicates": ({"repeated": 1}, 1),
        "long": ({"short": 4}, 4),
    }  # fmt: skip
    assert len(texts) == len(kept) + sum(drops.dropped for drops in counts.values())
    assert [(d.text, note) for _, d, note in counts["long"].examples] == [
        ("two", "of few letters"), ("one", "of few letters"), ("a", "of few letters"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("items", "message"),
    [
        (["nomralise"], "corpus_steps.0: no CorpusStep 'nomralise'. Did you mean 'normalise'?"),
        ([StepSection.model_validate({"name": "normalise", "form": "NFD"})],
         "corpus_steps.0: normalise takes no options, found form."),
    ],
)  # fmt: skip
def test_steps_and_options_that_are_not_there_are_named(items: Any, message: str) -> None:
    with pytest.raises(RecipeError) as caught:
        find_steps(items)
    assert str(caught.value).startswith(message)


def split_up(given: Any, _drops: Any) -> Iterator[Document]:
    for document in given:
        yield document
        yield document


def test_a_step_that_adds_documents_is_refused() -> None:
    step = ReadyStep(CorpusStep("double", split_up), split_up)
    with pytest.raises(DataError, match="'double' yields 2 documents more than it took"):
        list(run_steps(documents("one", "two"), (step,), {}))


def test_a_step_is_named_once_with_options_or_without() -> None:
    steps = ["normalise", {"name": "normalise"}]
    recipe = {"name": "a", "base": "b", "corpus": [{"path": "x"}], "train": {"steps": 1}}
    with pytest.raises(ValidationError, match="normalise: twice; give each once"):
        Recipe.model_validate({**recipe, "corpus_steps": steps})
