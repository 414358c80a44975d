"""The components of core, declared by the hook that plugins use."""

from __future__ import annotations

from collections.abc import Iterator

from domainbert.plugin.components import Baseline, Component
from domainbert.plugin.hookspecs import hookimpl


@hookimpl
def domainbert_components() -> Iterator[Component]:
    """Yield the built-in task kinds, metrics, baselines, readers, steps and objectives."""
    yield from _of_tasks()


def _of_tasks() -> Iterator[Component]:
    from domainbert.tasks.baselines import classification, tagging
    from domainbert.tasks.kinds.classification import CLASSIFICATION
    from domainbert.tasks.kinds.tagging import TAGGING
    from domainbert.tasks.metrics import entities, labels

    yield TAGGING
    yield CLASSIFICATION
    yield from entities.METRICS
    yield from labels.METRICS
    yield Baseline("majority", classification.predict_majority)
    yield Baseline("tfidf-svm", classification.predict_tfidf_svm)
    yield Baseline("majority-type", tagging.predict_majority_type)
    yield Baseline("dictionary", tagging.predict_dictionary)
