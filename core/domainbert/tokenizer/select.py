"""Choose the entries that save most tokens, counted exactly.

An entry is a whole word (`angioplasty`), or the end of words (`##zygous`) that begins where one of
their pieces begins. A word is shortened by one entry at most, its longest; so what a set of entries
saves is known without tokenising anything again. Choosing greedily comes within 37 % of the best
set of that size, since savings have diminishing returns (Nemhauser, Wolsey and Fisher 1978,
doi:10.1007/BF01588971).
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import accumulate
from operator import itemgetter

from domainbert.errors import DataError
from domainbert.tokenizer.candidates import Candidates

Options = dict[str, list[tuple[str, int]]]
"""Possible entry → words that it shortens, and by how many pieces."""
Best = dict[str, tuple[int, str]]
"""Word → the pieces that it is shortened by so far, and the entry that does it."""


@dataclass(frozen=True)
class Entry:
    """A new entry of the vocabulary.

    Args:
        text: A word, or the end of words with the prefix of continuations.
        pieces: The entries that it replaces.
        saved: Tokens of the corpus that it saves.
        term: Whether it is a word of a term.
    """

    text: str
    pieces: tuple[str, ...]
    saved: int
    term: bool


Chosen = tuple[tuple[Entry, ...], tuple[str, ...]]
"""Entries, by tokens saved, most first; and every word that is cut otherwise with them, sorted."""


def choose_entries(
    candidates: Candidates, prefix: str, size: int | None = None, min_gain: float = 0.0
) -> Chosen:
    """Return entries chosen greedily; the same input gives the same choice.

    Args:
        candidates: Words that an entry would shorten.
        prefix: Of pieces inside a word, `##`.
        size: Largest number of entries; None for all that gain enough.
        min_gain: Tokens per million of the corpus that an entry saves when it is chosen.

    Raises:
        DataError: Not a single entry can be chosen.
    """
    options = _options(candidates, prefix)
    best: Best = {}
    counts, least = candidates.counts, max(1.0, min_gain * candidates.tokens / 1e6)

    def gain(entry: str) -> int:
        words = options[entry]
        return sum(counts[w] * max(0, saving - best.get(w, (0, ""))[0]) for w, saving in words)

    # Gains only fall while others are taken, so a stale one at the top is computed again.
    heap = [(-gain(entry), entry) for entry in options]
    heapq.heapify(heap)
    taken: set[str] = set()
    while True:
        while heap and (size is None or len(taken) < size) and -heap[0][0] >= least:
            stale, entry = heapq.heappop(heap)
            if gain(entry) != -stale:
                heapq.heappush(heap, (-gain(entry), entry))
                continue
            _take(entry, options, best)
            taken.add(entry)
        # An ending that one word is left of becomes that word, which saves more. An ending whose
        # words all got entries is not in `best`, and so dropped.
        left = Counter(entry for _, entry in best.values())
        for word, (_, entry) in list(best.items()):
            if left[entry] == 1:
                _take(word, options, best)
        reached = {entry for _, entry in best.values()}
        if reached == taken:
            break
        taken = reached
    if not taken:
        raise DataError(_nothing(candidates, min_gain))
    return _entries(candidates, best), tuple(sorted(best))


def _take(entry: str, options: Options, best: Best) -> None:
    for word, saving in options[entry]:
        best[word] = max(best.get(word, (0, "")), (saving, entry), key=itemgetter(0))


def _options(candidates: Candidates, prefix: str) -> Options:
    """Return for each possible entry the words that it shortens, and by how much."""
    options: Options = defaultdict(list)
    for word, pieces in candidates.pieces.items():
        places = accumulate(len(piece.removeprefix(prefix)) for piece in pieces)
        starts = [0, *places][: len(pieces) - 1]
        for number, start in enumerate(starts):
            entry = prefix + word[start:] if number else word
            options[entry].append((word, len(pieces) - 1 - number))
    return options


def _entries(candidates: Candidates, best: Best) -> tuple[Entry, ...]:
    saved, pieces = Counter[str](), dict[str, tuple[str, ...]]()
    for word, (saving, entry) in best.items():
        saved[entry] += candidates.counts[word] * saving
        pieces[entry] = candidates.pieces[word][-saving - 1 :]
    entries = [Entry(e, pieces[e], saved[e], e in candidates.term_words) for e in saved]
    return tuple(sorted(entries, key=lambda entry: (-entry.saved, entry.text)))


def _nothing(candidates: Candidates, min_gain: float) -> str:
    if candidates.pieces:
        return (
            f"No entry saves {min_gain:g} tokens per million. "
            f"The best of {len(candidates.pieces):,} words saves less: lower `min_gain`."
        )
    terms = ", ".join(f"{count:,} {name}" for name, count in candidates.terms.items())
    return (
        f"No word can be added: the text has {candidates.tokens:,} tokens, and no split word of it "
        f"is a term or frequent (terms: {terms}). Give more text, or lower `min_frequency`."
    )
