"""Biomedicine for domainbert: terms, a PubMed reader, disease-name tasks and a sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domainbert import Domain, hookimpl
from domainbert_bio.domain import BIO

if TYPE_CHECKING:
    from collections.abc import Iterable


@hookimpl
def domainbert_domains() -> Iterable[Domain]:
    """Yield the domain `bio`."""
    yield BIO
