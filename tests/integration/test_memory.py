"""A run that saves memory, or is compiled, is the same run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from safetensors import safe_open

from domainbert.run.folder import RunFolder

Adapt = Callable[..., Any]
MakeTown = Callable[[], Any]


@pytest.fixture(scope="module")
def town(make_town: MakeTown, adapt: Adapt) -> Any:
    made = make_town()
    made.write(with_head=False, head_steps=3, steps=5, dropout=0.1)
    adapt(made, "town.yaml", "--out", "plain")
    adapt(made, "town.yaml", "--out", "still", "--set", "train.dropout=0")
    return made


def metrics(run: RunFolder) -> list[dict[str, Any]]:
    return [json.loads(line) for line in run.metrics.read_text(encoding="utf-8").splitlines()]


def names(folder: Path) -> dict[str, list[str]]:
    """Names of the tensors in each file."""
    found = {}
    for path in sorted(folder.rglob("*.safetensors")):
        with safe_open(path, "pt") as stream:
            found[path.relative_to(folder).as_posix()] = sorted(stream.keys())
    return found


def compare(town: Any, mine: str, other: str, tolerance: float) -> None:
    one, two = RunFolder(town.folder / mine), RunFolder(town.folder / other)
    for found, expected in zip(metrics(one), metrics(two), strict=True):
        assert found["loss"] == pytest.approx(expected["loss"], rel=tolerance)
        assert found["gradient_norm"] == pytest.approx(expected["gradient_norm"], rel=tolerance)
    assert names(one.path) == names(two.path)
    config = [json.loads((run.model / "config.json").read_text("utf-8")) for run in (one, two)]
    assert config[0] == config[1]


def test_gradient_checkpointing_changes_no_loss_and_no_file(town: Any, adapt: Adapt) -> None:
    adapt(town, "town.yaml", "--out", "small", "--set", "train.gradient_checkpointing=true")
    compare(town, "small", "plain", 1e-6)


@pytest.mark.slow
def test_a_compiled_run_has_the_losses_and_names_of_a_plain_one(town: Any, adapt: Adapt) -> None:
    words = ("--set", "train.dropout=0", "--set", "train.torch_compile=true")
    adapt(town, "town.yaml", "--out", "compiled", *words)
    compare(town, "compiled", "still", 1e-5)
