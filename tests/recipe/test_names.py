from __future__ import annotations

from pathlib import Path

import pytest

from domainbert import Corpus, Domain, Task
from domainbert.errors import PluginError, RecipeError
from domainbert.plugin.registry import Registry
from domainbert.recipe.resolve import check_names, resolve_recipe
from domainbert.recipe.schema import Recipe
from domainbert.recipe.yaml import parse_yaml

LEGAL = Domain(
    name="legal",
    title="Legal text",
    corpora=(Corpus("statutes", "Statutes", "CC0-1.0", "here", read=lambda _path: ()),),
    tasks=(
        Task(
            name="clauses",
            title="Clauses",
            kind="tagging",
            licence="CC0-1.0",
            origin="here",
            version="1",
            splits={name: Path(f"{name}.tsv") for name in ("train", "validation", "test")},
            labels=("Clause",),
        ),
    ),
)
REGISTRY = Registry((), {"legal": LEGAL})


def recipe(corpus: str, tasks: str, domain: str = "domain: legal\n") -> Recipe:
    text = f"name: x\nbase: ./m\n{domain}corpus: {corpus}\ntasks: {tasks}\ntrain: {{steps: 1}}\n"
    return resolve_recipe(parse_yaml(text, "r.yaml"))[0]


def refused(corpus: str, tasks: str, domain: str = "domain: legal\n") -> str:
    with pytest.raises(RecipeError) as caught:
        check_names(recipe(corpus, tasks, domain), REGISTRY)
    return str(caught.value)


OWN = "{name: own, kind: tagging, train: a, validation: b, test: c}"


def test_every_name_that_does_not_exist_is_reported_with_its_place() -> None:
    found = refused("[{name: statutes}, {name: cases}, {path: a.txt}]", f"[clauses, x, {OWN}, y]")
    assert found.splitlines() == [
        "corpus.1.name: domain 'legal' has no corpus 'cases'.",
        "tasks.1: domain 'legal' has no task 'x'.",
        "tasks.3: domain 'legal' has no task 'y'.",
    ]


def test_without_a_domain_no_name_exists() -> None:
    assert refused("[{name: statutes}]", "[clauses]", domain="").splitlines() == [
        "corpus.0.name: a recipe without `domain:` has no corpus 'statutes'.",
        "tasks.0: a recipe without `domain:` has no task 'clauses'.",
    ]


def test_own_files_need_no_domain() -> None:
    check_names(recipe("[{path: a.txt}]", f"[{OWN}]", domain=""), Registry(()))


def test_a_domain_that_is_not_installed_is_a_plugin_error() -> None:
    with pytest.raises(PluginError) as caught:
        check_names(recipe("[{path: a.txt}]", "[]", domain="domain: bio\n"), REGISTRY)
    assert str(caught.value).startswith("Unknown domain 'bio'. Installed: legal.")
