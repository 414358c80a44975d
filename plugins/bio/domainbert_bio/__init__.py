"""Biomedicine for domainbert: terms, a PubMed reader, disease-name tasks and a sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domainbert import Domain, hookimpl
from domainbert_bio.domain import BIO

if TYPE_CHECKING:
    from collections.abc import Iterable

    from domainbert import CorpusStep


@hookimpl
def domainbert_domains() -> Iterable[Domain]:
    """Yield the domain `bio`."""
    yield BIO


@hookimpl
def domainbert_components() -> Iterable[CorpusStep]:
    """Yield the step that takes boilerplate out of texts."""
    from domainbert_bio.boilerplate import BOILERPLATE

    yield BOILERPLATE
