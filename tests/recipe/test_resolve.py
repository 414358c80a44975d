"""From YAML and `--set` to a recipe; its mistakes are named by file, line, key and nearest key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from helpers.recipe import PLAIN, read, refused

import domainbert
from domainbert import Corpus, Domain, Task
from domainbert.errors import RecipeError
from domainbert.plugin.registry import Registry
from domainbert.recipe.resolve import REMOVED, RENAMED, check_names, load_recipe, resolve_recipe
from domainbert.recipe.yaml import dotted, parse_yaml

QUOTE = "put the word false in quotes if it is text."
SHA = "a" * 64


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("trian: 1", "7  trian: unknown key. Did you mean 'train'?"),
        ("tasks:\n  - {name: a, trian: b}", "8  tasks.0.trian: unknown key. Did you mean 'train'?"),
        *(
            (f"  {key}: 1", f"7  train.{key}: unknown key. It was removed: {why}.")
            for key, why in REMOVED.items()
        ),
    ],
)
def test_an_unknown_key_gets_the_nearest_one(lines: str, expected: str) -> None:
    assert refused(PLAIN + lines + "\n") == f"r.yaml:{expected}"


OLD = [("", "heldout"), *(("train.", key) for key in RENAMED if key != "heldout")]
OLD += [("evaluate.", key) for key in ("warmup", "layer_rate_decay", "max_length")]


@pytest.mark.parametrize(("section", "old"), OLD, ids="".join)
def test_an_old_key_gets_the_new_one(section: str, old: str) -> None:
    hint = f"unknown key. Did you mean {RENAMED[old]!r}?"
    assert refused(PLAIN, f"{section}{old}=1") == f"--set {section}{old}=1: {hint}"


def test_all_problems_are_reported_at_once_with_file_line_and_key() -> None:
    problems = refused(
        "name: My Recipe\nbase: ./m\ncorpus:\n  - file: {name: a, siez: 2}\n"
        "train:\n  steps: 0\n  learning_rat: 1\n",
        "train.seed=x",
    )
    assert [line.split(": ")[0] for line in problems.splitlines()] == [
        "r.yaml:1  name",
        "r.yaml:4  corpus.0.file.sha256",
        "r.yaml:4  corpus.0.file.size",
        "r.yaml:4  corpus.0.file.siez",
        "r.yaml:6  train.steps",
        "--set train.seed=x",
        "r.yaml:7  train.learning_rat",
    ]


def test_load_recipe_is_public_and_reads_files_with_settings(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + PLAIN.replace("\n", "\r\n").encode())
    assert domainbert.load_recipe is load_recipe
    assert load_recipe(str(path)) == read(PLAIN)
    assert load_recipe(path, ("train.steps=3",)).train.steps == 3


# --- `--set` -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "key", "value"),
    [
        (" train.steps =7", ("train", "steps"), 7),
        ("corpus.0.path=b.txt", ("corpus", 0, "path"), "b.txt"),
        ("evaluate.seeds=[8, 9]", ("evaluate", "seeds"), (8, 9)),
        (f"base.sha256={SHA}", ("base", "sha256"), SHA),
        ("tasks.1=c", ("tasks", 1, "name"), "c"),
    ],
)
def test_set_changes_one_value(setting: str, key: tuple[Any, ...], value: Any) -> None:
    parsed = parse_yaml(PLAIN + "tasks: [a, b]\n", "r.yaml")
    result: Any = resolve_recipe(parsed, (setting,))[0]
    for part in key:
        result = result[part] if isinstance(part, int) else getattr(result, part)
    assert result == value


@pytest.mark.parametrize(
    ("setting", "problem"),
    [
        ("title=false", f"input should be a valid string; {QUOTE}"),
        ("train.steps", "expected KEY=VALUE, such as train.steps=500."),
        ("train.stepz=7", "unknown key. Did you mean 'steps'?"),
        ("corpus.1.path=b.txt", "no item 1; the list has 1."),
        ("train.steps.more=3", "'more' is inside a value that has no keys."),
        *((odd, "") for odd in ("title=[", "title=&x y", "title=a\nb", "corpus.².path=b", "0=1")),
        ("budget=1e400epochs", ""),
    ],
)
def test_a_wrong_setting_is_named_as_it_was_typed(setting: str, problem: str) -> None:
    assert refused(PLAIN, setting).startswith(f"--set {setting}:{problem and f' {problem}'}")


def test_every_value_has_an_origin() -> None:
    text = "name: mine\nbase: bert\ncorpus:\n- path: a.txt\ntrain:\n  epochs: 2\n  batch_size: 8\n"
    ramp = "train.batch_ramp={start: 2, steps: 3}"
    settings = ("corpus.0.path=b.txt", "evaluate={epochs: 2}", "evaluate.epochs=3", ramp)
    parsed = parse_yaml(text + "tasks: [one]\n", "r.yaml")
    recipe, origins = resolve_recipe(parsed, (f"base.sha256={SHA}", "budget=9", *settings))
    assert recipe.evaluate.epochs == 3
    budgets = ("steps", "epochs", "tokens", "minutes")
    assert {dotted(at): origin for at, origin in origins.items() if origin != "default"} == {
        "name": "r.yaml:1",
        "base.source": "r.yaml:2",
        "base.sha256": f"--set base.sha256={SHA}",
        "corpus.0.path": "--set corpus.0.path=b.txt",
        **dict.fromkeys((f"train.{key}" for key in budgets), "--set budget=9"),
        "train.batch_size": "r.yaml:7",
        **dict.fromkeys(("train.batch_ramp.start", "train.batch_ramp.steps"), f"--set {ramp}"),
        "tasks.0.name": "r.yaml:8",
        "evaluate.epochs": "--set evaluate.epochs=3",
    }
    assert origins["train", "adam_betas", 0] == origins["evaluate", "seeds", 1] == "default"


# --- names of a domain -------------------------------------------------------------------------

SPLITS = {name: Path(f"{name}.tsv") for name in ("train", "validation", "test")}
TASK = Task("clauses", "Clauses", "tagging", "CC0-1.0", "here", "1", SPLITS, labels=("Clause",))
STATUTES = Corpus("statutes", "Statutes", "CC0-1.0", "here", read=lambda _path: ())
LEGAL = Domain(name="legal", title="Legal text", corpora=(STATUTES,), tasks=(TASK,))
OWN = "{name: own, kind: tagging, train: a, validation: b, test: c}"


def check(domain: str, corpus: str, tasks: str) -> None:
    text = f"name: x\nbase: m\ndomain: {domain}\ncorpus: {corpus}\ntasks: {tasks}\n"
    check_names(read(text + "train: {steps: 1}\n"), Registry((), {"legal": LEGAL}))


@pytest.mark.parametrize(
    ("domain", "where"), [("legal", "domain 'legal'"), ("", "a recipe without `domain:`")]
)
def test_every_name_that_does_not_exist_is_reported(domain: str, where: str) -> None:
    with pytest.raises(RecipeError) as caught:
        check(domain, "[{name: statutes}, {name: cases}, {path: a.txt}]", f"[clauses, x, {OWN}]")
    missing = [(f"corpus.{n}.name", "corpus", name) for n, name in enumerate(("statutes", "cases"))]
    missing += [(f"tasks.{n}", "task", name) for n, name in enumerate(("clauses", "x"))]
    left = missing[1::2] if domain else missing
    expected = [f"{at}: {where} has no {what} {name!r}." for at, what, name in left]
    assert str(caught.value).splitlines() == expected


def test_own_files_need_no_domain() -> None:
    check("", "[{path: a.txt}]", f"[{OWN}]")
