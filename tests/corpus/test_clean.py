from __future__ import annotations

import hashlib
import unicodedata
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domainbert import Document
from domainbert.corpus.clean import CleanDocument, clean, normalise

# Text as it comes: also lone surrogates, controls, and marks that combine.
WILD = st.text(
    st.characters() | st.sampled_from("ab e\u0301\u0327\r\n\t\x00\x85\u2028\ufeff\u2000")
)


@given(WILD)
def test_normalising_twice_is_normalising_once(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


@given(WILD)
def test_normalised_text_is_composed_encodable_and_has_single_blanks_and_newlines(
    text: str,
) -> None:
    found = normalise(text)
    assert found == unicodedata.normalize("NFC", found)
    assert found.encode().decode() == found
    assert found.split() == found.replace("\n", " ").split(" ") or found == ""
    assert {c for c in found if c.isspace()} <= {" ", "\n"}
    assert {unicodedata.category(c) for c in found if c != "\n"}.isdisjoint({"Cc", "Cs"})


@given(WILD)
def test_normalising_changes_no_word(text: str) -> None:
    letters = [c for c in unicodedata.normalize("NFC", text) if c.isalnum()]
    assert [c for c in normalise(text) if c.isalnum()] == letters


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a  b\tc", "a b c"),
        ("a \r\n \n\r b", "a\nb"),
        ("cafe\u0301", "café"),
        ("a\u00a0b\u3000c\u2028d", "a b c d"),
        ("\ufeffa\x00b\x85c", "a b c"),
        ("a\ud800b", "a b"),
        ("ﬁne ½", "ﬁne ½"),
        ("  \n\t\r\n", ""),
        ("A b.\nC", "A b.\nC"),
    ],
)
def test_what_becomes_of_white_space_controls_and_accents(text: str, expected: str) -> None:
    assert normalise(text) == expected


@given(
    st.lists(
        st.sampled_from(["one", " one ", "two", "", " \n", "th\u0072ee", "cafe\u0301", "café"])
    )
)
def test_what_was_read_is_kept_empty_or_repeated(texts: list[str]) -> None:
    counts: Counter[str] = Counter()
    documents = [Document(str(i), text, f"s:{i}") for i, text in enumerate(texts)]
    kept = list(clean(documents, counts))
    distinct = list(dict.fromkeys(filter(None, map(normalise, texts))))
    assert [document.text for document in kept] == distinct
    assert counts["read"] == len(texts)
    assert counts["kept"] == len(kept)
    assert counts["empty"] == sum(not normalise(text) for text in texts)
    assert counts["read"] == counts["kept"] + counts["empty"] + counts["repeated"]


def test_of_repeats_the_first_is_kept_with_its_id_source_and_hash() -> None:
    documents = [
        Document("a", " \n", "s:1"),
        Document("b", "one\r\n", "s:2"),
        Document("c", " one", "s:3"),
    ]
    counts: Counter[str] = Counter()
    assert list(clean(documents, counts)) == [
        CleanDocument("b", "one", "s:2", hashlib.sha256(b"one").digest())
    ]
    assert counts == {"read": 3, "kept": 1, "empty": 1, "repeated": 1}


def test_documents_are_cleaned_as_they_come() -> None:
    counts: Counter[str] = Counter()
    documents = clean((Document(str(i), str(i), "s") for i in range(10**9)), counts)
    assert [next(documents).text for _ in range(3)] == ["0", "1", "2"]
    assert counts["read"] == 3
