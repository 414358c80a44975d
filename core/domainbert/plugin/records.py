"""Labelled records, one type per kind of task."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Sentence:
    """One tokenised sentence with a tag for each word.

    Args:
        words: The words as the data set tokenised them.
        tags: IOB2 tags, as many as `words`.
        document: Name of its document, whose sentences stay together where splits are cut.
    """

    words: tuple[str, ...]
    tags: tuple[str, ...]
    document: str = field(default="", compare=False, repr=False)


@dataclass(frozen=True)
class Example:
    """One text with its labels.

    Args:
        text: The text, untokenised.
        labels: Exactly one where the task has a single label, else any number, none included.
        document: Name of its document, whose texts stay together where splits are cut.
    """

    text: str
    labels: tuple[str, ...]
    document: str = field(default="", compare=False, repr=False)


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


@dataclass(frozen=True)
class Relation:
    """One text with two marked entities, and the label of what holds between them.

    Args:
        text: The text, untokenised and without marks.
        first: Offsets of the first entity: `text[start:end]`.
        second: Offsets of the second one; the two may overlap, but not be the same.
        labels: Exactly one; that of `Task.null_label` says that there is no relation.
        types: Types of the two entities; empty where none is known.
        document: Name of its document, whose records stay together where splits are cut.
    """

    text: str
    first: tuple[int, int]
    second: tuple[int, int]
    labels: tuple[str, ...]
    types: tuple[str, str] = ("", "")
    document: str = field(default="", compare=False, repr=False)


@dataclass(frozen=True)
class Question:
    """One question about a text, and what answers it there.

    Args:
        question: The question.
        context: The text that is searched for the answer.
        answers: Every answer that counts as right, each a part of the context; empty where the
            context has none.
        starts: Offset of each answer: `context[start : start + len(answer)]`.
        id: Its name in the file; may be empty.
        document: Name of its document, whose questions stay together where splits are cut.
    """

    question: str
    context: str
    answers: tuple[str, ...]
    starts: tuple[int, ...]
    id: str = ""
    document: str = field(default="", compare=False, repr=False)


@dataclass(frozen=True)
class Query:
    """A query and the documents that answer it.

    Args:
        text: The query, such as a title.
        documents: Its relevant documents, at least one. The candidates of a split are the documents
            of all its queries.
        document: Name of its group, whose queries stay together where splits are cut.
    """

    text: str
    documents: tuple[str, ...]
    document: str = field(default="", compare=False, repr=False)
