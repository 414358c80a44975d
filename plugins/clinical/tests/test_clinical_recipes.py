"""The recipes name what the plugin has, and have the published settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from domainbert import load_recipe
from domainbert_clinical.domain import CLINICAL

ROOT = Path(__file__).parents[3]
RECIPES = sorted((ROOT / "recipes" / "clinical").glob("*.yaml"))


def recipe(name: str) -> Any:
    return yaml.safe_load((ROOT / "recipes" / "clinical" / f"{name}.yaml").read_text("utf-8"))


def test_these_are_the_recipes() -> None:
    small = {"bert-mini", "ettin-17m", "ettin-32m"}
    names = {"clinicalbert", "clinicalbert-lora", "mts-dialog-minilm", "quickstart", *small}
    assert {path.stem for path in RECIPES} == names


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_recipes_name_tasks_and_corpora_of_the_domain(path: Path) -> None:
    found = load_recipe(path)
    assert found.domain == "clinical"
    assert {task.name for task in found.tasks} <= {task.name for task in CLINICAL.tasks}
    assert {section.name for section in found.corpus} <= {item.name for item in CLINICAL.corpora}


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_no_recipe_turns_a_step_of_the_domain_off(path: Path) -> None:
    steps = load_recipe(path).corpus_steps
    named = {step if isinstance(step, str) else step.name for step in steps}
    assert named.isdisjoint(CLINICAL.corpus_steps)


def test_clinicalbert_has_the_published_settings() -> None:
    train, evaluate = recipe("clinicalbert")["train"], recipe("clinicalbert")["evaluate"]
    assert (train["steps"], train["batch_size"], train["max_seq_length"]) == (150000, 32, 128)
    assert (float(train["learning_rate"]), train["mlm_probability"]) == (5e-5, 0.15)
    assert round(train["steps"] * train["warmup_ratio"], -2) == 10000
    assert list(map(float, evaluate["grid"]["learning_rate"])) == [2e-5, 3e-5, 5e-5]
    assert evaluate["grid"]["epochs"] == [2, 3, 4]
    assert evaluate["batch_size"] == 32
