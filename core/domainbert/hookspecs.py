"""The hooks that a plugin may implement.

A plugin is an importable module with functions marked `@domainbert.hookimpl`, named by an entry
point of the group `domainbert`. Every hook is optional.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    import typer

    from domainbert.domain import Domain, Task

hookspec = pluggy.HookspecMarker("domainbert")
hookimpl = pluggy.HookimplMarker("domainbert")


@hookspec
def domainbert_domains() -> Iterable[Domain]:
    """Yield the domains that this package provides.

    Example:
        ```python
        import domainbert

        @domainbert.hookimpl
        def domainbert_domains():
            yield domainbert.Domain(name="legal", title="Legal text")
        ```
    """
    return ()


@hookspec
def domainbert_tasks() -> Iterable[tuple[str, Task]]:
    """Yield `(domain name, task)` pairs that add tasks to a domain of any plugin.

    Example:
        ```python
        import domainbert

        @domainbert.hookimpl
        def domainbert_tasks():
            yield "bio", domainbert.Task(name="my-entities", kind="tagging", ...)
        ```
    """
    return ()


@hookspec
def domainbert_commands(app: typer.Typer) -> None:
    """Add commands to the command line.

    Example:
        ```python
        import domainbert

        @domainbert.hookimpl
        def domainbert_commands(app):
            @app.command()
            def hello():
                print("hello from a plugin")
        ```
    """
