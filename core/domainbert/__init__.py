"""Adapt a BERT-family model to a field and show whether it helped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from domainbert.errors import DataError, DomainBertError, UserError
from domainbert.plugin.components import (
    Baseline,
    CorpusReader,
    CorpusStep,
    Metric,
    Objective,
    TaskKind,
)
from domainbert.plugin.domain import (
    Corpus,
    DataFile,
    Document,
    Domain,
    Example,
    Sentence,
    Task,
    Terms,
)
from domainbert.plugin.hookspecs import hookimpl

if TYPE_CHECKING:
    from domainbert.recipe.resolve import load_recipe

__version__ = "0.1.0"

__all__ = [
    "Baseline",
    "Corpus",
    "CorpusReader",
    "CorpusStep",
    "DataError",
    "DataFile",
    "Document",
    "Domain",
    "DomainBertError",
    "Example",
    "Metric",
    "Objective",
    "Sentence",
    "Task",
    "TaskKind",
    "Terms",
    "UserError",
    "hookimpl",
    "load_recipe",
]


def __getattr__(name: str) -> Any:
    # Loaded on first use: a plugin that imports `domainbert` must not pay for pydantic and YAML.
    if name == "load_recipe":
        from domainbert.recipe.resolve import load_recipe

        return load_recipe
    raise AttributeError(f"module 'domainbert' has no attribute {name!r}")
