"""The hooks that a plugin may implement.

A plugin is an importable module with functions marked `@domainbert.hookimpl`, named by an entry
point of the group `domainbert`, or a single file given to `--plugin`. Every hook is optional; one
that is misspelt, or takes other arguments, makes the plugin `broken` and is named in the reason.

Hooks are called through pluggy: plugins in the order of their names, `tryfirst`, `trylast` and hook
wrappers (`domainbert.hookimpl(wrapper=True)`) as pluggy defines them. A plugin that fails in a hook
is `broken`, and the hooks are called again without it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    import typer

    from domainbert.plugin.components import Component
    from domainbert.plugin.domain import Domain, Task

hookspec = pluggy.HookspecMarker("domainbert")
hookimpl = pluggy.HookimplMarker("domainbert")


@hookspec
def domainbert_domains() -> Iterable[Domain]:
    """Yield the domains that this package provides.

    Called by nearly every command, so records are declared here and nothing is read: loaders run
    when their data is asked for. Two plugins with a domain of the same name are in `conflict`, and
    neither provides it.

    Example:
        ```python
        import domainbert


        @domainbert.hookimpl
        def domainbert_domains():
            yield domainbert.Domain(name="botany", title="Botany")
        ```
    """
    return ()


@hookspec
def domainbert_tasks() -> Iterable[tuple[str, Task]]:
    """Yield `(domain name, task)` pairs that add tasks to a domain of any plugin.

    Called after the domains of all plugins are known. Tasks for a domain that is not installed are
    left out without an error.

    Example:
        ```python
        from pathlib import Path

        import domainbert

        DATA = Path(__file__).parent / "data"


        @domainbert.hookimpl
        def domainbert_tasks():
            task = domainbert.Task(
                name="my-entities",
                title="Entities of my own",
                kind="tagging",
                licence="CC0-1.0",
                origin="Labelled by us",
                version="1",
                splits={
                    "train": DATA / "train.tsv",
                    "validation": DATA / "validation.tsv",
                    "test": DATA / "test.tsv",
                },
                labels=("Entity",),
            )
            yield "bio", task
        ```
    """
    return ()


@hookspec
def domainbert_components() -> Iterable[Component]:
    """Yield components: task kinds, metrics, baselines, corpus readers and steps, objectives.

    A recipe names them. Two plugins with a component of the same record type and name are in
    `conflict`, and so is one that takes a name of core. A record of another shape, such as a
    function that takes other arguments, makes the plugin `broken`.

    Example:
        ```python
        import domainbert


        def drop_short(documents, counts):
            for document in documents:
                if len(document.text) < 200:
                    counts["short"] += 1
                else:
                    yield document


        @domainbert.hookimpl
        def domainbert_components():
            yield domainbert.CorpusStep("drop-short", drop_short)
        ```
    """
    return ()


@hookspec
def domainbert_commands(app: typer.Typer) -> None:
    """Add commands to the command line.

    Called once, before the words of the command line are read: hence for installed plugins alone,
    and never for a file given to `--plugin`. A plugin whose hook fails is reported on stderr, and
    every other command works.

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
