"""What the shell offers for names: domains, recipes and tasks of the installed plugins."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from domainbert.plugin.registry import Registry


def domains(incomplete: str) -> list[str]:
    """Return the domains that begin with a text."""
    return _beginning(incomplete, _registry().domains)


def recipes(incomplete: str) -> list[str]:
    """Return the recipes of the library that begin with a text; files are the shell's."""
    from domainbert.recipe.library import list_recipes

    return _beginning(incomplete, list_recipes(_registry()))


def tasks(context: typer.Context, incomplete: str) -> list[str]:
    """Return the tasks that begin with a text, of the domain that was named or of all."""
    named, known = context.params.get("domain"), _registry().domains
    chosen = [known[named]] if named in known else known.values()
    return _beginning(incomplete, (task.name for domain in chosen for task in domain.tasks))


def _registry() -> Registry:
    from domainbert.plugin.registry import load_plugins

    return load_plugins()


def _beginning(incomplete: str, names: Iterable[str]) -> list[str]:
    return sorted({name for name in names if name.startswith(incomplete)})
