"""General tasks and text for domainbert: what an adapted model keeps of others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domainbert import Domain, hookimpl
from domainbert_general.domain import GENERAL

if TYPE_CHECKING:
    from collections.abc import Iterable


@hookimpl
def domainbert_domains() -> Iterable[Domain]:
    """Yield the domain `general`."""
    yield GENERAL
