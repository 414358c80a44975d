"""The subject of a check: a domain, and the plugin that provides it."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from domainbert.errors import PluginError, did_you_mean
from domainbert.plugin.discover import GROUP
from domainbert.plugin.domain import DataFile, Domain, Task
from domainbert.plugin.registry import PluginInfo, Registry, load_plugins


@dataclass(frozen=True)
class Subject:
    """A domain and where it comes from.

    Args:
        domain: As the plugin declares it.
        registry: The loaded plugins.
        plugin: How the plugin is listed, or None if no plugin provides the domain.
        target: Module of the plugin, or the path of its file.
        folder: Where the files of the plugin are.
        components: Components of the plugin, listed with its first domain.
    """

    domain: Domain
    registry: Registry
    plugin: PluginInfo | None = None
    target: str = ""
    folder: Path | None = None
    components: tuple[Any, ...] = ()

    @property
    def distribution(self) -> str:
        """Installed distribution of the plugin, or an empty string."""
        name = self.plugin.distribution if self.plugin else "file"
        return "" if name == "file" else name

    @property
    def files(self) -> list[Path]:
        """The plugin as `load_plugins` takes it, if it is a single file."""
        return [Path(self.target)] if self.plugin and not self.distribution else []


def subject_of(domain: Domain, file: Path | None = None) -> Subject:
    """Return a domain with the plugin that provides it.

    Args:
        domain: What is checked.
        file: The plugin, if it is a single file.
    """
    registry = load_plugins([file] if file else [])
    for info in registry.plugins:
        if domain.name in info.domains and (file is None or info.name == str(file)):
            return _located(domain, info, registry, _yielded(info, registry, "components"))
    return Subject(domain, registry)


def find_plugin(name: str, registry: Registry) -> PluginInfo:
    """Return a plugin by its name, its distribution, its file or one of its domains.

    Raises:
        PluginError: There is none.
    """
    for key in ("name", "distribution"):
        for info in registry.plugins:
            if getattr(info, key) == name:
                return info
    for info in registry.plugins:
        if name in info.domains or (info.distribution == "file" and Path(info.name).stem == name):
            return info
    names = sorted({info.name for info in registry.plugins})
    raise PluginError(
        f"Unknown plugin {name!r}.{did_you_mean(name, names)} Installed: "
        f"{', '.join(names) or 'none'}. Install it, as with `pip install -e FOLDER`, or name a "
        "file with `--plugin FILE.py`."
    )


def subjects_of(info: PluginInfo, registry: Registry) -> Iterator[Subject]:
    """Yield the domains of a plugin, then the tasks that it adds to those of others."""
    domains = list(_yielded(info, registry, "domains"))
    parts = _yielded(info, registry, "components")
    added: dict[str, list[Task]] = {}
    for name, task in _yielded(info, registry, "tasks"):
        added.setdefault(name, []).append(task)
    for name, tasks in added.items():
        domains.append(Domain(name, f"Tasks of {info.name}", tasks=tuple(tasks)))
    if parts and not domains:
        domains.append(Domain("components", f"Components of {info.name}"))
    for number, domain in enumerate(domains):
        yield _located(domain, info, registry, () if number else parts)


def is_packaged(*files: DataFile | Path) -> bool:
    """Return whether there are files and all of them come with the plugin."""
    return bool(files) and all(isinstance(file, Path) for file in files)


def _yielded(info: PluginInfo, registry: Registry, hook: str) -> tuple[Any, ...]:
    return tuple(registry.answers.get((info.key, f"domainbert_{hook}"), ()))


def _located(
    domain: Domain, info: PluginInfo, registry: Registry, parts: tuple[Any, ...]
) -> Subject:
    if info.distribution == "file":
        return Subject(domain, registry, info, info.name, Path(info.name).parent, parts)
    module = next(
        entry.module
        for entry in metadata.entry_points(group=GROUP, name=info.name)
        if entry.dist is not None and entry.dist.name == info.distribution
    )
    spec = importlib.util.find_spec(module.partition(".")[0])
    folder = Path(spec.origin).parent if spec and spec.origin else None
    return Subject(domain, registry, info, module, folder, parts)
