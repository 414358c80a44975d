"""What is said before a run and what becomes of its budget, from the command line."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from domainbert.run.folder import RunFolder

Adapt = Callable[..., Any]
MakeTown = Callable[[], Any]


@pytest.fixture(scope="module")
def town(make_town: MakeTown) -> Any:
    """A base without a head and no task, so that a run is quick."""
    made = make_town()
    made.write(with_head=False, steps=8, head_steps=3, save_steps=4, save_total_limit=9)
    path = made.folder / "town.yaml"
    recipe = yaml.safe_load(path.read_text(encoding="utf-8"))
    path.write_text(yaml.safe_dump({**recipe, "tasks": []}, sort_keys=False), encoding="utf-8")
    return made


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that temporary folders are made in."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def tree(folder: Path) -> dict[str, tuple[int, int]]:
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.stat().st_size)
        for path in sorted(folder.rglob("*"))
    }


def line_of(town: Any, key: str) -> int:
    lines = (town.folder / "town.yaml").read_text(encoding="utf-8").splitlines()
    return next(n for n, line in enumerate(lines, 1) if line.strip().startswith(f"{key}:"))


def test_a_dry_run_tells_all_and_writes_nothing(town: Any, adapt: Adapt, temporary: Path) -> None:
    cache = Path(town.variables["DOMAINBERT_CACHE"])
    before, cached = tree(town.folder), tree(cache) if cache.exists() else None
    told = adapt(town, "town.yaml", "--set", "train.seed=3", "--budget", "2epochs", "--dry-run")
    lines = [" ".join(line.split()) for line in told.out.splitlines()]
    assert f"train.head_steps: 3 # town.yaml:{line_of(town, 'head_steps')}" in lines
    assert f"base.source: base # town.yaml:{line_of(town, 'base')}" in lines
    assert "train.seed: 3 # --set train.seed=3" in lines
    assert "train.epochs: 2.0 # --budget 2epochs" in lines
    assert "train.steps: null # --budget 2epochs" in lines
    assert "train.lr_scheduler: linear # default" in lines
    assert lines[-1] == "Nothing was written."
    assert tree(town.folder) == before
    assert (tree(cache) if cache.exists() else None) == cached
    assert list(temporary.iterdir()) == []


def test_what_was_told_is_what_is_done(town: Any, adapt: Adapt) -> None:
    words = ("town.yaml", "--set", "train.batch_ramp={start: 2, steps: 5}", "--budget", "1epochs")
    told = json.loads(adapt(town, *words, "--dry-run", "--json").out)
    done = json.loads(adapt(town, *words, "--out", "told", "--json").out)
    head, full = told["phases"]
    assert (head["name"], head["steps"], full["name"]) == ("head", 3, "full")
    assert done["training"]["steps"] == head["steps"] + full["steps"]
    # Of all sequences once, so many tokens exactly; of some, about.
    expected = head["tokens"] + full["tokens"]
    assert done["training"]["tokens"] == pytest.approx(expected, rel=0.1)
    assert 1 <= full["epochs"] < 1 + 4 / told["corpus"]["training"]["n_sequences"]
    for key in ("documents", "tokens", "characters"):
        assert done["corpus"][key] == told["corpus"][key]
    assert (
        told["sha256"]
        == json.loads((town.folder / "told" / "lock.json").read_text())["recipe"]["hash"]
    )
    assert told["origins"]["train.batch_ramp.start"].startswith("--set train.batch_ramp=")
    assert set(told["timed"]) == {"head", "full"}
    assert full["seconds"] == pytest.approx(
        full["tokens"] * told["timed"]["full"]["seconds_per_token"]
    )


def test_without_measuring_no_time_is_told(town: Any, adapt: Adapt) -> None:
    words = ("town.yaml", "--dry-run", "--no-measure")
    told = json.loads(adapt(town, *words, "--json").out)
    assert [phase["seconds"] for phase in told["phases"]] == [None, None]
    assert (told["timed"], told["memory"]["measured"]) == ({}, None)
    assert told["memory"]["total"] > told["memory"]["weights"] > 0
    assert "not measured" in adapt(town, *words).out


def test_a_dry_run_counts_with_the_processes_that_are_asked_for(town: Any, adapt: Adapt) -> None:
    words = ("town.yaml", "--dry-run", "--processes", "2")
    told = json.loads(adapt(town, *words, "--json").out)
    one = json.loads(adapt(town, *words[:2], "--no-measure", "--json").out)
    assert (told["processes"], told["timed_in_processes"], one["processes"]) == (2, 1, 1)
    assert told["memory"]["gradients"] == 2 * one["memory"]["gradients"]
    said = adapt(town, *words, "--budget", "2h").out
    assert "timed in one process: what 2 take was not measured; each does 1/2 of a " in said
    assert "and do more steps in the minutes" in said
    assert ", each of 2 processes: " in said
    assert "timed in one process" not in adapt(town, *words, "--no-measure").out


def test_minutes_without_measuring_are_no_known_steps(town: Any, adapt: Adapt) -> None:
    words = ("town.yaml", "--dry-run", "--no-measure", "--budget", "2h")
    told = json.loads(adapt(town, *words, "--json").out)
    assert [phase["name"] for phase in told["phases"]] == ["head"]
    assert (
        "full: how many steps are 120 minutes is known after timed steps" in adapt(town, *words).out
    )


def test_a_vocabulary_is_told_to_change_the_counts(town: Any, adapt: Adapt) -> None:
    words = ("town.yaml", "--dry-run", "--no-measure", "--set", "vocabulary.size=3")
    told = adapt(town, *words)
    assert "vocabulary: counted with the tokenizer as it came" in told.out
    assert " head " in told.out


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["town.yaml", "--budget", "3x"], "--budget 3x: expected steps (500), epochs (2epochs), "),
        (["town.yaml", "--no-measure"], "--no-measure is for --dry-run"),
        (["town.yaml", "--dry-run", "--out", "base"], "base: exists and is not a run folder."),
        (
            ["town.yaml", "--dry-run", "--set", "corpus.0.path=none.txt"],
            "corpus.0.path: no file matches",
        ),
        (
            ["town.yaml", "--dry-run", "--set", "train.freeze_layers=9"],
            "train.freeze_layers: 9, but the base has 2 layers.",
        ),
        (
            ["town.yaml", "--dry-run", "--processes", "3"],
            "train.batch_size: 4 cannot be shared by 3 processes. Take a multiple",
        ),
    ],
)
def test_what_a_run_would_refuse_is_refused(
    town: Any, adapt: Adapt, temporary: Path, words: list[str], error: str
) -> None:
    before = tree(town.folder)
    assert error in adapt(town, *words, code=2).err
    assert tree(town.folder) == before
    assert list(temporary.iterdir()) == []


def test_a_dry_run_downloads_to_a_folder_that_is_thrown_away(
    town: Any, adapt: Adapt, temporary: Path, file_server: Any
) -> None:
    text = (town.folder / "letters.txt").read_bytes()
    file_server.files["/letters.txt"] = text
    file = {
        "sha256": hashlib.sha256(text).hexdigest(),
        "size": len(text),
        "name": "letters.txt",
        "url": f"{file_server.address}/letters.txt",
    }
    corpus = [{"file": file, "text_unit": "line"}]
    words = ("town.yaml", "--dry-run", "--no-measure", "--json")
    told = adapt(town, *words, "--set", f"corpus={json.dumps(corpus)}")
    assert json.loads(told.out)["corpus"]["documents"] == 40
    assert len(file_server.requests) == 1
    cache = Path(town.variables["DOMAINBERT_CACHE"])
    assert [path for path in cache.rglob("*") if path.is_file()] == []
    assert list(temporary.iterdir()) == []
    # What is in the cache already is not fetched again.
    cached = cache / "files" / file["sha256"][:16] / "letters.txt"
    cached.parent.mkdir(parents=True)
    cached.write_bytes(text)
    adapt(town, *words, "--set", f"corpus={json.dumps(corpus)}")
    shutil.rmtree(cache)
    assert len(file_server.requests) == 1


@pytest.fixture(scope="module")
def timed(town: Any, adapt: Adapt) -> RunFolder:
    """A run of a second or so."""
    adapt(town, "town.yaml", "--budget", "0.01m", "--out", "timed")
    return RunFolder(town.folder / "timed")


def model_of(run: RunFolder) -> str:
    return hashlib.sha256((run.model / "model.safetensors").read_bytes()).hexdigest()


def losses(run: RunFolder) -> list[tuple[int, float]]:
    entries = [json.loads(line) for line in run.metrics.read_text(encoding="utf-8").splitlines()]
    return [(entry["step"], entry["loss"]) for entry in entries]


def test_a_run_in_minutes_is_the_run_of_the_steps_it_names(
    town: Any, adapt: Adapt, timed: RunFolder
) -> None:
    steps = json.loads(timed.lock.read_text(encoding="utf-8"))["plan"]["steps"]
    adapt(town, "town.yaml", "--budget", steps, "--out", "counted")
    counted = RunFolder(town.folder / "counted")
    assert losses(counted) == losses(timed)
    assert model_of(counted) == model_of(timed)


def test_a_run_in_minutes_that_is_continued_keeps_its_steps(
    town: Any, adapt: Adapt, timed: RunFolder
) -> None:
    again = RunFolder(town.folder / "again")
    shutil.copytree(timed.path, again.path)
    shutil.rmtree(again.model)
    checkpoints = sorted(again.checkpoints.iterdir())
    for checkpoint in checkpoints[2:]:
        shutil.rmtree(checkpoint)
    adapt(town, "again")
    assert losses(again) == losses(timed)
    assert model_of(again) == model_of(timed)
    told = json.loads(adapt(town, "again", "--dry-run", "--no-measure", "--json").out)
    assert told["phases"][1]["steps"] == losses(timed)[-1][0] - 3


def test_checkpoints_without_the_plan_they_were_made_by_are_refused(
    town: Any, adapt: Adapt, timed: RunFolder
) -> None:
    lost = RunFolder(town.folder / "lost")
    shutil.copytree(timed.path, lost.path)
    lock = json.loads(lost.lock.read_text(encoding="utf-8"))
    lock["plan"]["steps"] += 1
    lost.lock.write_text(json.dumps(lock), encoding="utf-8")
    assert "this checkpoint belongs to another plan." in adapt(town, "lost", code=2).err


def test_a_budget_cannot_change_a_run(town: Any, adapt: Adapt, timed: RunFolder) -> None:
    told = adapt(town, "timed", "--budget", "5", code=2)
    assert "--budget cannot change the run in timed" in told.err


def test_minutes_are_those_after_the_head_also_when_the_vocabulary_grows(
    town: Any, adapt: Adapt
) -> None:
    words = ("--set", "vocabulary.size=3", "--budget", "0.005m", "--out", "grown", "--json")
    done = json.loads(adapt(town, "town.yaml", *words).out)
    lock = json.loads((town.folder / "grown" / "lock.json").read_text(encoding="utf-8"))
    assert done["training"]["steps"] == 3 + lock["plan"]["steps"]
    assert lock["vocabulary"]["entries"] > 0
