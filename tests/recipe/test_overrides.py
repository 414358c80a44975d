"""`--set` and `--budget`: what they change, and how their mistakes are named."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from helpers.recipe import PLAIN, read, refused

from domainbert.recipe.resolve import resolve_recipe
from domainbert.recipe.yaml import parse_yaml

QUOTE = "YAML reads yes, no, on and off as booleans: put the word in quotes."


@pytest.mark.parametrize(
    ("setting", "key", "value"),
    [
        (" train.steps =7", ("train", "steps"), 7),
        ("train.learning_rate=1e-3", ("train", "learning_rate"), 0.001),
        ("title=a=b", ("title",), "a=b"),
        ("title='a: b'", ("title",), "a: b"),
        ("corpus.0.path=b.txt", ("corpus", 0, "path"), "b.txt"),
        ("evaluate.seeds=[8, 9]", ("evaluate", "seeds"), (8, 9)),
        ("held_out.fraction=0.5", ("held_out", "fraction"), 0.5),
        ("base=./other", ("base", "source"), "./other"),
        ("base.source=./other", ("base", "source"), "./other"),
        (f"base.sha256={'a' * 64}", ("base", "source"), "./model"),
        (f"base.sha256={'a' * 64}", ("base", "sha256"), "a" * 64),
        ("tasks=[a]", ("tasks", 0, "name"), "a"),
    ],
)
def test_set_changes_one_value(setting: str, key: tuple[Any, ...], value: Any) -> None:
    result: Any = read(PLAIN, setting)
    for part in key:
        result = result[part] if isinstance(part, int) else getattr(result, part)
    assert result == value


def test_set_replaces_a_task_written_short() -> None:
    text = PLAIN + "tasks: [a, b]\n"
    for setting in ("tasks.1=c", "tasks.1.name=c"):
        assert [task.name for task in read(text, setting).tasks] == ["a", "c"]


def test_of_two_settings_of_one_key_the_last_counts() -> None:
    assert read(PLAIN, "train.steps=7", "train.steps=8").train.steps == 8
    assert read(PLAIN, "evaluate={epochs: 2}", "evaluate.epochs=3").evaluate.epochs == 3


def test_set_equals_a_recipe_written_so_and_leaves_the_parsed_file_unchanged() -> None:
    parsed = parse_yaml(PLAIN, "r.yaml")
    recipe, _ = resolve_recipe(parsed, ("train.steps=11", "corpus.0.path=b.txt"))
    assert recipe == read(PLAIN.replace("10", "11").replace("notes/*.txt", "b.txt"))
    assert parsed.data == yaml.safe_load(PLAIN)


@pytest.mark.parametrize(
    ("setting", "problem"),
    [
        ("title=no", f"input should be a valid string; {QUOTE}"),
        ("train.steps", "expected KEY=VALUE, such as train.steps=500."),
        ("=7", "expected KEY=VALUE, such as train.steps=500."),
        ("train.stepz=7", "unknown key. Did you mean 'steps'?"),
        ("corpus.1.path=b.txt", "no item 1; the list has 1."),
        ("corpus.-1.path=b.txt", "no item '-1'; the list has 1."),
        ("corpus.first.path=b.txt", "no item 'first'; the list has 1."),
        ("train.steps.more=3", "'more' is inside a value that has no keys."),
        ("name.more=3", "'more' is inside a value that has no keys."),
        ("train.steps=0", "input should be greater than or equal to 1, found 0."),
        ("title=", "input should be a valid string, found None."),
        (
            "train.batch_ramp={start: 2}",
            "train.batch_ramp.steps: missing; it has no default.",
        ),
    ],
)
def test_a_wrong_setting_is_named_as_it_was_typed(setting: str, problem: str) -> None:
    assert refused(PLAIN, setting) == f"--set {setting}: {problem}"


@pytest.mark.parametrize(
    "setting",
    [
        "title=[",
        "title=&x y",
        "title=!!python/none x",
        "title=a\nb",
        "²=1",
        "corpus.².path=b.txt",
        "0=1",
        "train.0=1",
    ],
)
def test_odd_values_and_keys_are_refused(setting: str) -> None:
    assert refused(PLAIN, setting).startswith(f"--set {setting}:")


def test_problems_of_file_and_settings_are_reported_together() -> None:
    problems = refused(PLAIN + "titel: x\n", "train.steps=x", "train.foo=2")
    assert [line.split(": ")[0] for line in problems.splitlines()] == [
        "--set train.steps=x",
        "--set train.foo=2",
        "r.yaml:7  titel",
    ]


@pytest.mark.parametrize(
    ("budget", "key", "value"),
    [("500", "steps", 500), ("3epochs", "epochs", 3), ("3M", "tokens", 3_000_000)],
)
def test_a_budget_takes_the_place_of_the_recipe_s_and_of_settings(
    budget: str, key: str, value: float
) -> None:
    train = read(PLAIN, "train.steps=7", budget=budget).train.model_dump()
    budgets = {name: train[name] for name in ("steps", "epochs", "tokens", "minutes")}
    assert budgets == {**dict.fromkeys(budgets), key: value}


def test_a_value_out_of_range_is_blamed_on_the_budget() -> None:
    assert refused(PLAIN, budget=f"{'9' * 400}epochs").startswith("--budget 999")
