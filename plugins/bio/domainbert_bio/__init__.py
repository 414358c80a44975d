"""Biomedicine for domainbert: terms, readers of its formats, benchmark tasks and a sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domainbert import Domain, hookimpl
from domainbert_bio.domain import BIO

if TYPE_CHECKING:
    from collections.abc import Iterable

    from domainbert import CorpusStep, TaskReader


@hookimpl
def domainbert_domains() -> Iterable[Domain]:
    """Yield the domain `bio`."""
    yield BIO


@hookimpl
def domainbert_components() -> Iterable[CorpusStep | TaskReader]:
    """Yield the step that takes boilerplate out of texts, and the readers of relations."""
    from domainbert import TaskReader
    from domainbert_bio.boilerplate import BOILERPLATE
    from domainbert_bio.chemprot import read_chemprot
    from domainbert_bio.ddi import read_ddi
    from domainbert_bio.related import read_related

    yield BOILERPLATE
    yield TaskReader("chemprot", "relation", (), read_chemprot)
    yield TaskReader("ddi", "relation", (".xml",), read_ddi)
    yield TaskReader("pubtator-relations", "relation", (".pubtator",), read_related)
