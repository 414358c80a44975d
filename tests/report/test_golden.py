"""The leaderboard of stored results, recorded with the code before the redesign."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from domainbert.report.leaderboard import board_json, make_leaderboard

GOLDEN = Path(__file__).parent.parent / "golden"


def close(value: Any) -> Any:
    """Numbers to 1e-9, all else exactly."""
    if isinstance(value, dict):
        return {key: close(item) for key, item in value.items()}
    if isinstance(value, list):
        return [close(item) for item in value]
    return pytest.approx(value, rel=0, abs=1e-9) if isinstance(value, float) else value


def test_old_results_are_read_scored_and_ranked_as_before() -> None:
    golden = json.loads((GOLDEN / "leaderboard.json").read_text(encoding="utf-8"))
    board = json.loads(json.dumps(board_json(*make_leaderboard([str(GOLDEN / "results")]))))
    assert (board["results"], board["notices"]) == (golden["results"], golden["notices"])
    for table, old in zip(board["tables"], golden["tables"], strict=True):
        shape = [table["task"]["name"], table["metric"], table["records"], table["noticed"]]
        assert shape == [old["task"], old["metric"], old["records"], old["noticed"]]
        for row, before in zip(table["rows"], old["rows"], strict=True):
            for entry in (row, before):
                entry["scores"] = {n: entry["scores"][n]["mean"] for n in before["scores"]}
            if row["against_base"]:
                row["against_base"] = {k: row["against_base"][k] for k in before["against_base"]}
            assert {key: row[key] for key in before} == close(before)
