"""A model that learned nothing gets no verdict, whoever compares it later."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.mark.usefixtures("fresh_accelerator")
def test_every_command_withholds_the_verdict_of_a_model_that_learned_nothing(
    make_town: Callable[[], Any], cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    town = make_town()
    town.write(steps=2, learning_rate=1e-12)
    monkeypatch.chdir(town.folder)
    said = "the model learned nothing: held-out text has "
    done = cli("adapt", "town.yaml", "--out", "run", "--json")
    assert [task["comparison"]["verdict"] for task in json.loads(done.out)["tasks"]] == [
        "no verdict"
    ]
    assert said in Path("run/README.md").read_text(encoding="utf-8")
    (report,) = json.loads(cli("evaluate", "run", "--seeds", "3", "--json").out)
    assert report["comparison"]["verdict"] == "no verdict"
    assert report["comparison"]["notes"][-1].startswith(said)
    base = "run/results/*/base-*.json"
    (entry,) = json.loads(cli("compare", base, "run", "--json").out)
    assert entry["comparison"]["verdict"] == "no verdict"
    (table,) = json.loads(cli("leaderboard", "run", "--json").out)["tables"]
    verdicts = [row["against_base"]["verdict"] for row in table["rows"] if row["against_base"]]
    assert verdicts == ["no verdict"]
