"""The recipes of the domain: what is published is in them, and the pairs to compare agree."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from domainbert import Domain
from domainbert.recipe.library import bundled_recipes
from domainbert.recipe.resolve import load_recipe
from domainbert.recipe.tasks import TaskSection
from domainbert.tasks.load import load_task
from domainbert_bio.domain import BIO

PATHS = {path.stem: path for path in (bundled_recipes() / "bio").glob("*.yaml")}
RECIPES = {name: load_recipe(PATHS[name]) for name in sorted(PATHS)}
TASKS = {task.name: task for task in BIO.tasks}


def test_the_recipes_of_the_domain() -> None:
    assert list(RECIPES) == [
        "bc5cdr-minilm",
        "bert-mini",
        "biobert",
        "biobert-lora",
        "disease-cross-corpus",
        "ettin-17m",
        "ettin-32m",
        "ncbi-disease-minilm",
        "pubmed-modernbert",
        "quickstart",
        "sentences-minilm",
    ]
    assert all(recipe.domain == "bio" for recipe in RECIPES.values())


def test_biobert_is_as_published() -> None:
    train, evaluate = RECIPES["biobert"].train, RECIPES["biobert"].evaluate
    assert RECIPES["biobert"].base.source == "google-bert/bert-base-cased"
    assert RECIPES["biobert"].vocabulary is None
    assert (train.steps, train.batch_size, train.max_seq_length) == (1_000_000, 192, 512)
    assert (train.mlm_probability, train.learning_rate) == (0.15, 1e-4)
    assert (evaluate.epochs, evaluate.batch_size, evaluate.max_seq_length) == (30, 32, 192)


def test_what_lora_changes_and_what_it_shares_with_biobert() -> None:
    full, lora = RECIPES["biobert"], RECIPES["biobert-lora"]
    assert (full.train.method, lora.train.method) == ("full", "lora")
    assert lora.train.lora is not None
    assert lora.train.lora.r == 16
    assert lora.train.learning_rate == 10 * full.train.learning_rate
    for part in ("base", "tasks", "vocabulary"):
        assert getattr(full, part) == getattr(lora, part)
    assert full.train.mlm_probabilities == lora.train.mlm_probabilities


def test_modernbert_goes_on_as_bioclinical_modernbert_did() -> None:
    train = RECIPES["pubmed-modernbert"].train
    assert train.mlm_probabilities == (0.3, 0.15)
    assert (train.learning_rate, train.lr_scheduler, train.batch_size) == (3e-4, "wsd", 576)
    assert (train.adam_betas, train.weight_decay) == ((0.9, 0.98), 1e-5)


@pytest.mark.parametrize("name", ["pubmed-modernbert", "ettin-17m", "ettin-32m"])
def test_no_revision_is_invented_where_none_is_known(name: str) -> None:
    assert RECIPES[name].base.revision is None
    header = PATHS[name].read_text(encoding="utf-8").split("\nname:")[0]
    assert "base.revision=" in header


def test_the_minilm_recipes_differ_in_their_task_alone() -> None:
    one, other = (RECIPES[name].model_dump() for name in ("ncbi-disease-minilm", "bc5cdr-minilm"))
    assert {key for key in one if one[key] != other[key]} == {"name", "title", "tasks"}


def test_each_disease_set_is_tested_on_itself_and_on_the_other() -> None:
    tasks = RECIPES["disease-cross-corpus"].tasks
    assert [(task.name, task.test_on) for task in tasks] == [
        ("ncbi-disease", None),
        ("ncbi-disease", "bc5cdr-disease"),
        ("bc5cdr-disease", None),
        ("bc5cdr-disease", "ncbi-disease"),
    ]


def test_a_set_with_the_same_labels_can_be_tested_on() -> None:
    """The sample's sentences stand in for the test split of a set that is not here."""
    sample, other = TASKS["sample-disease"], TASKS["bc5cdr-disease"]
    other = replace(
        other,
        splits={**other.splits, "test": sample.splits["test"]},
        counts={"test": sample.counts["test"]},
    )
    section = TaskSection(name="sample-disease", test_on="bc5cdr-disease")
    loaded = load_task(section, Domain("bio", "Bio", tasks=(sample, other)), Path())
    assert loaded.task.name == "sample-disease-on-bc5cdr-disease"
    assert {split: len(records) for split, records in loaded.splits.items()} == {
        "train": 261, "validation": 52, "test": 88,
    }  # fmt: skip
