"""Clinical notes for domainbert: readers, steps on by default, section tasks, terms, a sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domainbert import Domain, hookimpl
from domainbert_clinical.domain import CLINICAL

if TYPE_CHECKING:
    from collections.abc import Iterable

    from domainbert import CorpusStep, TaskReader


@hookimpl
def domainbert_domains() -> Iterable[Domain]:
    """Yield the domain `clinical`."""
    yield CLINICAL


@hookimpl
def domainbert_components() -> Iterable[CorpusStep | TaskReader]:
    """Yield the steps of notes and the readers of labelled files that the user brings."""
    from domainbert_clinical.concepts import CONCEPTS
    from domainbert_clinical.deid import DEID
    from domainbert_clinical.mednli import MEDNLI
    from domainbert_clinical.personal import PERSONAL_DATA
    from domainbert_clinical.placeholders import PLACEHOLDERS
    from domainbert_clinical.sections import SECTIONS

    yield from (SECTIONS, PLACEHOLDERS, PERSONAL_DATA, CONCEPTS, DEID, MEDNLI)
