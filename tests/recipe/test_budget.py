from __future__ import annotations

import pytest

from domainbert.errors import RecipeError
from domainbert.recipe.budget import parse_budget
from domainbert.recipe.resolve import resolve_recipe
from domainbert.recipe.yaml import parse_yaml

TEXT = "name: mine\nbase: bert\ncorpus:\n- path: a.txt\ntrain:\n  epochs: 2\n  batch_size: 8\n"


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("500", "steps", 500),
        ("500steps", "steps", 500),
        ("1 step", "steps", 1),
        ("2epochs", "epochs", 2.0),
        ("0.5epoch", "epochs", 0.5),
        ("3M", "tokens", 3_000_000),
        ("3Mtokens", "tokens", 3_000_000),
        ("1.5M", "tokens", 1_500_000),
        ("500k", "tokens", 500_000),
        ("500Ktokens", "tokens", 500_000),
        ("0.001k", "tokens", 1),
        ("2B", "tokens", 2_000_000_000),
        ("777 tokens", "tokens", 777),
        ("30m", "minutes", 30.0),
        ("30min", "minutes", 30.0),
        ("2h", "minutes", 120.0),
        ("1.5h", "minutes", 90.0),
        ("1d", "minutes", 1440.0),
    ],
)
def test_a_budget_names_a_key_and_a_value(text: str, key: str, value: float) -> None:
    assert parse_budget(text) == (key, value)
    assert type(parse_budget(text)[1]) is type(value)


@pytest.mark.parametrize(
    "text",
    ["", "m", "-5", "0", "0m", "1.5", "1.5steps", "0.0001k", "3x", "3H", "1e6", "٣", "30m 2h", "∞"],
)
def test_anything_else_is_refused_with_what_was_expected(text: str) -> None:
    with pytest.raises(RecipeError) as caught:
        parse_budget(text)
    assert str(caught.value) == (
        f"--budget {text}: expected steps (500), epochs (2epochs), tokens (500k, 3M) or time "
        "(30m, 2h), more than none."
    )


@pytest.mark.parametrize("text", ["500", "3epochs", "3M", "30m"])
def test_a_budget_takes_the_place_of_the_recipe_s(text: str) -> None:
    key, value = parse_budget(text)
    train = resolve_recipe(parse_yaml(TEXT, "r.yaml"), (), text).recipe.train
    assert getattr(train, key) == value
    others = {"steps", "epochs", "tokens", "minutes"} - {key}
    assert [getattr(train, other) for other in others] == [None] * 3


def test_a_budget_comes_after_settings() -> None:
    found = resolve_recipe(parse_yaml(TEXT, "r.yaml"), ("train.epochs=7",), "40")
    assert (found.recipe.train.steps, found.recipe.train.epochs) == (40, None)


def test_a_value_out_of_range_is_blamed_on_the_budget() -> None:
    with pytest.raises(RecipeError) as caught:
        resolve_recipe(parse_yaml(TEXT, "r.yaml"), (), f"{'9' * 400}epochs")
    assert str(caught.value).startswith("--budget 999")


def test_every_value_has_an_origin() -> None:
    found = resolve_recipe(
        parse_yaml(TEXT + "tasks: [one]\n", "r.yaml"), ("train.seed=3", "corpus.0.path=b.txt"), "9"
    )
    origins = {".".join(map(str, at)): origin for at, origin in found.origins.items()}
    assert {key: origin for key, origin in origins.items() if origin != "default"} == {
        "name": "r.yaml:1",
        "base.source": "r.yaml:2",
        "corpus.0.path": "--set corpus.0.path=b.txt",
        "train.steps": "--budget 9",
        "train.epochs": "--budget 9",
        "train.batch_size": "r.yaml:7",
        "train.seed": "--set train.seed=3",
        "tasks.0.name": "r.yaml:8",
    }
    assert len(origins) > 60
    assert origins["train.adam_betas.0"] == origins["base.revision"] == "default"


def test_a_short_text_that_a_setting_opens_keeps_its_line() -> None:
    found = resolve_recipe(parse_yaml(TEXT, "r.yaml"), ("base.sha256=" + "a" * 64,))
    assert found.origins["base", "source"] == "r.yaml:2"
    assert found.origins["base", "sha256"] == "--set base.sha256=" + "a" * 64
