"""What is checked: a domain, and the plugin that it comes from."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from domainbert.errors import PluginError
from domainbert.plugin.discover import GROUP
from domainbert.plugin.domain import Domain, Task
from domainbert.plugin.registry import PluginInfo, Registry, load_plugins


@dataclass(frozen=True)
class Subject:
    """A domain and where it comes from.

    Args:
        domain: As the plugin declares it.
        plugin: How the plugin is listed, or None if no plugin provides the domain.
        target: Module of the plugin, or the path of its file.
        folder: Where the files of the plugin are.
    """

    domain: Domain
    plugin: PluginInfo | None = None
    target: str = ""
    folder: Path | None = None

    @property
    def is_file(self) -> bool:
        """Whether the plugin is a single file, without a distribution."""
        return self.plugin is not None and self.plugin.distribution == "file"

    def holds(self, path: Path) -> bool:
        """Whether a file comes with the plugin."""
        return self.folder is not None and path.resolve().is_relative_to(self.folder.resolve())


def subject_of(domain: Domain, file: Path | None = None) -> Subject:
    """Return a domain with the plugin that provides it.

    Args:
        domain: What is checked.
        file: The plugin, if it is a single file.
    """
    for info in load_plugins([file] if file else []).plugins:
        if domain.name in info.domains and (file is None or info.name == str(file)):
            return _located(domain, info)
    return Subject(domain)


def find_plugin(name: str, registry: Registry) -> PluginInfo:
    """Return a plugin by its name, its distribution, its file or a domain of it.

    Raises:
        PluginError: There is none.
    """
    for wanted in ("name", "distribution"):
        for info in registry.plugins:
            if getattr(info, wanted) == name:
                return info
    for info in registry.plugins:
        if name in info.domains or (info.distribution == "file" and Path(info.name).stem == name):
            return info
    known = ", ".join(sorted({info.name for info in registry.plugins})) or "none"
    raise PluginError(
        f"Unknown plugin {name!r}. Installed: {known}. Install it, as with `pip install -e "
        "FOLDER`, or name a file with `--plugin FILE.py`."
    )


def subjects_of(info: PluginInfo, registry: Registry) -> Iterator[Subject]:
    """Yield the domains that a plugin declares, then the tasks that it adds to those of others."""
    for domain in registry.answers.get((info.key, "domainbert_domains"), ()):
        yield _located(domain, info)
    added: dict[str, list[Task]] = {}
    for name, task in registry.answers.get((info.key, "domainbert_tasks"), ()):
        added.setdefault(name, []).append(task)
    for name, tasks in added.items():
        yield _located(Domain(name, f"Tasks of {info.name}", tasks=tuple(tasks)), info)


def child_environment(**variables: str) -> dict[str, str]:
    """Return variables for a process that imports what this one can, and loads from no hub."""
    path = os.pathsep.join(str(Path(entry or ".").resolve()) for entry in sys.path)
    offline = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "NO_COLOR": "1"}
    return {**os.environ, "PYTHONPATH": path, **offline, **variables}


def _located(domain: Domain, info: PluginInfo) -> Subject:
    if info.distribution == "file":
        path = Path(info.name)
        return Subject(domain, info, str(path), path.parent)
    module = next(
        entry.value.partition(":")[0].strip()
        for entry in metadata.entry_points(group=GROUP, name=info.name)
        if entry.dist is not None and entry.dist.name == info.distribution
    )
    spec = importlib.util.find_spec(module.partition(".")[0])
    folder = Path(spec.origin).parent if spec and spec.origin else None
    return Subject(domain, info, module, folder)
