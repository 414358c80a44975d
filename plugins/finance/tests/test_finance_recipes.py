"""The recipes name what the plugin has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from domainbert_finance.domain import FINANCE

ROOT = Path(__file__).parents[3]
RECIPES = sorted((ROOT / "recipes" / "finance").glob("*.yaml"))


def recipe(name: str) -> Any:
    return yaml.safe_load((ROOT / "recipes" / "finance" / f"{name}.yaml").read_text("utf-8"))


def test_these_are_the_recipes() -> None:
    assert [path.stem for path in RECIPES] == [
        "bert-mini", "ettin-17m", "ettin-32m", "finbert-lora", "finbert-prosus", "finbert-yang",
        "phrasebank-minilm", "quickstart",
    ]  # fmt: skip
    assert FINANCE.default_recipe == "finance/quickstart"


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_recipes_name_tasks_and_corpora_of_the_domain(path: Path) -> None:
    named = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert named["domain"] == "finance"
    assert {name.partition("@")[0] for name in named["tasks"]} <= {
        task.name for task in FINANCE.tasks
    }
    corpora = {corpus["name"] for corpus in named["corpus"] if "name" in corpus}
    assert corpora <= {corpus.name for corpus in FINANCE.corpora}


def test_finbert_has_the_published_settings() -> None:
    found = recipe("finbert-prosus")
    expected = {
        "epochs": 4, "batch_size": 32, "warmup_ratio": 0.2, "unfreeze": "gradual",
        "layerwise_lr_decay": 0.85, "max_seq_length": 64, "class_weights": "balanced",
        "pooling": "head",
    }  # fmt: skip
    assert found["base"] == "google-bert/bert-base-uncased"
    assert {key: found["evaluate"][key] for key in expected} == expected
    assert float(found["evaluate"]["learning_rate"]) == 2e-5


def test_finbert_by_lora_learns_matrices_at_ten_times_the_rate() -> None:
    full, lora = recipe("finbert-prosus"), recipe("finbert-lora")
    for section in ("train", "evaluate"):
        assert lora[section]["method"] == "lora"
        rates = [float(r[section]["learning_rate"]) for r in (full, lora)]
        assert rates[1] == pytest.approx(10 * rates[0])
    assert (lora["corpus"], lora["tasks"]) == (full["corpus"], full["tasks"])


def test_finbert_of_yang_has_a_tenth_of_the_tokens_and_the_share_of_calls() -> None:
    found = recipe("finbert-yang")
    assert found["train"]["tokens"] == 4_900_000_000 // 10
    (calls,) = (c for c in found["corpus"] if c["name"] == "earnings-calls")
    assert calls["share"] == round(1.3 / (2.5 + 1.3), 2)
