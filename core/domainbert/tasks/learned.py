"""Whether a fine-tuned model has plainly not learned, and what to change then."""

from __future__ import annotations

import math
from collections.abc import Sequence

from domainbert.plugin.domain import Prediction
from domainbert.tasks.candidate import Candidate
from domainbert.tasks.learning import count_steps


def says_one_thing(predictions: Sequence[Prediction]) -> bool:
    """Tell whether a model says the same of every record, and the gold labels do not.

    A tagger says one thing if each word has the same tag, as `O` where it finds no mention.
    """
    said = {label for p in predictions for label in p.predicted or ("",)}
    gold = {label for p in predictions for label in p.gold or ("",)}
    return len(said) < 2 <= len(gold)


def learned_nothing(tuned: Candidate) -> str:
    """Return the notice on a model that says one thing of all records."""
    settings, records = tuned.settings, tuned.loaded.splits["train"]
    per_epoch = math.ceil(len(tuned.windows["train"]) / settings.batch_size)
    steps = count_steps(settings, per_epoch)
    cure = "`evaluate.steps`" if settings.steps else "`evaluate.epochs` or `evaluate.min_steps`"
    return (
        f"it predicts the same for every record of test, so it has not learned: {steps:,} steps "
        f"at rate {settings.learning_rate:g} on {len(records):,} {tuned.kind.noun}s. "
        f"Raise {cure}, then `evaluate.learning_rate`"
    )
