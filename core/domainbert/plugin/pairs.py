"""Labelled records of two texts, of a question with choices, and of texts with a number."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Pair:
    """Two texts and the label of what holds between them.

    Args:
        text: The first text, such as a premise.
        second: The second text, such as a hypothesis.
        labels: Exactly one.
        document: Name of its group, whose pairs stay together where splits are cut.
    """

    text: str
    second: str
    labels: tuple[str, ...]
    document: str = field(default="", compare=False, repr=False)


@dataclass(frozen=True)
class Choices:
    """A question, its choices, and which of them is right.

    Args:
        text: The question, with its context where there is one.
        choices: Texts of the choices, called A, B, C and so on.
        labels: Letter of the right choice; exactly one.
        document: Name of its group, whose questions stay together where splits are cut.
    """

    text: str
    choices: tuple[str, ...]
    labels: tuple[str, ...]
    document: str = field(default="", compare=False, repr=False)


@dataclass(frozen=True)
class Rating:
    """A text, or a pair of texts, and its number, such as a similarity.

    Args:
        text: The text, or the first of the pair.
        score: Finite, in any unit.
        second: The second text; empty where there is none.
        document: Name of its group, whose records stay together where splits are cut.
    """

    text: str
    score: float
    second: str = ""
    document: str = field(default="", compare=False, repr=False)
