"""Find, load and isolate plugins.

Entry points are loaded one by one: pluggy's own loader stops at the first that fails and leaves the
rest unloaded. A plugin that is broken is listed as broken, and is an error only for a command that
asks for its domain.
"""

from __future__ import annotations

import difflib
import importlib.util
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pluggy
from packaging.requirements import InvalidRequirement, Requirement

import domainbert
from domainbert.errors import DataError, DomainBertError, PluginError, RunFailed, UserError
from domainbert.plugin import hookspecs
from domainbert.plugin.components import Component
from domainbert.plugin.domain import Domain, Task

if TYPE_CHECKING:
    import typer

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
    """

    name: str
    distribution: str
    version: str
    status: str = "ok"
    error: str = ""
    domains: tuple[str, ...] = ()


@dataclass(frozen=True)
class Registry:
    """What the loaded plugins provide."""

    plugins: tuple[PluginInfo, ...]
    domains: dict[str, Domain] = field(default_factory=dict)
    modules: tuple[tuple[str, Any], ...] = ()

    def domain(self, name: str) -> Domain:
        """Return a domain by name.

        Raises:
            PluginError: No plugin provides it, or the one that does is not usable.
        """
        if name in self.domains:
            return self.domains[name]
        for plugin in self.plugins:
            if plugin.status != "ok" and name in {plugin.name, *plugin.domains}:
                raise PluginError(
                    f"Domain {name!r}: its plugin {plugin.distribution} {plugin.version} is "
                    f"{plugin.status}: {plugin.error}. See `domainbert plugins list`."
                )
        broken = [plugin for plugin in self.plugins if plugin.status == "broken"]
        told = "".join(f" {plugin.name} is broken: {plugin.error}." for plugin in broken)
        installed = ", ".join(sorted(self.domains)) or "none"
        raise PluginError(
            f"Unknown domain {name!r}. Installed: {installed}. A plugin may provide it: "
            f"`pip install domainbert-{name}`, or name a file with `--plugin FILE.py`.{told}"
        )

    def register_commands(self, app: typer.Typer) -> list[str]:
        """Let plugins add commands; return one line for each that fails."""
        failures = []
        for name, module in self.modules:
            try:
                _call(module, "domainbert_commands", app)
            except (Exception, SystemExit) as error:
                failures.append(f"plugin {name}: domainbert_commands failed: {_one_line(error)}")
        return failures


def load_plugins(files: Iterable[Path] = ()) -> Registry:
    """Load installed plugins and the given single files.

    Args:
        files: Modules to load without packaging, as with `--plugin my_domain.py`.

    Raises:
        PluginError: A file of `files` does not exist.
    """
    allowed = _selection()
    loaded = [_load_entry_point(entry, allowed) for entry in _entry_points()]
    loaded += [_load_file(path) for path in files]
    found = [_declared(info, module) for info, module in loaded]
    found = _mark_conflicts(found)
    found = [_with_tasks(part) for part in found]
    domains = {
        domain.name: domain for part in found if part.info.status == "ok" for domain in part.domains
    }
    found = [_add_tasks(part, domains) for part in found]
    usable = tuple((part.info.name, part.module) for part in found if part.info.status == "ok")
    registry = Registry(tuple(part.info for part in found), domains, usable)
    _current[:] = [registry]
    return registry


@dataclass(frozen=True)
class _Found:
    info: PluginInfo
    module: Any = None
    domains: tuple[Domain, ...] = ()
    tasks: tuple[tuple[str, Task], ...] = ()


@contextmanager
def reading(path: Path, name: str) -> Iterator[None]:
    """Keep a reader from ending Python, which would look as if the command had done its work.

    Args:
        path: The file that is read.
        name: The corpus or task that it is read for.

    Raises:
        DataError: The reader called `sys.exit`.
    """
    try:
        yield
    except SystemExit as error:
        raise DataError(
            f"{path}: the reader of {name!r} called `sys.exit({error.code!r})`. "
            "It has to raise `domainbert.DataError` instead."
        ) from error


def _selection() -> set[str] | None:
    value = os.environ.get(SELECTION_VARIABLE)
    return None if value is None else {name.strip() for name in value.split(",") if name.strip()}


def _entry_points() -> Iterator[metadata.EntryPoint]:
    # One distribution can be on the path twice, as an editable install and its build are.
    seen = set()
    for entry in sorted(metadata.entry_points(group=GROUP), key=lambda e: (e.name, e.value)):
        key = (entry.name, entry.value, entry.dist.name if entry.dist else "")
        if key not in seen:
            seen.add(key)
            yield entry


def _load_entry_point(
    entry: metadata.EntryPoint, allowed: set[str] | None
) -> tuple[PluginInfo, Any]:
    dist = entry.dist
    info = PluginInfo(entry.name, dist.name if dist else "unknown", dist.version if dist else "")
    if allowed is not None and not {entry.name, info.distribution} & allowed:
        reason = f"not named in {SELECTION_VARIABLE}"
        return replace(info, status="disabled", error=reason), None
    unmet = _unmet_requirement(dist)
    if unmet:
        reason = f"needs {unmet}, this is {domainbert.__version__}"
        return replace(info, status="incompatible", error=reason), None
    return _guarded(info, entry.load)


def _unmet_requirement(dist: metadata.Distribution | None) -> str:
    for line in (dist.requires if dist else None) or ():
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            continue
        mine = requirement.name.lower() == "domainbert" and requirement.marker is None
        if mine and not requirement.specifier.contains(domainbert.__version__, prereleases=True):
            return str(requirement)
    return ""


def _load_file(path: Path) -> tuple[PluginInfo, Any]:
    if not path.is_file():
        raise PluginError(f"--plugin {path}: no such file.")

    def load() -> Any:
        name = f"domainbert_file_{path.stem}"
        spec = importlib.util.spec_from_file_location(name, path)
        if spec is None or spec.loader is None:
            raise ImportError("not a Python file; the name must end in .py")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module  # dataclasses and pickling look the module up by name
        spec.loader.exec_module(module)
        return module

    return _guarded(PluginInfo(str(path), "file", ""), load)


def _guarded(info: PluginInfo, load: Any) -> tuple[PluginInfo, Any]:
    try:
        module = load()
        # A manager of its own for each plugin: one refused plugin cannot disturb another.
        manager = pluggy.PluginManager(GROUP)
        manager.add_hookspecs(hookspecs)
        manager.register(module)
        manager.check_pending()  # a misspelt hook name is otherwise ignored
    except (Exception, SystemExit) as error:
        return replace(info, status="broken", error=_one_line(error)), None
    return info, module


def _call(module: Any, hook: str, *arguments: Any) -> Any:
    implementation = getattr(module, hook, None)
    if implementation is None or not hasattr(implementation, f"{GROUP}_impl"):
        return ()
    result = implementation(*arguments)
    return () if result is None else result


def _declared(info: PluginInfo, module: Any) -> _Found:
    if module is None:
        return _Found(info)
    try:
        domains = tuple(_call(module, "domainbert_domains"))
        for domain in domains:
            if not isinstance(domain, Domain):
                raise TypeError(f"domainbert_domains yielded {type(domain).__name__}, not a Domain")
    except (Exception, SystemExit) as error:
        return _Found(replace(info, status="broken", error=_one_line(error)))
    names = tuple(domain.name for domain in domains)
    return _Found(replace(info, domains=names), module, domains)


def _mark_conflicts(found: list[_Found]) -> list[_Found]:
    owners: dict[str, list[str]] = {}
    for part in found:
        for name in part.info.domains:
            owners.setdefault(name, []).append(part.info.distribution + ":" + part.info.name)
    result = []
    for part in found:
        me = part.info.distribution + ":" + part.info.name
        clashes = [name for name in part.info.domains if len(owners[name]) > 1]
        if clashes:
            others = sorted({other for name in clashes for other in owners[name]} - {me}) or [me]
            reason = f"domain {clashes[0]!r} also in {', '.join(others)}"
            part = replace(part, info=replace(part.info, status="conflict", error=reason))
        result.append(part)
    return result


def _with_tasks(part: _Found) -> _Found:
    if part.info.status != "ok":
        return part
    try:
        tasks = tuple(_call(part.module, "domainbert_tasks"))
        for _, task in tasks:
            if not isinstance(task, Task):
                raise TypeError(f"domainbert_tasks yielded {type(task).__name__}, not a Task")
    except (Exception, SystemExit) as error:
        return replace(part, info=replace(part.info, status="broken", error=_one_line(error)))
    return replace(part, tasks=tasks)


def _add_tasks(part: _Found, domains: dict[str, Domain]) -> _Found:
    grown = dict(domains)
    try:
        for name, task in part.tasks:
            # A domain that is not installed is no fault of the plugin that adds to it.
            if name in grown:
                grown[name] = replace(grown[name], tasks=(*grown[name].tasks, task))
    except PluginError as error:
        return replace(part, info=replace(part.info, status="broken", error=_one_line(error)))
    domains.update(grown)
    return part


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split()) or "no message"
    if isinstance(error, UserError):
        return text
    return f"{type(error).__name__}: {text}"


_current: list[Registry] = []
C = TypeVar("C", bound=Component)


def components(kind: type[C]) -> dict[str, C]:
    """Return the components of a record type by name, of core and of the loaded plugins."""
    from domainbert import builtin

    registry = _current[0] if _current else load_plugins()
    modules = [("domainbert", builtin), *registry.modules]
    records = [item for _, module in modules for item in _call(module, "domainbert_components")]
    return {record.name: record for record in records if isinstance(record, kind)}


def component(kind: type[C], name: str) -> C:
    """Return a component by record type and name.

    Raises:
        PluginError: No loaded plugin provides it.
    """
    records = components(kind)
    if name in records:
        return records[name]
    close = difflib.get_close_matches(name, records, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    raise PluginError(
        f"no {kind.__name__} {name!r}.{hint} Known: {', '.join(sorted(records)) or 'none'}."
    )


@contextmanager
def calling(record: Any) -> Iterator[None]:
    """Turn what a component raises into an error that names the component.

    Raises:
        RunFailed: The component raised an unexpected exception, or called `sys.exit`.
    """
    try:
        yield
    except (DomainBertError, KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:
        title = f"{type(record).__name__} {record.name!r}"
        raise RunFailed(f"{title} failed: {_one_line(error)}") from error
