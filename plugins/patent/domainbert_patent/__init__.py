"""Patents for domainbert: terms, readers of USPTO and EPO files, CPC tasks and a sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domainbert import Domain, hookimpl
from domainbert_patent.domain import PATENT

if TYPE_CHECKING:
    from collections.abc import Iterable

    import typer

    from domainbert import CorpusStep


@hookimpl
def domainbert_domains() -> Iterable[Domain]:
    """Yield the domain `patent`."""
    yield PATENT


@hookimpl
def domainbert_components() -> Iterable[CorpusStep]:
    """Yield the step that takes boilerplate out of texts."""
    from domainbert_patent.boilerplate import BOILERPLATE

    yield BOILERPLATE


@hookimpl
def domainbert_commands(app: typer.Typer) -> None:
    """Add `domainbert patents`, which turns patent files into labelled examples."""
    from domainbert_patent.commands import add_commands

    add_commands(app)
