"""The components of core, declared by the hook that plugins use."""

from __future__ import annotations

from collections.abc import Iterator

from domainbert.plugin.components import Component
from domainbert.plugin.hookspecs import hookimpl


@hookimpl
def domainbert_components() -> Iterator[Component]:
    """Yield the built-in task kinds, metrics, baselines, readers, steps and objectives."""
    from domainbert.training.objectives.masked_lm import MASKED_LM
    from domainbert.training.objectives.sentence_pairs import SENTENCE_PAIRS

    yield from (MASKED_LM, SENTENCE_PAIRS)
