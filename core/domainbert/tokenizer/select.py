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
        pieces: The entries it stands in place of.
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
    options, replaced = _options(candidates, prefix)
    best: Best = {}
    least = max(1.0, min_gain * candidates.tokens / 1e6)
    # Gains only fall while others are chosen, so a stale one at the top is computed again.
    heap = [(-_gain(entry, options, best, candidates.counts), entry) for entry in options]
    heapq.heapify(heap)
    chosen: set[str] = set()
    while True:
        while heap and (size is None or len(chosen) < size) and -heap[0][0] >= least:
            stale, entry = heapq.heappop(heap)
            gain = _gain(entry, options, best, candidates.counts)
            if gain != -stale:
                heapq.heappush(heap, (-gain, entry))
                continue
            _take(entry, options, best)
            chosen.add(entry)
        # An ending that one word is left of becomes that word, which saves more. An ending whose
        # words all got entries is not in `best`, and so dropped.
        left = Counter(entry for _, entry in best.values())
        for word, (_, entry) in list(best.items()):
            if left[entry] == 1:
                _take(word, options, best)
        reached = {entry for _, entry in best.values()}
        if reached == chosen:
            break
        chosen = reached
    if not chosen:
        raise DataError(_nothing(candidates, min_gain))
    return _entries(candidates, best, replaced)


def _gain(entry: str, options: Options, best: Best, counts: Counter[str]) -> int:
    return sum(
        counts[word] * max(0, saving - best.get(word, (0, ""))[0])
        for word, saving in options[entry]
    )


def _take(entry: str, options: Options, best: Best) -> None:
    for word, saving in options[entry]:
        if saving > best.get(word, (0, ""))[0]:
            best[word] = (saving, entry)


def _options(candidates: Candidates, prefix: str) -> tuple[Options, dict[str, tuple[str, ...]]]:
    """Return for each possible entry the words it shortens and by how much, and its pieces."""
    options: Options = defaultdict(list)
    replaced: dict[str, tuple[str, ...]] = {}
    for word, pieces in candidates.pieces.items():
        place = 0
        for number in range(len(pieces) - 1):
            entry = word if number == 0 else prefix + word[place:]
            options[entry].append((word, len(pieces) - 1 - number))
            replaced[entry] = pieces[number:]
            place += len(pieces[number]) - (len(prefix) if number else 0)
    return dict(options), replaced


def _entries(candidates: Candidates, best: Best, replaced: dict[str, tuple[str, ...]]) -> Chosen:
    saved: dict[str, int] = defaultdict(int)
    for word, (saving, entry) in best.items():
        saved[entry] += candidates.counts[word] * saving
    entries = [
        Entry(text, replaced[text], number, text in candidates.term_words)
        for text, number in saved.items()
    ]
    return tuple(sorted(entries, key=lambda entry: (-entry.saved, entry.text))), tuple(sorted(best))


def _nothing(candidates: Candidates, min_gain: float) -> str:
    if candidates.pieces:
        return (
            f"No entry saves {min_gain:g} tokens per million. "
            f"The best of {len(candidates.pieces):,} words saves less: lower `min_gain`."
        )
    terms = ", ".join(f"{count:,} {fate}" for fate, count in candidates.terms.items())
    return (
        f"No word can be added: the text has {candidates.tokens:,} tokens, and no word of it that "
        f"is cut into pieces is a term or occurs often enough (terms: {terms}). Give more text, or "
        "lower `min_frequency`."
    )
