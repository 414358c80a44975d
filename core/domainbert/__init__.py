"""Adapt a BERT-family model to a field and show whether it helped."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from domainbert.errors import DataError, DomainBertError, UserError
from domainbert.plugin.components import (
    Baseline,
    LoadedTask,
    Objective,
    Predictions,
    TaskKind,
    TaskReader,
)
from domainbert.plugin.domain import Corpus, Document, Domain, Prediction, Task, Terms, Window
from domainbert.plugin.hookspecs import hookimpl
from domainbert.plugin.metric import Metric
from domainbert.plugin.places import DataFile, Feed, HubData, RemoteFile
from domainbert.plugin.records import (
    Choices,
    Example,
    Pair,
    Query,
    Question,
    Rating,
    Relation,
    Sentence,
)
from domainbert.plugin.steps import CorpusReader, CorpusStep

if TYPE_CHECKING:
    from domainbert.api import Evaluation, adapt, evaluate
    from domainbert.recipe.resolve import load_recipe
    from domainbert.report.card import RunSummary
    from domainbert.report.compare import TaskReport
    from domainbert.tasks.kinds.classification import CLASSIFICATION
    from domainbert.tasks.kinds.multiple_choice import MULTIPLE_CHOICE
    from domainbert.tasks.kinds.pairs import PAIRS
    from domainbert.tasks.kinds.regression import REGRESSION
    from domainbert.tasks.kinds.tagging import TAGGING

__version__ = "0.1.0"

__all__ = [
    "CLASSIFICATION", "MULTIPLE_CHOICE", "PAIRS", "REGRESSION", "TAGGING", "Baseline", "Choices",
    "Corpus", "CorpusReader", "CorpusStep", "DataError", "DataFile", "Document", "Domain",
    "DomainBertError", "Evaluation", "Example", "Feed", "HubData", "LoadedTask", "Metric",
    "Objective", "Pair", "Prediction", "Predictions", "Query", "Question", "Rating", "Relation",
    "RemoteFile", "RunSummary", "Sentence", "Task", "TaskKind", "TaskReader", "TaskReport", "Terms",
    "UserError", "Window", "adapt", "evaluate", "hookimpl", "load_recipe",
]  # fmt: skip


_LATE = {
    "Evaluation": "domainbert.api",
    "RunSummary": "domainbert.report.card",
    "TaskReport": "domainbert.report.compare",
    "adapt": "domainbert.api",
    "evaluate": "domainbert.api",
    "CLASSIFICATION": "domainbert.tasks.kinds.classification",
    "MULTIPLE_CHOICE": "domainbert.tasks.kinds.multiple_choice",
    "PAIRS": "domainbert.tasks.kinds.pairs",
    "REGRESSION": "domainbert.tasks.kinds.regression",
    "TAGGING": "domainbert.tasks.kinds.tagging",
    "load_recipe": "domainbert.recipe.resolve",
}


def __getattr__(name: str) -> Any:
    # Imported on first use: a plugin that imports `domainbert` must not pay for pydantic and YAML.
    if name in _LATE:
        return getattr(import_module(_LATE[name]), name)
    raise AttributeError(f"module 'domainbert' has no attribute {name!r}")
