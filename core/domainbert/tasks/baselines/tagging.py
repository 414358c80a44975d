"""Baselines of tagging: the majority type per word, and dictionaries of terms or mentions."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

from domainbert.plugin.components import LoadedTask, Predictions
from domainbert.plugin.domain import Prediction
from domainbert.plugin.records import Sentence

Mention = tuple[int, int, str]
"""First word, end word, type."""
_Mentions = Callable[[Sentence], Iterator[Mention]]


def predict_majority_type(loaded: LoadedTask, seed: int) -> Predictions:
    """Return per word the type it has most often in training; equal neighbours are one mention."""
    seen: dict[str, Counter[str]] = defaultdict(Counter)
    for sentence in loaded.splits["train"]:
        for word, tag in zip(sentence.words, sentence.tags, strict=True):
            seen[word][tag[2:]] += 1
    best = {word: _most_frequent(types) for word, types in seen.items()}

    def mentions(sentence: Sentence) -> Iterator[Mention]:
        words = enumerate(sentence.words)
        return ((place, place + 1, best[word]) for place, word in words if best.get(word))

    return _predict(loaded, mentions, join=True)


def predict_dictionary(loaded: LoadedTask, seed: int) -> Predictions:
    """Return the longest terms of the domain, without regard to case and white space.

    The type of a term is its most frequent one in training, else the most frequent of all.
    """
    types = _mention_types(loaded)
    usual = _most_frequent(sum(types.values(), Counter()))
    terms = {_key([term]): usual for term in loaded.terms}
    terms |= {key: _most_frequent(types[key]) for key in terms.keys() & types.keys()}
    return _longest_matches(loaded, terms)


def predict_mentions(loaded: LoadedTask, seed: int) -> Predictions:
    """Return the longest mentions of training, without regard to case and white space.

    The type of a mention is the one that it has most often there.
    """
    types = _mention_types(loaded)
    return _longest_matches(loaded, {key: _most_frequent(own) for key, own in types.items()})


def _mention_types(loaded: LoadedTask) -> dict[str, Counter[str]]:
    """Return how often each mention of training has each type."""
    from seqeval.metrics.sequence_labeling import get_entities

    types: dict[str, Counter[str]] = defaultdict(Counter)
    for sentence in loaded.splits["train"]:
        for name, first, last in get_entities(list(sentence.tags)):
            types[_key(sentence.words[first : last + 1])][name] += 1
    return types


def _longest_matches(loaded: LoadedTask, terms: Mapping[str, str]) -> Predictions:
    """Return the longest terms in each sentence from the left, with their types."""
    longest = max(map(len, terms), default=0)

    def mentions(sentence: Sentence) -> Iterator[Mention]:
        first = 0
        while first < len(sentence.words):
            stop, key, match = first, "", None
            while stop < len(sentence.words) and len(key) <= longest:
                key += _key([sentence.words[stop]])
                stop += 1
                match = (first, stop, terms[key]) if key in terms else match
            if match:
                yield match
            first = match[1] if match else first + 1

    return _predict(loaded, mentions, join=False)


def _predict(loaded: LoadedTask, mentions: _Mentions, join: bool) -> Predictions:
    predictions = {}
    for split in ("validation", "test"):
        rows = []
        for sentence in loaded.splits[split]:
            tags = ["O"] * len(sentence.words)
            for first, stop, name in mentions(sentence):
                joined = join and first > 0 and tags[first - 1][2:] == name
                tags[first:stop] = [f"I-{name}"] * (stop - first)
                tags[first] = f"{'I' if joined else 'B'}-{name}"
            rows.append(Prediction(sentence.tags, tuple(tags), words=sentence.words))
        predictions[split] = tuple(rows)
    return predictions


def _key(words: Sequence[str]) -> str:
    return "".join("".join(words).casefold().split())


def _most_frequent(types: Counter[str]) -> str:
    return min(types, key=lambda name: (-types[name], name))
