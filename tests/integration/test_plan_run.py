"""What a dry run says, and what becomes of a budget, from the command line."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers.runs import copied, metrics, times, weights

from domainbert.run.folder import RunFolder

Adapt = Callable[..., Any]
DRY = ("town.yaml", "--dry-run")


@pytest.fixture(scope="module")
def town(make_town: Callable[[], Any]) -> Any:
    """A base without a head and no task, so that a run is quick."""
    made = make_town()
    made.write(
        with_head=False, steps=8, head_steps=3, save_steps=4, save_total_limit=9,
        sections={"tasks": []},
    )  # fmt: skip
    return made


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that temporary folders are made in."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def line_of(town: Any, key: str) -> int:
    lines = (town.folder / "town.yaml").read_text(encoding="utf-8").splitlines()
    return next(n for n, line in enumerate(lines, 1) if line.strip().startswith(f"{key}:"))


def test_a_dry_run_says_all_and_writes_nothing(town: Any, adapt: Adapt, temporary: Path) -> None:
    before = times(town.folder)
    words = ("--set", "train.seed=3", "--set", "vocabulary.size=3", "--set", "budget=2epochs")
    output = adapt(town, *DRY, *words, "--processes", "2").out
    lines = [" ".join(line.split()) for line in output.splitlines()]
    assert f"train.head_steps: 3 # town.yaml:{line_of(town, 'head_steps')}" in lines
    assert f"base.source: base # town.yaml:{line_of(town, 'base')}" in lines
    assert "train.seed: 3 # --set train.seed=3" in lines
    assert "train.epochs: 2.0 # --set budget=2epochs" in lines
    assert lines[0].startswith("Training takes about ")
    assert not [line for line in lines if line.endswith("# default")]
    assert "linear" in adapt(town, *DRY, *words, "--full").out
    assert [line.split()[0] for line in lines if " tokens/s, " in line] == ["head:", "full:"]
    assert (
        "timed in one process: 2 processes were not measured; each does 1/2 of the work" in output
    )
    assert lines[-1] == "Nothing was written."
    assert times(town.folder) == before
    assert list(temporary.iterdir()) == []


@pytest.mark.slow
def test_what_was_planned_is_what_is_done(town: Any, adapt: Adapt) -> None:
    ramp = ("--set", "train.batch_ramp={start: 2, steps: 5}", "--set", "budget=1epochs")
    words = ("town.yaml", *ramp, "--out", "planned", "--json")
    plan = json.loads(adapt(town, *words, "--dry-run").out)
    done = json.loads(adapt(town, *words).out)
    head, full = plan["phases"]
    assert (head["name"], head["steps"], full["name"]) == ("head", 3, "full")
    assert done["training"]["steps"] == head["steps"] + full["steps"]
    # Exact for all sequences once; for a part of them an expected number.
    expected = head["tokens"] + full["tokens"]
    assert done["training"]["tokens"] == pytest.approx(expected, rel=0.1)
    assert 1 <= full["epochs"] < 1 + 4 / plan["training"]["n_sequences"]
    for key in ("documents", "tokens", "characters"):
        assert done["corpus"][key] == plan["corpus"][key]
    speeds = plan["timed"]
    assert set(speeds) == {"head", "full"}
    for phase in (head, full):
        seconds = phase["tokens"] * speeds[phase["name"]]["seconds_per_token"]
        assert phase["seconds"] == pytest.approx(seconds)
    stages = ["corpus", "head", "pretrain", "held-out/base", "held-out/adapted", "blend"]
    assert plan["done"] == dict.fromkeys(stages, False)
    again = json.loads(adapt(town, *words, "--dry-run").out)
    assert again["done"] == dict.fromkeys(stages, True)


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["town.yaml", "--set", "budget=3x"], "--set budget=3x: expected steps (500), "),
        ([*DRY, "--out", "base"], "base: exists and is not a run folder."),
        ([*DRY, "--set", "corpus.0.path=none.txt"], "corpus.0.path: no file matches"),
        ([*DRY, "--set", "train.freeze_layers=9"], "9, but the base has 2 layers."),
    ],
)
def test_what_a_run_would_refuse_is_refused(
    town: Any, adapt: Adapt, temporary: Path, words: list[str], error: str
) -> None:
    before = times(town.folder)
    output = adapt(town, *words, code=2)
    assert error in output.err
    assert times(town.folder) == before
    assert list(temporary.iterdir()) == []


def test_a_launcher_is_told_that_a_dry_run_is_one_process(
    town: Any, adapt: Adapt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    refused = adapt(town, *DRY, code=2).err
    assert "--dry-run: a launcher started this process as one of several" in refused


@pytest.fixture(scope="module")
def timed(town: Any, adapt: Adapt) -> RunFolder:
    """A run of a second or so."""
    adapt(town, "town.yaml", "--set", "budget=0.01m", "--out", "timed")
    return RunFolder(town.folder / "timed")


def planned(run: RunFolder) -> int:
    return int(json.loads((run.path / "pretrain" / "plan.json").read_text("utf-8"))["steps"])


@pytest.mark.slow
def test_a_run_in_minutes_is_the_run_of_the_steps_it_names(
    town: Any, adapt: Adapt, timed: RunFolder
) -> None:
    adapt(town, "town.yaml", "--set", f"budget={planned(timed)}", "--out", "counted")
    counted = RunFolder(town.folder / "counted")
    assert metrics(counted) == metrics(timed)
    assert weights(counted) == weights(timed)


@pytest.mark.slow
def test_a_run_in_minutes_that_is_continued_keeps_its_steps(
    town: Any, adapt: Adapt, timed: RunFolder
) -> None:
    again = copied(timed, "again", 4)
    adapt(town, "again")
    assert metrics(again) == metrics(timed)
    assert weights(again) == weights(timed)
    plan = json.loads(adapt(town, "again", "--dry-run", "--json").out)
    assert plan["phases"][1]["steps"] == planned(timed) == metrics(timed)[-1]["step"] - 3
