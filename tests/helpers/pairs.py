"""Made-up pairs of texts, questions with choices, and numbers, that a tiny model learns."""

from __future__ import annotations

from typing import Any

from domainbert.plugin.components import LoadedTask
from domainbert.plugin.records import Choices, Pair, Query, Rating
from helpers.tasks import labelled
from helpers.town import PEOPLE, PLACES

_PARTS = {"train": (0, 48), "validation": (48, 16), "test": (64, 16)}


def _task(kind: str, labels: tuple[str, ...], record: Any, **splits: Any) -> LoadedTask:
    made = {
        split: tuple(record(n) for n in range(first, first + count))
        for split, (first, count) in _PARTS.items()
    }
    return LoadedTask(labelled(kind, *labels), {**made, **splits})


def pairs(**splits: tuple[Pair, ...]) -> LoadedTask:
    """Return a task: the second text is about a place or about a person."""
    return _task("pairs", ("no", "yes"), _pair, **splits)


def _pair(number: int) -> Pair:
    second = PLACES[number // 2 % 4] if number % 2 else PEOPLE[number // 2 % 4]
    first = f"the {PEOPLE[number % 4]} of the {PLACES[number // 4 % 4]} moved"
    return Pair(first, f"the {second} was old", ("yes" if number % 2 else "no",))


def questions(**splits: tuple[Choices, ...]) -> LoadedTask:
    """Return a task: of two people and a place, the place is the right choice."""
    return _task("multiple-choice", ("A", "B", "C"), _question, **splits)


def _question(number: int) -> Choices:
    choices = [PEOPLE[number % 4], PEOPLE[(number + 1) % 4]]
    choices.insert(number % 3, PLACES[number // 3 % 4])
    texts = tuple(f"the {choice}" for choice in choices)
    return Choices("what was old", texts, ("ABC"[number % 3],))


def ratings(paired: bool = False, **splits: tuple[Rating, ...]) -> LoadedTask:
    """Return a task: 250 for people, 150 for places, and up to 3 more for the person or place."""

    def rating(number: int) -> Rating:
        names, base = (PLACES, 150) if number % 2 else (PEOPLE, 250)
        text = f"the {names[number // 2 % 4]} was old"
        second = "the candle moved" if paired else ""
        return Rating(text, base + number // 2 % 4, second)

    return _task("regression", (), rating, **splits)


def queries(train: bool = False, **splits: tuple[Query, ...]) -> LoadedTask:
    """Return a task: what was said of people is found by their name; some have two documents."""
    loaded = _task("retrieval", (), _query)
    made = dict(loaded.splits) if train else {**loaded.splits, "train": ()}
    return LoadedTask(loaded.task, {**made, **splits})


def _query(number: int) -> Query:
    who, where = PEOPLE[number % 4], PLACES[number // 4 % 4]
    found = tuple(f"{number} the {who} {deed} {where}" for deed in ("moved", "left"))
    return Query(f"{number} the {who}", found[: 1 + number % 2])
