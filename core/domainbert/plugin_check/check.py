"""Check a plugin as a stranger would: one outcome per check, each with the fix."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from domainbert.plugin.domain import Domain
from domainbert.plugin.registry import PluginInfo, Registry
from domainbert.plugin_check import data, declared
from domainbert.plugin_check.imports import check_imports
from domainbert.plugin_check.lexicon import check_terms
from domainbert.plugin_check.outcome import Outcome, outcome
from domainbert.plugin_check.parts import check_components
from domainbert.plugin_check.recipes import check_recipes
from domainbert.plugin_check.subject import Subject, subject_of, subjects_of

_FIXES = {
    "broken": "put right what it says; see docs/reference/hooks.md for the hooks",
    "incompatible": "install a version of the plugin for this domainbert, or widen its requirement",
    "conflict": "uninstall one, or name those to load in DOMAINBERT_PLUGINS",
    "disabled": "name it in DOMAINBERT_PLUGINS, or unset that variable",
}


def check_plugin(info: PluginInfo, registry: Registry) -> Iterator[tuple[str, Outcome]]:
    """Yield domain and outcome of each check of a plugin, as soon as it is known."""
    title = f"{info.distribution} {info.version}".strip()
    if info.status != "ok":
        problem = (f"{title} is {info.status}: {info.error}", _FIXES[info.status])
        yield "", outcome("loads", "", [problem])
        return
    subjects = list(subjects_of(info, registry))
    names = ", ".join(subject.domain.name for subject in subjects) or "no domain and no task"
    yield "", outcome("loads", f"{title} provides {names}")
    for subject in subjects:
        for item in run_checks(subject):
            yield subject.domain.name, item


def check_domain(domain: Domain, file: Path | None = None) -> list[Outcome]:
    """Check names, licences, files, imports, data, terms, scores, components and recipes.

    Nothing is downloaded. Files of the package are read, and declared files that are found in
    `DOMAINBERT_DATA` or in the cache. Recipes that need no other files are run in miniature, with
    a tiny model. It takes seconds.

    Args:
        domain: The domain that your plugin yields.
        file: The plugin, if it is a single file.

    Returns:
        One outcome per check, in the order of the checks.
    """
    return list(run_checks(subject_of(domain, file)))


def assert_domain(domain: Domain, file: Path | None = None) -> None:
    """Check a domain in a test.

    Raises:
        AssertionError: With a line for every check that failed.
    """
    failed = [item.line for item in check_domain(domain, file) if not item.ok]
    if failed:
        raise AssertionError(f"domain {domain.name!r}:\n" + "\n".join(failed))


def run_checks(subject: Subject) -> Iterator[Outcome]:
    """Yield the outcome of each check of a domain."""
    yield declared.check_names(subject)
    if subject.distribution:
        yield declared.check_requirement(subject)
    yield declared.check_licences(subject)
    yield declared.check_files(subject)
    yield from check_imports(subject)
    loaded = data.load_domain(subject.domain)
    yield data.check_samples(loaded)
    yield data.check_splits(loaded)
    yield data.check_labels(loaded)
    yield check_terms(subject.domain, loaded.documents)
    yield data.check_scores(loaded)
    if subject.components:
        yield check_components(subject, loaded.documents)
    yield from check_recipes(subject)
