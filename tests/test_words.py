from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domainbert.words import content_words, is_letters, word_spans, words_of

TEXTS = {
    "English": ("It didn't cost 3.5 m\u00b2_a!", "It didn ' t cost 3 . 5 m\u00b2_a !"),
    "Chinese": ("\u65b0\u95fb2024\u5e74\u3002", "\u65b0 \u95fb 2024 \u5e74 \u3002"),
    "Japanese": ("\u60a3\u8005\u306f\u30c6\u30b9\u30c8",
    "\u60a3 \u8005 \u306f \u30c6\u30b9\u30c8"),
    "half-width Katakana": ("\uff71\uff7d\uff8b\uff9f\uff98\uff9d\u3092",
    "\uff71\uff7d\uff8b\uff9f\uff98\uff9d \u3092"),
    "Bopomofo and Yi": ("\u3105\u3106\ua188", "\u3105 \u3106 \ua188"),
    "Burmese": ("\u1019\u103c\u1014\u103a\u1019\u102c", "\u1019\u103c \u1014\u103a \u1019\u102c"),
    "Javanese": ("\ua997\ua9ae\ua9c0", "\ua997 \ua9ae\ua9c0"),
    "a soft hyphen, a zero-width space": ("in\u00adter a\u200bb", "in\u00adter a b"),
    "emoji": ("\U0001f469\u200d\U0001f467\U0001f1e9\U0001f1eaok",
    "\U0001f469\u200d\U0001f467 \U0001f1e9\U0001f1ea ok"),
    "decomposed Japanese": ("\u304b\u3099\u306f", "\u304b\u3099 \u306f"),
    "Thai": ("\u0e19\u0e49\u0e33\u0e44\u0e17\u0e22", "\u0e19\u0e49\u0e33 \u0e44 \u0e17 \u0e22"),
    "Hindi": ("\u0939\u093f\u0928\u094d\u0926\u0940 \u092e\u0947\u0902",
              "\u0939\u093f\u0928\u094d\u0926\u0940 \u092e\u0947\u0902"),
    "Tamil": ("\u0ba4\u0bae\u0bbf\u0bb4\u0bcd \u0bae\u0bca\u0bb4\u0bbf",
              "\u0ba4\u0bae\u0bbf\u0bb4\u0bcd \u0bae\u0bca\u0bb4\u0bbf"),
    "vowelled Arabic": ("\u0639\u064e\u0631\u064e\u0628\u0650\u064a\u0651\u064e\u0629\u061f",
                        "\u0639\u064e\u0631\u064e\u0628\u0650\u064a\u0651\u064e\u0629 \u061f"),
    "Persian": ("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
    "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"),
    "pointed Hebrew": ("\u05e9\u05b8\u05c1\u05dc\u05d5\u05b9\u05dd",
    "\u05e9\u05b8\u05c1\u05dc\u05d5\u05b9\u05dd"),
    "decomposed Yoruba": ("o\u0323\u0300ro\u0323\u0300 Yoru\u0300ba\u0301",
    "o\u0323\u0300ro\u0323\u0300 Yoru\u0300ba\u0301"),
    "decomposed Vietnamese": ("Tie\u0302\u0301ng Vie\u0323\u0302t",
    "Tie\u0302\u0301ng Vie\u0323\u0302t"),
    "Korean": ("\ud55c\uad6d\uc5b4, \ub2e8\uc5b4", "\ud55c\uad6d\uc5b4 , \ub2e8\uc5b4"),
}  # fmt: skip


@pytest.mark.parametrize("script", TEXTS)
def test_words_of_a_script(script: str) -> None:
    text, words = TEXTS[script]
    assert words_of(text) == words.split(" ")
    letters = [word for word in words.split(" ") if is_letters(word)]
    assert letters == [w for w in words.split(" ") if any(map(str.isalpha, w))]
    assert all(is_letters(word) for word in content_words(text) if not word.isdigit())


@pytest.mark.parametrize(
    "text", ["two words", "\u65b0\u95fb", "\u30c6\u30b9\u30c8\u3092", "12", "", "\u0301"]
)
def test_an_entry_is_one_word(text: str) -> None:
    assert not is_letters(text)


def test_words_with_content_are_long_or_of_a_script_without_blanks() -> None:
    assert content_words("It's 3.5 mg, \u65b0\u95fb\u3002") == ["It", "mg", "\u65b0", "\u95fb"]


@given(st.text())
def test_words_and_white_space_are_the_whole_text(text: str) -> None:
    spans = word_spans(text)
    assert all(text[start:stop] and not text[start:stop].isspace() for start, stop in spans)
    assert all(unicodedata.category(text[start])[0] != "M" for start, _ in spans)
    ends = [0, *(place for span in spans for place in span), len(text)]
    for start, stop in zip(ends[::2], ends[1::2], strict=True):
        assert all(
            c.isspace() or unicodedata.category(c) in {"Cf", "Mn", "Mc", "Me"}
            for c in text[start:stop]
        )
