from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Cli = Callable[..., Any]
Write = Callable[..., Path]


@pytest.fixture
def results(tmp_path: Path, write_result: Write) -> Path:
    folder = tmp_path / "run" / "results"
    for seed in (0, 1):
        write_result(folder, 0.9, seed=seed)
        write_result(folder, 0.4, seed=seed, model={"name": "base", "run": None})
    return tmp_path / "run"


def test_a_site_is_made(cli: Cli, results: Path, tmp_path: Path) -> None:
    outcome = cli("leaderboard", results, "-o", tmp_path / "site")
    assert (outcome.code, outcome.err) == (0, "")
    lines = [line.split() for line in outcome.out.splitlines()]
    assert lines[0] == ["tone,", "version", "1"]
    assert [line[:2] for line in lines if line[:1] in (["1"], ["2"])] == [
        ["1", "town-mini"], ["2", "package:mini/model"],
    ]  # fmt: skip
    assert [line[-1] for line in lines if "town-mini" in line] == ["better"]
    assert outcome.out.endswith(f"Next: open {tmp_path / 'site' / 'index.html'}\n")
    assert len(list((tmp_path / "site").iterdir())) == 4


def test_json_on_stdout_is_the_file(cli: Cli, results: Path, tmp_path: Path) -> None:
    outcome = cli("leaderboard", results, results / "results", "-o", tmp_path / "site", "--json")
    assert (outcome.code, outcome.err) == (0, "")
    written = (tmp_path / "site" / "leaderboard.json").read_text(encoding="utf-8")
    assert json.loads(outcome.out) == json.loads(written)


def test_notices_are_told_on_stderr(
    cli: Cli, results: Path, tmp_path: Path, write_result: Write
) -> None:
    write_result(tmp_path / "copy", 0.9)
    outcome = cli("leaderboard", results, tmp_path / "copy", "-o", tmp_path / "site", "--json")
    assert outcome.err == (
        "notice: tone, adapted, seed 0: given twice with equal predictions, counted once.\n"
    )
    assert json.loads(outcome.out)["results"] == 4


def test_bad_results_leave_no_site(cli: Cli, results: Path, tmp_path: Path) -> None:
    path = results / "results" / "tone" / "base-seed-1.json"
    path.write_bytes(path.read_bytes()[:100])
    outcome = cli("leaderboard", results, "-o", tmp_path / "site")
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith(f"error: {path}: no readable JSON: ")
    assert not (tmp_path / "site").exists()


@pytest.mark.parametrize("words", [[], ["none"]])
def test_no_results(cli: Cli, tmp_path: Path, words: list[str]) -> None:
    outcome = cli("leaderboard", *words, "-o", tmp_path / "site")
    assert outcome.code == 2
    assert not (tmp_path / "site").exists()


def test_a_place_that_cannot_be_written(cli: Cli, results: Path) -> None:
    outcome = cli("leaderboard", results, "-o", results / "results" / "tone" / "base-seed-0.json")
    assert outcome.code == 2
    assert "cannot be written to: " in outcome.err


def test_two_models_are_compared(cli: Cli, results: Path) -> None:
    base = f"{results}/results/*/base-seed-*.json"
    outcome = cli("compare", base, results)
    assert (outcome.code, outcome.err) == (0, "")
    told = outcome.out.splitlines()[-2]
    assert told.startswith("tone, f1_macro: B − A = +")
    assert told.endswith(": better")
    entries = json.loads(cli("compare", base, results, "--json").out)
    assert [entry["comparison"]["verdict"] for entry in entries] == ["better"]
    assert f"{100 * entries[0]['comparison']['difference']:+.2f} points" in told


def test_models_on_other_tasks_are_not_compared(
    cli: Cli, results: Path, tmp_path: Path, write_result: Write
) -> None:
    other = write_result(tmp_path / "other", task={"version": "2"})
    outcome = cli("compare", results, other)
    assert (outcome.code, outcome.out) == (2, "")
    assert 'task.version: "2", but "1" in' in outcome.err


LIGHT = """
import sys
from domainbert.cli.app import main
sys.argv = ["domainbert", *sys.argv[1:]]
try:
    main()
finally:
    heavy = {"torch", "transformers", "accelerate", "datasets"}
    print("imported:", sorted(heavy & set(sys.modules)), file=sys.stderr)
"""


def test_reading_results_loads_no_torch(python: Cli, results: Path, tmp_path: Path) -> None:
    outcome = python("-c", LIGHT, "leaderboard", results, "-o", tmp_path / "site", "--json")
    assert outcome.code == 0
    assert outcome.err.splitlines()[-1] == "imported: []"


@pytest.mark.parametrize("name", ["index.html", "leaderboard.csv"])
def test_files_of_somebody_else_are_not_written_over(
    cli: Cli, results: Path, tmp_path: Path, name: str
) -> None:
    (tmp_path / name).write_text("mine", encoding="utf-8")
    outcome = cli("leaderboard", results, "-o", tmp_path)
    assert outcome.code == 2
    assert f"{tmp_path / name}: is there already and no leaderboard wrote it" in outcome.err
    assert (tmp_path / name).read_text(encoding="utf-8") == "mine"
    assert not (tmp_path / "leaderboard.json").exists()


def test_a_leaderboard_is_written_anew(cli: Cli, results: Path, tmp_path: Path) -> None:
    for _ in range(2):
        assert cli("leaderboard", results, "-o", tmp_path / "site").code == 0


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model": {"tokens": 10**400}}, "model.tokens: "),
        ({"minutes": 1e300}, "minutes: "),
        ({"seed": 2**40}, "seed: "),
        ({"predictions": {"file": "x" * 300}}, "predictions.file: "),
        ({"task": {"labels": ["x", "x"]}}, "task.labels: "),
    ],
    ids=["tokens", "minutes", "seed", "file", "labels"],
)
def test_values_that_nothing_measures_are_refused(
    cli: Cli, results: Path, tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    path = results / "results" / "tone" / "base-seed-1.json"
    entry = json.loads(path.read_text(encoding="utf-8"))
    for key, value in changes.items():
        entry[key] = {**entry[key], **value} if isinstance(value, dict) else value
    path.write_text(json.dumps(entry), encoding="utf-8")
    outcome = cli("leaderboard", results, "-o", tmp_path / "site")
    assert outcome.code == 2
    assert f"{path}: {said}" in outcome.err.replace("error: ", "")


def test_a_pipe_named_like_a_result_is_not_waited_for(
    cli: Cli, results: Path, tmp_path: Path
) -> None:
    os.mkfifo(results / "results" / "tone" / "base-seed-7.json")
    assert cli("leaderboard", results, "-o", tmp_path / "site").code == 2
