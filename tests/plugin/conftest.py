from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from domainbert.plugin.registry import Registry, load_plugins

HOOK = """
import pathlib
from domainbert import CorpusStep, Domain, Task, hookimpl

def task(name):
    splits = {{split: pathlib.Path(split) for split in ("train", "validation", "test")}}
    return Task(name, "T", "tagging", "CC0-1.0", "here", "1", splits, ("Entity",))

@hookimpl{options}
def domainbert_{hook}({arguments}):
{body}
"""


@pytest.fixture
def source() -> Callable[..., str]:
    """Source of a plugin with one implementation of a hook."""

    def write(hook: str, *body: str, options: str = "", arguments: str = "") -> str:
        lines = textwrap.indent("\n".join(body), "    ")
        return HOOK.format(hook=hook, body=lines, options=options, arguments=arguments)

    return write


@pytest.fixture
def good(source: Callable[..., str]) -> Callable[[str], str]:
    """Source of a plugin with one domain."""
    return lambda name: source("domains", f'yield Domain(name="{name}", title="Of {name}")')


@pytest.fixture
def alone(shelf: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Registry]:
    """Install plugins as `fake-NAME` and load these only; `_` in a name reads as `-`."""

    def load(*files: Path, **sources: str) -> Registry:
        for name, text in sources.items():
            shelf.add(f"fake-{name}", text)
        monkeypatch.setenv("DOMAINBERT_PLUGINS", ",".join(f"fake-{name}" for name in sources))
        return load_plugins(files)

    return load


@pytest.fixture
def statuses() -> Callable[[Registry], dict[str, tuple[str, str]]]:
    """Status and reason of each plugin that is not disabled."""

    return lambda registry: {
        info.name.removeprefix("fake-"): (info.status, info.error)
        for info in registry.plugins
        if info.status != "disabled"
    }
