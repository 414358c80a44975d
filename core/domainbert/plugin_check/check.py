"""Check a domain as a stranger would: one outcome a check, each with the fix."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from domainbert.plugin.domain import Domain
from domainbert.plugin_check.declared import (
    check_files,
    check_licences,
    check_names,
    check_requirement,
)
from domainbert.plugin_check.imports import check_imports
from domainbert.plugin_check.labelled import check_labels, check_scores, check_splits
from domainbert.plugin_check.lexicon import check_terms
from domainbert.plugin_check.loaded import check_samples, load_domain
from domainbert.plugin_check.outcome import Outcome
from domainbert.plugin_check.runs import check_recipes, check_runs, find_recipes
from domainbert.plugin_check.subject import Subject, subject_of


def check_domain(domain: Domain, file: Path | None = None) -> list[Outcome]:
    """Check names, licences, files, imports, data, terms, scores and recipes of a domain.

    Nothing is downloaded. Files of the package are read, and declared files that are found in
    `DOMAINBERT_DATA` or in the cache. Recipes that need no other files are run in miniature, with
    a tiny model. It takes seconds.

    Args:
        domain: The domain that your plugin yields.
        file: The plugin, if it is a single file.

    Returns:
        One outcome a check, in the order of the checks.
    """
    return list(run_checks(subject_of(domain, file)))


def assert_domain(domain: Domain, file: Path | None = None) -> None:
    """Check a domain in a test.

    Raises:
        AssertionError: With a line for every check that failed.
    """
    failed = [found.line for found in check_domain(domain, file) if not found.ok]
    if failed:
        raise AssertionError(f"domain {domain.name!r}:\n" + "\n".join(failed))


def run_checks(subject: Subject) -> Iterator[Outcome]:
    """Yield the outcome of each check as soon as it is known."""
    yield check_names(subject)
    if subject.plugin is not None and not subject.is_file:
        yield check_requirement(subject)
    yield check_licences(subject)
    yield check_files(subject)
    yield from check_imports(subject)
    loaded = load_domain(subject.domain)
    yield check_samples(loaded)
    yield check_splits(loaded)
    yield check_labels(loaded)
    yield check_terms(subject.domain, loaded)
    yield check_scores(loaded)
    recipes = find_recipes(subject)
    yield check_recipes(recipes)
    yield check_runs(subject, recipes)
