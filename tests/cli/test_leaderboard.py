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
    for seed in range(5):
        write_result(folder, 0.9, seed=seed)
        write_result(folder, 0.4, seed=seed, model={"name": "base", "run": None})
    return tmp_path / "run"


def test_a_site_is_made(cli: Cli, results: Path, tmp_path: Path, write_result: Write) -> None:
    site = tmp_path / "site"
    outcome = cli("leaderboard", results, "-o", site)
    assert (outcome.code, outcome.err) == (0, "")
    lines = [line.split() for line in outcome.out.splitlines()]
    assert [line[-1] for line in lines if line[:2] == ["1", "town-mini"]] == ["better"]
    assert outcome.out.endswith(f"Page, to open in a browser: file://{site}/index.html\n")
    write_result(tmp_path / "copy", 0.9)
    outcome = cli("leaderboard", results, tmp_path / "copy", "-o", site, "--json")
    assert outcome.err.startswith("notice: tone, adapted, seed 0: given twice with equal ")
    assert json.loads(outcome.out) == json.loads((site / "leaderboard.json").read_text("utf-8"))


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
    (entry,) = json.loads(cli("compare", base, results, "--json").out)
    difference = f"{100 * entry['comparison']['difference']:+.2f}"
    line = outcome.out.splitlines()[-2]
    assert line.startswith(f"tone, f1_macro: B − A = {difference} points, ")
    assert (line[-8:], outcome.code, outcome.err) == (": better", 0, "")
    outcome = cli("compare", results, write_result(tmp_path / "other", task={"version": "2"}))
    assert (outcome.code, outcome.out) == (2, "")
    assert "in version. Such scores are not comparable" in outcome.err
