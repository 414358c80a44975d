"""Rows of tables of every kind whose record is no single text: what a model reads of a record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from domainbert.plugin.components import LoadedTask
from helpers import pairs, tasks

LOADED: dict[str, Callable[[], LoadedTask]] = {
    "pairs": pairs.pairs,
    "multiple-choice": pairs.questions,
    "regression": pairs.ratings,
    "rated pairs": lambda: pairs.ratings(True),
    "relation": tasks.relation,
    "question-answering": lambda: tasks.question_answering(unanswered=True),
}
"""A made-up task of each kind."""
FIELDS = ("text", "second", "choices", "first", "question", "context")


def row_of(record: Any) -> dict[str, Any]:
    """Return the fields of a record that a model reads, as a row has them."""
    row = {name: getattr(record, name, "") for name in FIELDS}
    return {name: value for name, value in row.items() if value}
