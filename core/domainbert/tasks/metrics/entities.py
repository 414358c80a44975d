"""Entity scores; seqeval defines the entities.

Two readings of the same tags are in use. *Strict* (the primary metric): a mention exists only if it
is well-formed IOB2, and counts if start, end and type are right. *Default* (conlleval): an `I-` may
open a mention. They differ by a point of F1 on noisy predictions, so both are reported by name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from domainbert.plugin.components import Metric
from domainbert.plugin.domain import Prediction
from domainbert.tasks.metrics.labels import f1, recall, share

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def strict_counts(predictions: Sequence[Prediction]) -> NDArray[np.int64]:
    """Return (right, predicted, gold) well-formed IOB2 mentions per sentence; int64, (N, 3)."""
    from seqeval.scheme import IOB2, Tokens

    return _counts(predictions, lambda tags: set(Tokens(list(tags), IOB2).entities))


def default_counts(predictions: Sequence[Prediction]) -> NDArray[np.int64]:
    """Return (right, predicted, gold) conlleval mentions per sentence; int64, (N, 3)."""
    from seqeval.metrics.sequence_labeling import get_entities

    return _counts(predictions, lambda tags: set(get_entities(list(tags))))


def _counts(predictions: Sequence[Prediction], entities: Callable[..., Any]) -> NDArray[np.int64]:
    import numpy as np

    pairs = [(entities(p.gold), entities(p.predicted)) for p in predictions]
    rows = [(len(gold & guess), len(guess), len(gold)) for gold, guess in pairs]
    return np.array(rows, dtype=np.int64).reshape(-1, 3)


METRICS = (
    Metric("f1_strict", "F1 of mentions, strict IOB2", strict_counts, f1),
    Metric("precision_strict", "Precision, strict IOB2", strict_counts, share, shown=False),
    Metric("recall_strict", "Recall, strict IOB2", strict_counts, recall, shown=False),
    Metric("f1_default", "F1 of mentions as conlleval counts them", default_counts, f1),
)
