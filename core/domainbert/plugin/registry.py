"""Find, load and isolate plugins; look their domains and components up.

Hooks are called through pluggy. Each implementation is guarded: a plugin that fails is listed as
broken and is unregistered, and the hooks are called again without it.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, wraps
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

import pluggy

from domainbert.errors import PluginError, did_you_mean, one_line
from domainbert.plugin import hookspecs
from domainbert.plugin.calls import OWNERS, calling, stream
from domainbert.plugin.components import KINDS, Component
from domainbert.plugin.discover import GROUP, PluginInfo, entry_points, single_file
from domainbert.plugin.domain import Domain, Task
from domainbert.plugin.guard import contained, is_users_interrupt, limited
from domainbert.plugin.shape import check_component

if TYPE_CHECKING:
    import typer

__all__ = [
    "PluginInfo", "Registry", "calling", "component", "components", "load_plugins",
    "stream",
]  # fmt: skip
_DECLARING = ("domainbert_domains", "domainbert_tasks", "domainbert_components")
_MOST_ITEMS = 10_000
C = TypeVar("C", bound=Component)

Answers = dict[tuple[str, str], Any]
"""(plugin, hook) → the items that the implementation yields, or the exception that it raised."""


@dataclass(frozen=True)
class Registry:
    """What the loaded plugins provide.

    Args:
        plugins: All plugins, usable or not.
        domains: Domains by name, with the tasks that other plugins add.
        components: Components of plugins by record type and name.
        manager: Pluggy's manager of the usable plugins under their `key`.
        answers: What each implementation of a hook yields, before hook wrappers.
    """

    plugins: tuple[PluginInfo, ...]
    domains: dict[str, Domain] = field(default_factory=dict)
    components: dict[type, dict[str, Any]] = field(default_factory=dict)
    manager: Any = None
    answers: Answers = field(default_factory=dict)

    def domain(self, name: str) -> Domain:
        """Return a domain by name.

        Raises:
            PluginError: No plugin provides it, or the one that does is not usable.
        """
        if name in self.domains:
            return self.domains[name]
        for info in self.plugins:
            if info.status != "ok" and name in {info.name, *info.domains}:
                raise PluginError(
                    f"Domain {name!r}: its plugin {info.distribution} {info.version} is "
                    f"{info.status}: {info.error}. See `domainbert plugins list`."
                )
        broken = [f" {p.name} is broken: {p.error}." for p in self.plugins if p.status == "broken"]
        raise PluginError(
            f"Unknown domain {name!r}.{did_you_mean(name, self.domains)} Installed: "
            f"{', '.join(sorted(self.domains)) or 'none'}. Install a plugin that provides it, or "
            f"name a file with `--plugin FILE.py`.{''.join(broken)}"
        )

    def register_commands(self, app: typer.Typer) -> list[str]:
        """Let plugins add commands; return one line for each that fails."""
        _call(self.manager, self.answers, "domainbert_commands", app=app)
        return [
            f"plugin {key.partition(':')[2]}: {hook} failed: {one_line(answer)}"
            for (key, hook), answer in sorted(self.answers.items(), key=lambda item: item[0])
            if _is_error(answer)
        ]


def load_plugins(files: Iterable[Path] = ()) -> Registry:
    """Load installed plugins and the given single files.

    Args:
        files: Modules to load without packaging, as with `--plugin my_domain.py`.

    Raises:
        PluginError: A file of `files` does not exist.
    """
    answers: Answers = {}
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(hookspecs)
    infos = _register(manager, files, answers)
    faults: dict[str, tuple[str, str]] | None = None
    while faults != {}:
        answers.clear()
        domains: dict[str, Domain] = {}
        parts: dict[type, dict[str, Any]] = {}
        faults = _build(manager, answers, domains, parts)
        for key, (status, reason) in faults.items():
            names = _names(key, answers) if status == "conflict" else {}
            infos[key] = replace(infos[key], status=status, error=reason, **names)
            manager.unregister(name=key)
    plugins = tuple(
        replace(info, **_names(key, answers)) if info.status == "ok" else info
        for key, info in infos.items()
    )
    registry = Registry(plugins, domains, parts, manager, answers)
    _current[:] = [registry]
    OWNERS.clear()
    OWNERS.update({id(item): key for (key, _), given in answers.items() for item in given})
    return registry


_current: list[Registry] = []


def components(kind: type[C]) -> dict[str, C]:
    """Return the components of a record type by name, of core and of the loaded plugins."""
    registry = _current[0] if _current else load_plugins()
    return {**_core_components().get(kind, {}), **registry.components.get(kind, {})}


def component(kind: type[C], name: str) -> C:
    """Return a component by record type and name.

    Raises:
        PluginError: No loaded plugin provides it.
    """
    records = components(kind)
    if name in records:
        return records[name]
    known = ", ".join(sorted(records)) or "none"
    raise PluginError(f"no {kind.__name__} {name!r}.{did_you_mean(name, records)} Known: {known}.")


@cache
def _core_components() -> dict[type, dict[str, Any]]:
    from domainbert import builtin

    records = list(builtin.domainbert_components())
    return {kind: {part.name: part for part in records if type(part) is kind} for kind in KINDS}


def _register(manager: Any, files: Iterable[Path], answers: Answers) -> dict[str, PluginInfo]:
    """Import every plugin that is enabled and compatible; return all plugins by key."""
    infos = {}
    # Pluggy calls the plugin that was registered last first.
    for info, load in reversed([*entry_points(), *map(single_file, dict.fromkeys(files))]):
        infos[info.key] = info
        try:
            if info.status == "ok":
                with contained(), limited():
                    plugin = load()
                manager.register(_guarded(plugin, info.key, answers), info.key)
                manager.check_pending()  # a misspelt hook name is otherwise ignored
        except BaseException as error:
            if is_users_interrupt(error):
                raise
            if manager.has_plugin(info.key):
                manager.unregister(name=info.key)
            infos[info.key] = replace(info, status="broken", error=one_line(error))
    return dict(reversed(infos.items()))


def _guarded(plugin: Any, key: str, answers: Answers) -> ModuleType:
    """Return a stand-in for a plugin whose hook implementations keep their errors in `answers`."""
    stand_in = ModuleType(key)
    for name, function in inspect.getmembers(plugin, inspect.isroutine):
        options = getattr(function, f"{GROUP}_impl", None)
        if options is not None:
            place = (key, options["specname"] or name)
            guard = _wrapper if options["wrapper"] or options["hookwrapper"] else _implementation
            setattr(stand_in, name, guard(function, place, answers))
    return stand_in


def _implementation(function: Any, place: tuple[str, str], answers: Answers) -> Any:
    @wraps(function)  # pluggy reads signature and options through it
    def call(*arguments: Any) -> Any:
        try:
            with contained(), limited():
                answers[place] = _items(function(*arguments))
        except BaseException as error:
            if is_users_interrupt(error):
                raise
            answers[place] = error
            return ()
        return answers[place]

    return call


def _items(given: Any) -> tuple[Any, ...]:
    """Return what a hook yields; consumed here, so that a generator fails inside its guard."""
    if given is None:
        return ()
    if isinstance(given, str | bytes | Mapping) or not isinstance(given, Iterable):
        raise TypeError(f"returned {type(given).__name__}, expected to yield records")
    items = tuple(islice(given, _MOST_ITEMS + 1))
    if len(items) > _MOST_ITEMS:
        raise ValueError(f"yielded more than {_MOST_ITEMS:,} records")
    return items


def _wrapper(function: Any, place: tuple[str, str], answers: Answers) -> Any:
    @wraps(function)
    def call(*arguments: Any) -> Any:
        try:
            return (yield from function(*arguments))
        except (Exception, SystemExit) as error:
            answers[place] = error
            raise

    return call


def _call(manager: Any, answers: Answers, hook: str, **arguments: Any) -> list[Any]:
    """Return the items that all implementations of a hook yield, in pluggy's order."""
    try:
        return [item for result in getattr(manager.hook, hook)(**arguments) for item in result]
    except (Exception, SystemExit) as error:
        if not any(map(_is_error, answers.values())):
            answers[_owner(manager, answers, hook, None), hook] = error
        return []


