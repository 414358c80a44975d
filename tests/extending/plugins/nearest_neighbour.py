"""A baseline: the labels of the training record whose words are most alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from math import sqrt

import domainbert


def words(text: str) -> Counter[str]:
    """Return the words of a text with their counts."""
    return Counter(text.casefold().split())


def likeness(one: Counter[str], other: Counter[str]) -> float:
    """Return the cosine of two bags of words."""
    common = sum(n * other[word] for word, n in one.items())
    lengths = (sqrt(sum(n * n for n in bag.values())) for bag in (one, other))
    return common / (next(lengths) * next(lengths) or 1.0)


def predict(loaded: domainbert.LoadedTask, seed: int) -> domainbert.Predictions:
    """Return the labels of the nearest record of train; the first of equals."""
    train = [(words(example.text), example.labels) for example in loaded.splits["train"]]
    predictions = {}
    for split in ("validation", "test"):
        rows = []
        for example in loaded.splits[split]:
            bag = words(example.text)
            _, labels = max(train, key=lambda record: likeness(bag, record[0]))
            rows.append(domainbert.Prediction(example.labels, labels, labels))
        predictions[split] = rows
    return predictions


@domainbert.hookimpl
def domainbert_components() -> Iterator[domainbert.Baseline]:
    """Yield the baseline."""
    yield domainbert.Baseline("nearest-neighbour", predict)
