"""The components of core, declared by the hook that plugins use."""

from __future__ import annotations

from collections.abc import Iterator

from domainbert.plugin.components import Component
from domainbert.plugin.hookspecs import hookimpl


@hookimpl
def domainbert_components() -> Iterator[Component]:
    """Yield the built-in task kinds, metrics, baselines, readers, steps and objectives."""
    yield from ()
