"""Find plugins: entry points of installed packages, and single files."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement

import domainbert
from domainbert.errors import PluginError, one_line

GROUP = "domainbert"
SELECTION_VARIABLE = "DOMAINBERT_PLUGINS"


@dataclass(frozen=True)
class PluginInfo:
    """One plugin as `domainbert plugins list` shows it.

    Args:
        name: Entry-point name, or the path given to `--plugin`.
        distribution: PyPI name, or `file`.
        version: Its version, or an empty string.
        status: `ok`, `broken`, `incompatible`, `conflict` or `disabled`.
        error: Why it is not `ok`, on one line.
        domains: Names of the domains that it provides.
        components: Names of the components that it provides, by record type.
    """

    name: str
    distribution: str
    version: str
    status: str = "ok"
    error: str = ""
    domains: tuple[str, ...] = ()
    components: Mapping[str, list[str]] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The plugin's name in pluggy and in messages: `DISTRIBUTION:NAME`."""
        return f"{self.distribution}:{self.name}"


def entry_points() -> Iterator[tuple[PluginInfo, Callable[[], Any]]]:
    """Yield the installed plugins by name, each with the function that imports it."""
    value = os.environ.get(SELECTION_VARIABLE)
    allowed = None if value is None else {name.strip() for name in value.split(",")}
    for entry in sorted(metadata.entry_points(group=GROUP), key=lambda e: (e.name, e.value)):
        needs = None
        try:
            name, version = _about(entry.dist)
            info = PluginInfo(entry.name, name, version)
            needs = requirement_of(entry.dist)
        except Exception as error:  # metadata of a stranger: any encoding, any content
            name, reason = "unknown", f"its metadata cannot be read: {one_line(error)}"
            info = PluginInfo(entry.name, name, "", status="broken", error=reason)
        if info.status == "broken":
            pass
        elif allowed is not None and not {entry.name, name} & allowed:
            info = replace(info, status="disabled", error=f"not named in {SELECTION_VARIABLE}")
        elif needs and not needs.specifier.contains(domainbert.__version__, prereleases=True):
            reason = f"needs {needs}, this is {domainbert.__version__}"
            info = replace(info, status="incompatible", error=reason)
        yield info, entry.load


def _about(dist: metadata.Distribution | None) -> tuple[str, str]:
    """Return name and version of a distribution."""
    if dist is None:
        return "unknown", ""
    fields = dist.metadata
    if not fields["Name"]:
        raise ValueError("it has no name")
    return str(fields["Name"]), str(fields["Version"] or "")


def requirement_of(dist: metadata.Distribution | None) -> Requirement | None:
    """Return what a distribution requires of `domainbert`, or None."""
    for line in (dist.requires if dist else None) or ():
        with suppress(InvalidRequirement):
            requirement = Requirement(line)
            if requirement.name.lower() == "domainbert" and requirement.marker is None:
                return requirement
    return None


def single_file(path: Path) -> tuple[PluginInfo, Callable[[], Any]]:
    """Return the plugin of a single file and the function that imports it.

    Raises:
        PluginError: No such file.
    """
    if not path.is_file():
        raise PluginError(f"--plugin {path}: no such file.")

    def load() -> ModuleType:
        name = f"domainbert_file_{path.stem}"
        spec = importlib.util.spec_from_file_location(name, path)
        if spec is None or spec.loader is None:
            raise ImportError("not a Python file; the name must end in .py")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module  # dataclasses and pickling look the module up by name
        spec.loader.exec_module(module)
        return module

    return PluginInfo(str(path), "file", ""), load
