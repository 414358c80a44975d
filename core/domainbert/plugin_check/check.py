"""Check a plugin as a stranger would: one outcome per check, each with the fix."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from domainbert.errors import PluginError, did_you_mean
from domainbert.plugin.domain import Domain, Task
from domainbert.plugin.registry import PluginInfo, Registry, load_plugins
from domainbert.plugin_check import data, declared, runs
from domainbert.plugin_check.subject import Check, Outcome, Subject, outcome

CHECKS = {
    "names": declared.check_names,
    "licences": declared.check_licences,
    "files": declared.check_files,
    "template": declared.check_template,
    "imports": runs.check_imports,
    "samples": data.check_samples,
    "splits": data.check_splits,
    "terms": data.check_terms,
    "scores": data.check_scores,
    "components": data.check_components,
    "recipes": runs.check_recipes,
    "runs": runs.check_runs,
}
"""All checks of a domain, in order; `samples` loads the data for those below it."""


def check_plugin(info: PluginInfo, registry: Registry) -> Iterator[tuple[str, Outcome]]:
    """Yield domain and outcome of each check of a plugin, as soon as it is known."""
    subjects = list(subjects_of(info, registry))
    yield "", outcome("loads", _check_loads(info, subjects))
    for subject in subjects:
        for name, check in CHECKS.items():
            yield subject.domain.name, outcome(name, check(subject))


def check_domain(domain: Domain, file: Path | None = None) -> list[Outcome]:
    """Check names, licences, files, imports, data, terms, scores, components and recipes.

    Nothing is downloaded. Files of the package are read, and declared files in `DOMAINBERT_DATA`
    or in the cache. Recipes that need no other files are run in miniature, with a tiny model. It
    takes seconds.

    Args:
        domain: The domain that your plugin yields.
        file: The plugin, if it is a single file.

    Returns:
        One outcome per check, in the order of the checks.
    """
    subject = subject_of(domain, file)
    return [outcome(name, check(subject)) for name, check in CHECKS.items()]


def assert_domain(domain: Domain, file: Path | None = None) -> None:
    """Check a domain in a test.

    Raises:
        AssertionError: With a line for every check that failed.
    """
    failed = [item.line for item in check_domain(domain, file) if not item.ok]
    if failed:
        raise AssertionError(f"domain {domain.name!r}:\n" + "\n".join(failed))


def find_plugin(name: str, registry: Registry) -> PluginInfo:
    """Return a plugin by its name, its distribution, its file or one of its domains.

    Raises:
        PluginError: There is none.
    """
    for info in registry.plugins:
        stem = Path(info.name).stem if info.distribution == "file" else info.name
        if name in {info.name, info.distribution, stem, *info.domains}:
            return info
    names = sorted({info.name for info in registry.plugins})
    raise PluginError(
        f"Unknown plugin {name!r}.{did_you_mean(name, names)} Installed: "
        f"{', '.join(names) or 'none'}. Install it with `pip install -e FOLDER`, or name a file "
        "with `--plugin FILE.py`."
    )


def subject_of(domain: Domain, file: Path | None = None) -> Subject:
    """Return a domain with the plugin that provides it.

    Args:
        domain: The domain to check.
        file: The plugin, if it is a single file.
    """
    registry = load_plugins([file] if file else [])
    for info in registry.plugins:
        if domain.name in info.domains and (file is None or info.name == str(file)):
            return Subject(domain, registry, info, _yielded(info, registry, "components"))
    return Subject(domain, registry)


def subjects_of(info: PluginInfo, registry: Registry) -> Iterator[Subject]:
    """Yield the domains of a plugin, then the tasks that it adds to those of others."""
    if info.status != "ok":
        return
    domains = list(_yielded(info, registry, "domains"))
    parts = _yielded(info, registry, "components")
    added: dict[str, list[Task]] = {}
    for name, task in _yielded(info, registry, "tasks"):
        added.setdefault(name, []).append(task)
    domains += [Domain(n, f"Tasks of {info.name}", tasks=tuple(ts)) for n, ts in added.items()]
    if parts and not domains:
        domains.append(Domain("components", f"Components of {info.name}"))
    for number, domain in enumerate(domains):
        yield Subject(domain, registry, info, () if number else parts)


def _check_loads(info: PluginInfo, subjects: list[Subject]) -> Check:
    title = f"{info.distribution} {info.version}".strip()
    if info.status != "ok":
        yield (
            f"{title} is {info.status}: {info.error}",
            "correct that; see docs/reference/hooks.md",
        )
    names = ", ".join(subject.domain.name for subject in subjects)
    return f"{title} provides {names or 'no domain and no task'}"


def _yielded(info: PluginInfo, registry: Registry, hook: str) -> tuple[Any, ...]:
    return tuple(registry.answers.get((info.key, f"domainbert_{hook}"), ()))
