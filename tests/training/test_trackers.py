"""One tracker that fails costs neither the run nor another tracker."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from domainbert.run.folder import RunFolder
from domainbert.storage.files import read_json, write_json
from domainbert.training import trackers as tracking


class Tracker:
    def __init__(self, name: str, *fails: str) -> None:
        self.name, self.fails = name, fails
        self.told: list[Any] = []

    def log(self, values: dict[str, Any], step: int) -> None:
        self._maybe_fail("log")
        self.told.append((step, values))

    def finish(self) -> None:
        self._maybe_fail("finish")
        self.told.append("finish")

    def _maybe_fail(self, what: str) -> None:
        if what in self.fails:
            raise ConnectionError("https://secret@example.org")


def test_only_the_tracker_that_fails_is_left_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    good, bad = Tracker("good"), Tracker("bad", "log", "finish")
    said: list[str] = []
    session: Any = SimpleNamespace(
        accelerator=SimpleNamespace(trackers=[bad, good]),
        run=RunFolder(tmp_path),
        reporter=SimpleNamespace(say=said.append),
        is_main=True,
    )
    monkeypatch.setattr(tracking, "_start", lambda *_: None)
    write_json(tmp_path / "trackers" / "state.json", {"step": 0})
    with tracking.tracked(session, ("bad", "good")):
        tracking.track(session, {"step": 2, "loss": 3.0})
        tracking.track(session, {"step": 4, "loss": 2.0})
    sent = [(2, {"loss": 3.0}), (4, {"loss": 2.0})]
    assert (bad.told, good.told) == ([], [*sent, "finish"])
    assert said == ["trackers: bad: ConnectionError; nothing more is sent to it"]
    assert read_json(tmp_path / "trackers" / "state.json") == {"step": 4}
    assert session.accelerator.trackers == []
