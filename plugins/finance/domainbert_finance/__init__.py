"""Finance for domainbert: terms, readers of filings and news, tone and entity tasks, a sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domainbert import Domain, hookimpl
from domainbert_finance.domain import FINANCE

if TYPE_CHECKING:
    from collections.abc import Iterable

    import typer

    from domainbert import CorpusStep


@hookimpl
def domainbert_domains() -> Iterable[Domain]:
    """Yield the domain `finance`."""
    yield FINANCE


@hookimpl
def domainbert_components() -> Iterable[CorpusStep]:
    """Yield the step that takes boilerplate out of texts."""
    from domainbert_finance.boilerplate import BOILERPLATE

    yield BOILERPLATE


@hookimpl
def domainbert_commands(app: typer.Typer) -> None:
    """Add `domainbert finance tone`."""
    from domainbert_finance.command import app as commands

    app.add_typer(commands, name="finance")
