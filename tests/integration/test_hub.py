"""A run whose text and task are data sets of a stand-in for the hub."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from helpers.hub import COMMIT

from domainbert.testing import tiny_checkpoint

pytestmark = pytest.mark.slow
RECIPE: dict[str, Any] = {
    "name": "reviews",
    "base": "base",
    "corpus": [{"hub": {"id": "org/reviews", "split": "train"}, "streaming": True, "limit": 40,
                "columns": {"text": "body"}}],
    "corpus_steps": ["normalise", {"name": "decontaminate", "least_words": 3}],
    "train": {"steps": 2, "batch_size": 4, "max_seq_length": 16},
    "tasks": [{"name": "stars", "kind": "classification", "hub": "org/reviews",
               "columns": {"text": "body", "label": "stars"}, "splits": {"validation": 0.2}}],
    "evaluate": {"seeds": [0], "epochs": 1, "min_steps": 1},
}  # fmt: skip


def test_a_run_pins_its_data_sets_and_goes_on_without_a_network(
    data_hub: Any,
    cli: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fresh_accelerator: None,
) -> None:
    monkeypatch.chdir(tmp_path)
    tiny_checkpoint(Path("base"))
    Path("reviews.yaml").write_text(yaml.safe_dump(RECIPE))
    first = cli("adapt", "reviews.yaml", "--out", "run", "--until", "corpus")
    assert first.code == 0, first.err
    assert json.loads(Path("run/lock.json").read_text())["datasets"] == {"org/reviews@main": COMMIT}
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    asked = len(data_hub.requests)
    again = cli("adapt", "run")
    assert again.code == 0, again.err
    assert len(data_hub.requests) == asked
    result = json.loads(Path("run/results/stars/base-seed-0.json").read_text())
    adapted = json.loads(Path("run/results/stars/adapted-seed-0.json").read_text())
    counts = json.loads(Path("run/corpus/store/manifest.json").read_text())["counts"]
    assert result["model"]["contaminated"] is None
    assert adapted["model"]["contaminated"] == counts["read"] - counts["kept"] > 0
    assert (
        f"{counts['read'] - counts['kept']} contaminated (decontaminate)"
        in Path("run/README.md").read_text()
    )
    assert result["task"]["labels"] == ["bad", "good"]
    about = "own, train 0.8, validation 0.2, text_field body, label_field stars"
    assert result["task"]["version"].startswith(about)
    stage = json.loads(Path("run/corpus/stage.json").read_text())
    assert (
        stage["result"]["files"][0]["corpus"] == f"org/reviews@{COMMIT[:12]} default/train-first-40"
    )
