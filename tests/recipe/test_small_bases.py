"""Recipes of small bases with a masked-LM head: dry runs with stand-ins for the models.

The stand-ins are random models of the families, on 127.0.0.1: nothing says how well one learns.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers.hub import COMMIT, ModelHub

from domainbert.recipe.library import bundled_recipes
from domainbert.recipe.resolve import load_recipe
from domainbert.testing import sample_texts, tiny_checkpoint

SAMPLES = {
    "bio": "sample-disease", "clinical": "sample-sections", "finance": "sample-tone",
    "legal": "sample-clauses", "patent": "sample-cpc",
}  # fmt: skip
BASES = {
    "bert-mini": ("bert", "gaunernst/bert-mini-uncased"),
    "ettin-17m": ("modernbert", "jhu-clsp/ettin-encoder-17m"),
    "ettin-32m": ("modernbert", "jhu-clsp/ettin-encoder-32m"),
}
NAMES = [f"{domain}/{base}" for domain in SAMPLES for base in BASES]
# Recipes of a domain differ in the base alone, so one of each is run dry, and each base.
DRY_RUNS = [
    "bio/bert-mini", "clinical/ettin-17m", "finance/ettin-32m", "legal/bert-mini",
    "patent/ettin-17m",
]  # fmt: skip

# One process for all: to start one and to import what it needs takes longest.
DRY = """
import json, sys
from contextlib import redirect_stdout
from io import StringIO
from domainbert.cli.app import main

found = {}
for name, *settings in json.loads(sys.argv[1]):
    more = [word for setting in settings for word in ("--set", setting)]
    sys.argv = ["domainbert", "adapt", name, "--dry-run", "--json", "--out", "runs/none", *more]
    try:
        with redirect_stdout(StringIO()) as out:
            main()
    except SystemExit as ended:
        found[name] = [ended.code or 0, out.getvalue()]
print(json.dumps(found))
"""


@pytest.mark.parametrize("name", NAMES)
def test_the_recipe_names_its_base_and_differs_from_that_of_ettin_17m_in_it_alone(
    name: str,
) -> None:
    domain, _, base = name.partition("/")
    one, other = (
        load_recipe(bundled_recipes() / domain / f"{n}.yaml") for n in (base, "ettin-17m")
    )
    assert one.base.source == BASES[base][1]
    shared = {"base", "name", "title"}
    assert one.model_dump(exclude=shared) == other.model_dump(exclude=shared)


@pytest.mark.slow
def test_a_dry_run_takes_the_base_with_its_commit_and_trains_no_new_head(
    model_hub: ModelHub, file_server: Any, python: Callable[..., Any], tmp_path: Path
) -> None:
    for family, source in BASES.values():
        folder = tiny_checkpoint(tmp_path / source.replace("/", "-"), family)
        model_hub.files[source] = {path.name: path.read_bytes() for path in folder.iterdir()}
    # Corpora and tasks of most recipes are downloads, and a step of 512 tokens takes its time.
    (tmp_path / "text.txt").write_text("\n".join(sample_texts(12)))
    corpus = f"corpus=[{{path: {tmp_path / 'text.txt'}, text_unit: line}}]"
    short = [f"{section}.max_seq_length=32" for section in ("train", "evaluate")]
    small = (corpus, "train.batch_size=4", "held_out.fraction=0.1", *short)
    asked = [(name, *small, f"tasks=[{SAMPLES[name.partition('/')[0]]}]") for name in DRY_RUNS]
    outcome = python(
        "-c", DRY, json.dumps(asked), HF_ENDPOINT=model_hub.address, HF_HUB_OFFLINE="0"
    )
    assert outcome.code == 0, outcome.err
    found = json.loads(outcome.out.splitlines()[-1])
    assert {name: code for name, (code, _) in found.items()} == dict.fromkeys(DRY_RUNS, 0), (
        outcome.err
    )
    for name, (_, out) in found.items():
        plan = json.loads(out)
        assert plan["recipe"]["base"]["source"] == BASES[name.partition("/")[2]][1]
        assert [phase["name"] for phase in plan["phases"]] == ["full"]  # and no new head before
        assert plan["corpus"]["documents"] == 12
    weights = {r.path.partition("?")[0] for r in file_server.requests if "safetensors" in r.path}
    assert weights >= {f"/{s}/resolve/{COMMIT}/model.safetensors" for _, s in BASES.values()}
    assert not (tmp_path / "runs").exists()
