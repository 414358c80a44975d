"""Each objective from recipe to model: one short run of each, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import yaml
from helpers.runs import copied, metrics, weights
from safetensors.numpy import load_file

from domainbert.corpus.store import open_store
from domainbert.corpus.token_units import BEGINS_WORD, term_units, word_units
from domainbert.run.folder import RunFolder

Adapt = Callable[..., Any]
TERMS = ["widow", "Silver Lantern", "harbour"]
PLUGIN = """
from pathlib import Path

import domainbert


@domainbert.hookimpl
def domainbert_domains():
    terms = domainbert.Terms(Path(__file__).with_name("terms.txt"), "CC0-1.0", "written for a test")
    yield domainbert.Domain(name="town", title="Town", terms=terms)
"""
RUNS: dict[str, dict[str, Any]] = {
    "word": {"masking": "word", "mlm_probability": {"from": 0.3, "to": 0.15}},
    "span": {"masking": "span", "sentence_pairs": "next"},
    "term": {"masking": "term", "term_share": 0.4},
    "order": {"sentence_pairs": "order"},
}


def write(town: Any, domain: str | None = None, **train: Any) -> None:
    path = town.write(**{"steps": 4, "save_steps": 2} | train)
    recipe = yaml.safe_load(path.read_text()) | {"tasks": []}
    if domain is not None:
        recipe["domain"] = domain
    path.write_text(yaml.safe_dump(recipe))
    (town.folder / "town.py").write_text(PLUGIN)
    (town.folder / "terms.txt").write_text("\n".join(TERMS))


@pytest.fixture(scope="module", params=RUNS)
def finished(request: pytest.FixtureRequest, make_town: Callable[[], Any], adapt: Adapt) -> Any:
    """A finished run of each objective, a stop and a start in it, and its name."""
    town = make_town()
    write(town, "town", **RUNS[request.param])
    adapt(town, "town.yaml", "--out", "run", "--plugin", "town.py")
    return town, request.param


@pytest.mark.slow
def test_store_metrics_checkpoint_and_model_have_what_the_objective_needs(finished: Any) -> None:
    town, name = finished
    run, paired = RunFolder(town.folder / "run"), name in {"span", "order"}
    store, lines = open_store(run.corpus / "store"), metrics(run)
    units = term_units(TERMS) if name == "term" else word_units()
    assert store.manifest["units"] == units.name
    assert len(store.units(0)) == len(store.ids(0))
    assert [line["step"] for line in lines] == [1, 2, 3, 4]
    assert all(("pair_loss" in line) == paired for line in lines)
    base = load_file(town.folder / "base" / "model.safetensors")
    assert set(load_file(run.model / "model.safetensors")) == set(base)
    saved = load_file(run.checkpoints / "step-00000004" / "model.safetensors")
    heads = [key for key in saved if key.startswith("objective_heads.sentence-pairs.")]
    assert len(heads) == (4 if paired else 0)


@pytest.mark.slow
def test_a_run_continued_from_its_middle_ends_with_the_same_model(
    finished: Any, adapt: Adapt
) -> None:
    town, name = finished
    whole = RunFolder(town.folder / "run")
    run = copied(whole, f"again-{name}", 2)
    adapt(town, run.path.name, "--plugin", "town.py")
    assert weights(run) == weights(whole)
    assert metrics(run) == metrics(whole)


def test_an_extended_vocabulary_is_marked_too(make_town: Callable[[], Any], adapt: Adapt) -> None:
    town = make_town()
    write(town, "town", masking="term", sentence_pairs="order", with_head=False, steps=2)
    path = town.folder / "town.yaml"
    recipe = yaml.safe_load(path.read_text()) | {"vocabulary": {"size": 1, "min_frequency": 1}}
    path.write_text(yaml.safe_dump(recipe))
    letters = town.folder / "letters.txt"
    letters.write_text(letters.read_text() + "the quokka moved\nquokka dawn\na quokka at noon\n")
    adapt(town, "town.yaml", "--out", "run", "--plugin", "town.py")
    run = RunFolder(town.folder / "run")
    stores = [open_store(run.path / name / "store") for name in ("corpus", "vocabulary")]
    assert {store.manifest["units"] for store in stores} == {term_units(TERMS).name}
    rows = range(len(stores[0].lengths_D))
    words = [[int((store.units(row) & BEGINS_WORD).sum()) for row in rows] for store in stores]
    assert words[0] == words[1]
    assert stores[0].lengths_D.sum() > stores[1].lengths_D.sum()
