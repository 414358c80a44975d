from __future__ import annotations

from domainbert.recipe.origins import difference
from domainbert.recipe.resolve import resolve_recipe
from domainbert.recipe.yaml import dotted, parse_yaml

TEXT = "name: mine\nbase: bert\ncorpus:\n- path: a.txt\ntrain:\n  epochs: 2\n  batch_size: 8\n"


def test_every_value_has_an_origin() -> None:
    sha256 = f"base.sha256={'a' * 64}"
    rates = "evaluate={epochs: 2}"
    _, origins = resolve_recipe(
        parse_yaml(TEXT + "tasks: [one]\n", "r.yaml"),
        ("train.seed=3", "corpus.0.path=b.txt", sha256, rates, "evaluate.epochs=3"),
        "9",
    )
    assert {dotted(at): origin for at, origin in origins.items() if origin != "default"} == {
        "name": "r.yaml:1",
        "base.source": "r.yaml:2",
        "base.sha256": f"--set {sha256}",
        "corpus.0.path": "--set corpus.0.path=b.txt",
        "train.steps": "--budget 9",
        "train.epochs": "--budget 9",
        "train.batch_size": "r.yaml:7",
        "train.seed": "--set train.seed=3",
        "tasks.0.name": "r.yaml:8",
        "evaluate.epochs": "--set evaluate.epochs=3",
    }
    assert origins["train", "adam_betas", 0] == origins["evaluate", "seeds", 1] == "default"


def test_values_inside_a_value_that_is_set_have_its_origin() -> None:
    ramp, rate = "train.batch_ramp={start: 2, steps: 3}", "train.mlm_probability={from: .3, to: .1}"
    _, origins = resolve_recipe(parse_yaml(TEXT, "r.yaml"), (ramp, rate))
    assert origins["train", "batch_ramp", "start"] == f"--set {ramp}"
    assert origins["train", "mlm_probability", "from"] == f"--set {rate}"


def test_a_difference_names_keys_and_both_values() -> None:
    before = {"train": {"steps": 5}, "corpus": [{"path": "a"}], "seeds": [0, 1], "same": {}}
    after = {"train": {"steps": 7}, "corpus": [{"path": "b"}], "seeds": [0], "same": {}}
    assert difference(before, after) == (
        "train.steps: 5 → 7, corpus.0.path: 'a' → 'b', seeds.1: 1 → None"
    )
    assert difference(before, before) == ""


def test_of_many_differences_five_are_shown() -> None:
    numbers = {str(number): number for number in range(8)}
    shown = ", ".join(f"{number}: None → {number}" for number in range(5))
    assert difference({"same": 1}, {"same": 1, **numbers}) == f"{shown}, 3 more"
