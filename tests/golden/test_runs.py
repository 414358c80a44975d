"""Three small runs have the numbers that were recorded.

    RECORD=1 python -m pytest -n 0 tests/golden/test_runs.py

records them again, which is right only where numbers are meant to change.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers.runs import held_out, metrics
from helpers.town import ANIMALS, SPLITS, Town, columns, recipe, table, task

from domainbert.run.folder import RunFolder
from domainbert.storage.files import read_json

GOLDEN = Path(__file__).with_name("runs.json")
NAMES = task("town-names", "tagging", "names-")
ONE = task("about", "classification", "one-")
SEVERAL = task("abouts", "classification", "several-", multi_label=True, levels={"letter": 1})
EVALUATE = {"seeds": [0, 1], "epochs": 1, "min_steps": 1, "batch_size": 4}
OBJECTIVES = {
    "masking": "span", "mlm_probability": {"from": 0.3, "to": 0.15}, "sentence_pairs": "order",
    "batch_ramp": {"start": 2, "steps": 4}, "lr_scheduler": "wsd", "layerwise_lr_decay": 0.9,
    "unfreeze": "gradual", "dropout": 0.1,
}  # fmt: skip
WINDOWS = {"long_texts": "window", "max_seq_length": 8, "unfreeze": "gradual"}
RUNS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "new_head": ({"with_head": False}, recipe({}, tasks=[NAMES, ONE])),
    "vocabulary": (
        {"with_head": False}, recipe({"dropout": 0.1}, vocabulary={"size": 3}, tasks=[ONE]),
    ),
    "objectives": (
        {"family": "roberta"},
        recipe(OBJECTIVES, tasks=[SEVERAL], evaluate=EVALUATE | WINDOWS),
    ),
}  # fmt: skip
LOSS, SCORE = 1e-4, 0.02
"""Tolerances on another processor or with other libraries."""


def write(town: Town, base: dict[str, Any], values: dict[str, Any]) -> None:
    """Write a base, a corpus, tasks and a recipe."""
    from domainbert.testing import sample_texts, tiny_checkpoint

    tiny_checkpoint(town.folder / "base", **base)
    texts = [*sample_texts(40), *(f"{line} number {n}" for n in range(12) for line in ANIMALS)]
    (town.folder / "letters.txt").write_text("".join(f"{text}\n" for text in texts), "utf-8")
    for split, first, count in zip(SPLITS, (0, 12, 16), (12, 4, 8), strict=True):
        (town.folder / f"names-{split}.tsv").write_text(columns(first, count), "utf-8")
    for split, first, count in zip(SPLITS, (0, 24, 20), (24, 8, 12), strict=True):
        for stem, several in (("one", False), ("several", True)):
            path = town.folder / f"{stem}-{split}.tsv"
            path.write_text(table(first, count, several), "utf-8")
    town.save(values)


def summary(run: RunFolder) -> dict[str, Any]:
    """Return the numbers of a run."""
    lines = metrics(run)
    weights = (run.model / "model.safetensors").read_bytes()
    store = next(run.path / name for name in ("vocabulary", "corpus") if (run.path / name).is_dir())
    state = sorted(run.checkpoints.glob("step-*"))[-1]
    scores = {}
    for path in sorted(run.results.glob("*/*-seed-*.json")):
        result = read_json(path)
        scores[f"{path.parent.name}/{path.stem}"] = {
            "test": result["test"],
            "validation": result["validation"],
            "predictions": result["predictions"]["sha256"],
        }
    return {
        "losses": {p: [e["loss"] for e in lines if e["phase"] == p] for p in ("head", "full")},
        "pair_losses": [line["pair_loss"] for line in lines if "pair_loss" in line],
        "tokens": lines[-1]["tokens"],
        "model_sha256": hashlib.sha256(weights).hexdigest(),
        "before": held_out(run)["base"],
        "after": held_out(run)["adapted"],
        "corpus_digest": read_json(store / "store" / "manifest.json")["digest"],
        "scores": scores,
        "environment": read_json(state / "MANIFEST.json")["environment"],
    }


def flat(value: Any, at: str = "") -> dict[str, Any]:
    """Return leaves by path."""
    if not isinstance(value, dict | list):
        return {at: value}
    items = value.items() if isinstance(value, dict) else enumerate(value)
    return {path: v for key, part in items for path, v in flat(part, f"{at}/{key}").items()}


@pytest.mark.parametrize("name", RUNS)
def test_a_run_has_the_numbers_that_were_recorded(
    make_town: Callable[[], Town], adapt: Callable[..., Any], name: str
) -> None:
    town = make_town()
    write(town, *RUNS[name])
    adapt(town, "town.yaml", "--out", "run")
    found, goldens = summary(RunFolder(town.folder / "run")), read_json(GOLDEN)
    if os.environ.get("RECORD"):
        GOLDEN.write_text(json.dumps({**goldens, name: found}, indent=1, sort_keys=True), "utf-8")
        return
    golden = goldens[name]
    own, recorded = (dict(each.pop("environment")) for each in (found, golden))
    exact = {**own, "domainbert": ""} == {**recorded, "domainbert": ""}
    values, missing = flat(found), object()
    for path, expected in flat(golden).items():
        value = values.get(path, missing)
        if path.startswith("/scores") and isinstance(expected, float):
            assert value == pytest.approx(expected, abs=1e-12 if exact else SCORE), path
        elif exact or isinstance(expected, int) or path == "/corpus_digest":
            assert value == expected, path
        elif isinstance(expected, float):
            assert value == pytest.approx(expected, rel=LOSS), path
    counts = [{p: len(e) for p, e in each["losses"].items()} for each in (found, golden)]
    assert counts[0] == counts[1]
