"""A run that saves memory, or is compiled, is the same run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers.runs import metrics
from safetensors import safe_open

from domainbert.run.folder import RunFolder

Adapt = Callable[..., Any]
STILL = ("--set", "train.dropout=0")


@pytest.fixture(scope="module")
def town(make_town: Callable[[], Any]) -> Any:
    made = make_town()
    made.write(with_head=False, head_steps=3, steps=5, dropout=0.1, sections={"tasks": []})
    return made


def names(folder: Path) -> dict[str, list[str]]:
    """Names of the tensors in each file."""
    found = {}
    for path in sorted(folder.rglob("*.safetensors")):
        with safe_open(path, "pt") as stream:
            found[path.relative_to(folder).as_posix()] = sorted(stream.keys())
    return found


@pytest.mark.parametrize(
    ("key", "words", "tolerance"),
    [
        ("gradient_checkpointing", (), 1e-6),
        pytest.param("torch_compile", STILL, 1e-5, marks=pytest.mark.slow),
    ],
)
def test_the_losses_files_and_names_are_those_of_a_plain_run(
    town: Any, adapt: Adapt, key: str, words: tuple[str, ...], tolerance: float
) -> None:
    adapt(town, "town.yaml", "--out", f"plain-{key}", *words)
    adapt(town, "town.yaml", "--out", key, *words, "--set", f"train.{key}=true")
    one, two = (RunFolder(town.folder / name) for name in (key, f"plain-{key}"))
    for found, expected in zip(metrics(one), metrics(two), strict=True):
        for value in ("loss", "gradient_norm"):
            assert found[value] == pytest.approx(expected[value], rel=tolerance)
    assert names(one.path) == names(two.path)
    config = [json.loads((run.model / "config.json").read_text("utf-8")) for run in (one, two)]
    assert config[0] == config[1]
