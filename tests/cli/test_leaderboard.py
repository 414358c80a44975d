from __future__ import annotations

import json
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


def test_json_is_the_file_and_notices_are_on_stderr(
    cli: Cli, results: Path, tmp_path: Path, write_result: Write
) -> None:
    write_result(tmp_path / "copy", 0.9)
    outcome = cli("leaderboard", results, tmp_path / "copy", "-o", tmp_path / "site", "--json")
    assert outcome.err == (
        "notice: tone, adapted, seed 0: given twice with equal predictions, counted once.\n"
    )
    written = (tmp_path / "site" / "leaderboard.json").read_text(encoding="utf-8")
    assert json.loads(outcome.out) == json.loads(written)
    assert json.loads(outcome.out)["results"] == 4


def test_bad_results_leave_no_site(cli: Cli, results: Path, tmp_path: Path) -> None:
    path = results / "results" / "tone" / "base-seed-1.json"
    path.write_bytes(path.read_bytes()[:100])
    for words in ([], ["none"], [results]):
        outcome = cli("leaderboard", *words, "-o", tmp_path / "site")
        assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith(f"error: {path}: no readable JSON: ")
    assert not (tmp_path / "site").exists()


def test_two_models_are_compared(
    cli: Cli, results: Path, tmp_path: Path, write_result: Write
) -> None:
    base = f"{results}/results/*/base-seed-*.json"
    outcome = cli("compare", base, results)
    assert (outcome.code, outcome.err) == (0, "")
    line = outcome.out.splitlines()[-2]
    assert line.startswith("tone, f1_macro: B − A = +")
    assert line.endswith(": better")
    (entry,) = json.loads(cli("compare", base, results, "--json").out)
    assert entry["comparison"]["verdict"] == "better"
    assert f"{100 * entry['comparison']['difference']:+.2f} points" in line
    other = write_result(tmp_path / "other", task={"version": "2"})
    outcome = cli("compare", results, other)
    assert (outcome.code, outcome.out) == (2, "")
    assert "in version. Such scores are not comparable" in outcome.err


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


def test_reading_results_loads_no_torch(
    python: Callable[..., Any], results: Path, tmp_path: Path
) -> None:
    outcome = python("-c", LIGHT, "leaderboard", results, "-o", tmp_path / "site", "--json")
    assert outcome.code == 0
    assert outcome.err.splitlines()[-1] == "imported: []"
