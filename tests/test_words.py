from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domainbert.training.held_out import hidden_words
from domainbert.words import is_letters, word_spans, words_of

TEXTS = {
    "English": ("It didn't cost 3.5 m\u00b2_a!", "It didn ' t cost 3 . 5 m\u00b2_a !"),
    "Chinese": ("\u65b0\u95fb2024\u5e74\u3002", "\u65b0 \u95fb 2024 \u5e74 \u3002"),
    "Japanese": ("\u60a3\u8005\u306f\u30c6\u30b9\u30c8",
    "\u60a3 \u8005 \u306f \u30c6 \u30b9 \u30c8"),
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


@given(st.text())
def test_words_and_white_space_are_the_whole_text(text: str) -> None:
    spans = word_spans(text)
    assert all(text[start:stop] and not text[start:stop].isspace() for start, stop in spans)
    assert all(unicodedata.category(text[start])[0] != "M" for start, _ in spans)
    ends = [0, *(place for span in spans for place in span), len(text)]
    for start, stop in zip(ends[::2], ends[1::2], strict=True):
        assert all(
            c.isspace() or c in "\u200c\u200d" or unicodedata.category(c)[0] == "M"
            for c in text[start:stop]
        )


@pytest.mark.parametrize("letters", [range(0x4E00, 0x5000), range(0x0E01, 0x0E2F)])
def test_about_fifteen_per_cent_of_a_text_without_blanks_are_hidden(letters: range) -> None:
    texts = [
        "".join(chr(letters[(n * 7 + k * k) % len(letters)]) for k in range(30)) for n in range(200)
    ]
    hidden = [sum(stop - start for start, stop in hidden_words(text)) for text in texts]
    assert 0.13 < sum(hidden) / sum(map(len, texts)) < 0.19
    assert max(hidden) < 30
