"""The recipes name what the plugin has."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from domainbert_finance.domain import FINANCE

ROOT = Path(__file__).parents[3]
RECIPES = sorted((ROOT / "recipes" / "finance").glob("*.yaml"))


def test_there_are_three_recipes() -> None:
    assert [path.stem for path in RECIPES] == ["finbert", "phrasebank-minilm", "quickstart"]
    assert FINANCE.default_recipe == "finance/quickstart"


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_recipes_name_tasks_and_corpora_of_the_domain(path: Path) -> None:
    recipe = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert recipe["domain"] == "finance"
    assert {name.partition("@")[0] for name in recipe["tasks"]} <= {
        task.name for task in FINANCE.tasks
    }
    named = {corpus["name"] for corpus in recipe["corpus"] if "name" in corpus}
    assert named <= {corpus.name for corpus in FINANCE.corpora}


def test_finbert_has_the_published_settings() -> None:
    recipe = yaml.safe_load((ROOT / "recipes" / "finance" / "finbert.yaml").read_text("utf-8"))
    expected = {"epochs": 4, "batch_size": 32, "warmup_ratio": 0.2, "unfreeze": "gradual"}
    assert recipe["base"] == "google-bert/bert-base-uncased"
    assert {key: recipe["evaluate"][key] for key in expected} == expected
    assert float(recipe["evaluate"]["learning_rate"]) == 2e-5
    assert (recipe["evaluate"]["max_seq_length"], recipe["evaluate"]["layerwise_lr_decay"]) == (
        64,
        0.85,
    )