def _owner(manager: Any, answers: Answers, hook: str, item: Any) -> str:
    """Return the plugin that yielded an item, or the one whose hook wrapper put it there."""
    for (key, name), answer in answers.items():
        if name == hook and not _is_error(answer) and any(item is given for given in answer):
            return key
    implementations = getattr(manager.hook, hook).get_hookimpls()
    return next(i.plugin_name for i in reversed(implementations) if i.wrapper or i.hookwrapper)


def _build(manager: Any, answers: Answers, domains: Any, parts: Any) -> dict[str, tuple[str, str]]:
    """Fill domains and components; return status and reason of each plugin at fault."""
    items = [(hook, item) for hook in _DECLARING for item in _call(manager, answers, hook)]
    errors = {key: answer for (key, _), answer in answers.items() if _is_error(answer)}
    for hook, item in items:
        try:
            if hook == "domainbert_components":
                check_component(item)
                parts.setdefault(type(item), {})[item.name] = item
                continue
            kind = Domain if hook == "domainbert_domains" else Task
            name, record = ("", item) if kind is Domain else item
            if not isinstance(record, kind):
                raise TypeError(f"{hook} yielded {type(record).__name__}, not a {kind.__name__}")
            if isinstance(record, Domain):
                domains[record.name] = record
            elif name in domains:  # that a domain is not installed is no fault
                domains[name] = replace(domains[name], tasks=(*domains[name].tasks, record))
        except (TypeError, ValueError, PluginError) as error:
            errors.setdefault(_owner(manager, answers, hook, item), error)
    return {key: ("broken", one_line(error)) for key, error in errors.items()} or _conflicts(
        answers
    )


def _is_error(answer: Any) -> bool:
    return isinstance(answer, BaseException)


def _conflicts(answers: Answers) -> dict[str, tuple[str, str]]:
    """Return the plugins that provide something of the same name as another, or as core."""
    claims: dict[tuple[type, str], list[str]] = {}
    for (key, hook), given in answers.items():
        for item in given if hook != "domainbert_tasks" else ():
            claims.setdefault((type(item), item.name), []).append(key)
    core = _core_components() if any(kind is not Domain for kind, _ in claims) else {}
    faults: dict[str, tuple[str, str]] = {}
    for (kind, name), keys in claims.items():
        owners = keys + [GROUP] * (name in core.get(kind, ()))
        for key in keys if len(owners) > 1 else ():
            others = ", ".join(sorted(set(owners) - {key}) or [key])
            faults.setdefault(key, ("conflict", f"{kind.__name__} {name!r} also in {others}"))
    return faults


def _names(key: str, answers: Answers) -> dict[str, Any]:
    """Return `domains` and `components` of `PluginInfo`."""
    names: dict[str, list[str]] = {}
    for item in answers.get((key, "domainbert_components"), ()):
        names.setdefault(type(item).__name__, []).append(item.name)
    domains = answers.get((key, "domainbert_domains"), ())
    return {"domains": tuple(domain.name for domain in domains), "components": names}
