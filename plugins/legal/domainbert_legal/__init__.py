"""Law for domainbert: terms, readers of contracts, EU law and opinions, tasks and a sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domainbert import Domain, hookimpl
from domainbert_legal.domain import LEGAL

if TYPE_CHECKING:
    from collections.abc import Iterable

    from domainbert import CorpusStep, TaskReader


@hookimpl
def domainbert_domains() -> Iterable[Domain]:
    """Yield the domain `legal`."""
    yield LEGAL


@hookimpl
def domainbert_components() -> Iterable[CorpusStep | TaskReader]:
    """Yield the step that takes boilerplate out of texts, and the formats of own files."""
    from domainbert_legal.boilerplate import BOILERPLATE
    from domainbert_legal.contract_nli import CONTRACT_NLI
    from domainbert_legal.cuad_questions import CUAD

    yield BOILERPLATE
    yield CONTRACT_NLI
    yield CUAD
