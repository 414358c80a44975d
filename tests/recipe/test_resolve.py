"""How the mistakes of a recipe file are named: file, line, key, and the key that was meant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from helpers.recipe import PLAIN, read, refused

import domainbert
from domainbert import Corpus, Domain, Task
from domainbert.errors import PluginError, RecipeError
from domainbert.plugin.registry import Registry
from domainbert.recipe.resolve import RENAMED, check_names, load_recipe
from domainbert.recipe.schema import Recipe


def keys_of(section: str) -> str:
    fields = Recipe.model_fields[section].annotation.model_fields  # type: ignore[union-attr]
    return f"Known keys here: {', '.join(fields)}."


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("trian: 1", "7  trian: unknown key. Did you mean 'train'?"),
        ("  learning_rat: 1", "7  train.learning_rat: unknown key. Did you mean 'learning_rate'?"),
        ("held_out:\n  fracton: 1", "8  held_out.fracton: unknown key. Did you mean 'fraction'?"),
        ("tasks:\n  - {name: a, trian: b}", "8  tasks.0.trian: unknown key. Did you mean 'train'?"),
        ("evaluate: {seed: [1]}", "7  evaluate.seed: unknown key. Did you mean 'seeds'?"),
        ("  zzz: 1", f"7  train.zzz: unknown key. {keys_of('train')}"),
        (
            "  mlm_probability: {from: 0.2, to: 0.1, form: 1}",
            "7  train.mlm_probability.form: unknown key. Did you mean 'from'?",
        ),
    ],
)
def test_an_unknown_key_gets_the_nearest_one_or_all(lines: str, expected: str) -> None:
    assert refused(PLAIN + lines + "\n") == f"r.yaml:{expected}"


def test_keys_of_base_and_file_are_suggested_too() -> None:
    text = PLAIN.replace("./model", "{source: m, revison: x}").replace(
        "path: notes/*.txt", f"file: {{name: a, siez: 2, sha256: {'a' * 64}}}"
    )
    assert refused(text).splitlines() == [
        "r.yaml:2  base.revison: unknown key. Did you mean 'revision'?",
        "r.yaml:4  corpus.0.file.size: missing; it has no default.",
        "r.yaml:4  corpus.0.file.siez: unknown key. Did you mean 'size'?",
    ]


OLD = [("", "heldout")]
OLD += [("train.", key) for key in RENAMED if key != "heldout"]
OLD += [("evaluate.", key) for key in ("warmup", "layer_rate_decay", "max_length")]


@pytest.mark.parametrize(("section", "old"), OLD, ids="".join)
def test_an_old_key_gets_the_new_one(section: str, old: str) -> None:
    hint = f"unknown key. Did you mean {RENAMED[old]!r}?"
    inside = {"": f"{old}: 1", "train.": f"  {old}: 1", "evaluate.": f"evaluate: {{{old}: 1}}"}
    assert refused(f"{PLAIN}{inside[section]}\n") == f"r.yaml:7  {section}{old}: {hint}"
    assert refused(PLAIN, f"{section}{old}=1") == f"--set {section}{old}=1: {hint}"


def test_every_new_key_exists_and_every_old_one_is_gone() -> None:
    sections = [Recipe, Recipe.model_fields["train"].annotation]
    keys = {key for section in sections for key in section.model_fields}  # type: ignore[union-attr]
    assert set(RENAMED.values()) <= keys
    assert not set(RENAMED) & keys


@pytest.mark.parametrize("key", ["name", "base", "corpus", "train"])
def test_a_key_without_a_default_must_be_there(key: str) -> None:
    data = yaml.safe_load(PLAIN)
    del data[key]
    assert refused(yaml.safe_dump(data)) == f"r.yaml:1  {key}: missing; it has no default."


def test_all_problems_are_reported_at_once_with_file_line_and_key(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(
        "name: My Recipe\nbase: ./m\ncorpus:\n  - path: a.txt\n    text_unit: word\n"
        "train:\n  steps: 0\n  learning_rat: 1\ntitel: x\n"
    )
    with pytest.raises(RecipeError) as caught:
        load_recipe(path)
    assert [line.split(": ")[0] for line in str(caught.value).splitlines()] == [
        f"{path}:1  name",
        f"{path}:5  corpus.0.text_unit",
        f"{path}:7  train.steps",
        f"{path}:8  train.learning_rat",
        f"{path}:9  titel",
    ]


def test_load_recipe_is_public_and_reads_files_with_settings(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + PLAIN.replace("\n", "\r\n").encode())
    assert domainbert.load_recipe is load_recipe
    assert load_recipe(str(path)) == read(PLAIN)
    assert load_recipe(path, ("train.steps=3",)).train.steps == 3


# --- names of a domain -------------------------------------------------------------------------

TASK = Task(
    name="clauses",
    title="Clauses",
    kind="tagging",
    licence="CC0-1.0",
    origin="here",
    version="1",
    splits={name: Path(f"{name}.tsv") for name in ("train", "validation", "test")},
    labels=("Clause",),
)
STATUTES = Corpus("statutes", "Statutes", "CC0-1.0", "here", read=lambda _path: ())
LEGAL = Domain(name="legal", title="Legal text", corpora=(STATUTES,), tasks=(TASK,))
OWN = "{name: own, kind: tagging, train: a, validation: b, test: c}"


def check(domain: str, corpus: str, tasks: str) -> None:
    rest: dict[str, Any] = {"name": "x", "base": "m", "domain": domain or None}
    text = f"{yaml.safe_dump(rest)}corpus: {corpus}\ntasks: {tasks}\ntrain: {{steps: 1}}\n"
    check_names(read(text), Registry((), {"legal": LEGAL}))


@pytest.mark.parametrize(
    ("domain", "problems"),
    [
        (
            "legal",
            [
                "corpus.1.name: domain 'legal' has no corpus 'cases'.",
                "tasks.1: domain 'legal' has no task 'x'.",
            ],
        ),
        (
            "",
            [
                "corpus.0.name: a recipe without `domain:` has no corpus 'statutes'.",
                "corpus.1.name: a recipe without `domain:` has no corpus 'cases'.",
                "tasks.0: a recipe without `domain:` has no task 'clauses'.",
                "tasks.1: a recipe without `domain:` has no task 'x'.",
            ],
        ),
    ],
)
def test_every_name_that_does_not_exist_is_reported(domain: str, problems: list[str]) -> None:
    with pytest.raises(RecipeError) as caught:
        check(domain, "[{name: statutes}, {name: cases}, {path: a.txt}]", f"[clauses, x, {OWN}]")
    assert str(caught.value).splitlines() == problems


def test_own_files_need_no_domain_and_a_domain_must_be_installed() -> None:
    check("", "[{path: a.txt}]", f"[{OWN}]")
    with pytest.raises(PluginError, match=r"^Unknown domain 'bio'. Installed: legal."):
        check("bio", "[{path: a.txt}]", "[]")
