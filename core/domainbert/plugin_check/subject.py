"""The subject of a check: a domain with the plugin that provides it; and the outcome."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from domainbert.errors import one_line
from domainbert.plugin.components import LoadedTask
from domainbert.plugin.domain import Corpus, Document, Domain, Task, Terms
from domainbert.plugin.places import Place
from domainbert.plugin.registry import PluginInfo, Registry

SHOWN = 3
"""Problems of one check that are shown in full."""

Check = Generator[tuple[str, str], None, str]
"""Yields problems, each with its fix; returns a summary."""


@dataclass(frozen=True)
class Subject:
    """A domain and the plugin that provides it.

    Args:
        domain: As the plugin declares it.
        registry: The loaded plugins.
        plugin: How the plugin is listed, or None if no plugin provides the domain.
        components: Components of the plugin, listed with its first domain.
        documents: Documents of all corpora; the check `samples` fills it.
        tasks: Tasks that a run would accept; the check `samples` fills it.
    """

    domain: Domain
    registry: Registry
    plugin: PluginInfo | None = None
    components: tuple[Any, ...] = ()
    documents: list[Document] = field(default_factory=list)
    tasks: list[LoadedTask] = field(default_factory=list)

    @property
    def distribution(self) -> str:
        """Installed distribution of the plugin, or an empty string."""
        name = self.plugin.distribution if self.plugin else "file"
        return "" if name == "file" else name

    @property
    def file(self) -> list[str]:
        """Path of the plugin, if it is a single file."""
        return [self.plugin.name] if self.plugin and not self.distribution else []

    @property
    def records(self) -> list[tuple[str, Corpus | Task | Terms]]:
        """Corpora, tasks and terms, each with its title for messages."""
        named: list[Any] = [*self.domain.corpora, *self.domain.tasks]
        titled = [(f"{type(record).__name__.lower()} {record.name!r}", record) for record in named]
        return titled + ([("terms", self.domain.terms)] if self.domain.terms else [])


@dataclass(frozen=True)
class Outcome:
    """The outcome of one check.

    Args:
        name: Of the check.
        ok: Whether nothing was wrong.
        what: The checked items, or what is wrong with them; one line.
        fix: The remedy, or an empty string.
    """

    name: str
    ok: bool
    what: str
    fix: str = ""

    @property
    def line(self) -> str:
        """The outcome as it is printed."""
        if self.ok:
            return f"ok    {self.name}: {self.what}"
        return f"FAIL  {self.name}: {self.what}  → {self.fix}"


def outcome(name: str, check: Check) -> Outcome:
    """Return the outcome of a check: its problems on one line, or its summary without any."""
    problems: list[tuple[str, str]] = []
    try:
        while True:
            problems.append(next(check))
    except StopIteration as end:
        summary = str(end.value)
    except (Exception, SystemExit) as error:
        problems.append((one_line(error), "correct what it says"))
    if not problems:
        return Outcome(name, True, _one_line(summary))
    whats, fixes = zip(*problems[:SHOWN], strict=True)
    more = [f"and {len(problems) - SHOWN} more"] if len(problems) > SHOWN else []
    return Outcome(name, False, _one_line([*whats, *more]), _one_line(dict.fromkeys(fixes)))


def count(number: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def some(items: Iterable[str]) -> str:
    """Return the first of some items, and the number of the rest."""
    names = list(items)
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def is_packaged(record: Corpus | Task) -> bool:
    """Return whether a record has files and all of them come with the plugin."""
    files = files_of(record)
    return bool(files) and all(isinstance(file, Path) for file in files)


def files_of(record: Corpus | Task | Terms) -> list[Place]:
    """Return the files of a record."""
    if isinstance(record, Terms):
        return [record.path]
    return list(record.files if isinstance(record, Corpus) else record.splits.values())


def _one_line(parts: str | Iterable[str]) -> str:
    text = parts if isinstance(parts, str) else "; ".join(parts)
    # Blanks inside a line can be the fault, so they stay.
    return " ".join(line.strip() for line in text.splitlines() if line.strip())
