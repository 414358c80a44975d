"""Which words may be given an entry: words of the field's terms, and words mined from its text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from typing import Any

from domainbert.tokenizer.wordpiece import cut_word, split_words, untouched_words
from domainbert.words import is_letters

# Longer words of a text are sequences, file contents or typing errors rather than words.
_LONGEST_MINED = 40


@dataclass(frozen=True)
class Candidates:
    """Words that an entry would shorten.

    Args:
        pieces: Pieces of each word, at least two.
        counts: How often each occurs, at least once.
        term_words: Those that are in a term.
        terms: Number of terms: `read`; `distinct` words; `usable`, with a word that is a candidate;
            `whole`, whose words are one piece each already.
        tokens: Tokens of the text.
    """

    pieces: dict[str, tuple[str, ...]]
    counts: Counter[str]
    term_words: set[str]
    terms: dict[str, int]
    tokens: int


def find_candidates(
    tokenizer: Any, counts: Counter[str], terms: Iterable[str], min_frequency: int | None
) -> Candidates:
    """Return the candidates of a text.

    Args:
        tokenizer: One that `check_wordpiece` accepts.
        counts: Words of the text that is trained on.
        terms: The field's lexicon.
        min_frequency: Mine words that occur at least this often; None takes words of terms alone.
    """
    pieces = {word: cut_word(tokenizer, word) for word in counts}
    split = [word for word in pieces if len(pieces[word]) > 1 and is_suitable(tokenizer, word)]
    untouched = untouched_words(tokenizer, split)
    of_terms, term_counts = sort_terms(tokenizer, terms, untouched)
    mined = set[str]()
    if min_frequency is not None:
        mined = {w for w in untouched if counts[w] >= min_frequency and len(w) <= _LONGEST_MINED}
    wanted = sorted(of_terms | mined)
    tokens = sum(count * len(pieces[word]) for word, count in counts.items())
    wanted_counts = Counter({word: counts[word] for word in wanted})
    return Candidates({w: pieces[w] for w in wanted}, wanted_counts, of_terms, term_counts, tokens)


def is_suitable(tokenizer: Any, word: str) -> bool:
    """Return whether a word may become an entry: letters and digits, at least one letter.

    Other words stay as they are: held-out text is masked by words, and a word there must not be
    joined to a sign beside it.
    """
    longest = tokenizer.backend_tokenizer.model.max_input_chars_per_word
    return len(word) < longest and is_letters(word)


def sort_terms(
    tokenizer: Any, terms: Iterable[str], usable: set[str]
) -> tuple[set[str], dict[str, int]]:
    """Return the usable words of terms, and the counts of `Candidates.terms`.

    Args:
        tokenizer: Cuts terms into words.
        terms: As written; none of them is an error.
        usable: Words of the text that an entry could shorten.
    """
    read = [tuple(split_words(tokenizer, term)) for term in terms]
    distinct = {words for words in read if words}
    unknown = (tokenizer.unk_token,)
    cut = {word: cut_word(tokenizer, word) for words in distinct for word in words}
    whole = {word for word, pieces in cut.items() if len(pieces) == 1 and pieces != unknown}
    return usable.intersection(chain(*distinct)), {
        "read": len(read),
        "distinct": len(distinct),
        "usable": sum(not usable.isdisjoint(words) for words in distinct),
        "whole": sum(whole.issuperset(words) for words in distinct),
    }
