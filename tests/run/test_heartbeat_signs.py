"""Long work that is no loop of steps tells the supervisor that it goes on."""

from __future__ import annotations

from collections import Counter

import pytest

from domainbert.testing.tiny import tiny_tokenizer
from domainbert.tokenizer import candidates
from domainbert.tokenizer import select as choose
from domainbert.tokenizer import wordpiece as cutting
from domainbert.tokenizer.wordpiece import open_words


def test_choosing_a_vocabulary_gives_signs_of_life(monkeypatch: pytest.MonkeyPatch) -> None:
    told: Counter[str] = Counter()
    for module in (candidates, choose, cutting):
        monkeypatch.setattr(module, "heartbeat", lambda where: told.update([where]))
    words = open_words(tiny_tokenizer("bert"))
    counts = Counter({"baker": 9, "kilogram": 5, "kilometre": 4})
    found = candidates.find_candidates(words, counts, ["kilogram"], 1)
    assert choose.choose_entries(found, words.prefix, choose.Budget(2, 0.0)).entries
    assert (told["cutting words"], told["sorting terms"], told["trying words"]) == (3, 1, 1)
    assert told["choosing entries"] >= 2
