"""How a supervisor watches ranks, passes signals on, and ends ranks whose launcher is gone."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from domainbert.launch import attempt, supervisor
from domainbert.run.heartbeat import Heartbeat

RANKS = {0: Heartbeat(0, 10, 5, "step 7"), 1: Heartbeat(1, 11, 5, "step 8")}
STATES = {10: "sleeping", 11: "stopped"}


def test_a_stopped_rank_is_named_and_ended_within_two_minutes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(supervisor.PATIENCE, raising=False)
    clock = [0.0]
    monkeypatch.setattr(attempt, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    monkeypatch.setattr(attempt.psutil, "Process", lambda pid: pid)
    monkeypatch.setattr(attempt, "_state", lambda pid: (STATES[pid], 0.0))
    moved = lambda _: RANKS | {1: replace(RANKS[1], count=int(2 * clock[0]))}  # noqa: E731
    monkeypatch.setattr(attempt.heartbeat, "read_heartbeats", moved)
    made = attempt._Watch(Path(), supervisor._patience(), seen=0.0)
    while not made.hanging and clock[0] < 200:
        clock[0] += 0.5
        made.look()
    assert made.hanging == "rank 1 (pid 11) has not moved for 60 s, in step 8"
    # Then torchrun is waited for, and its ranks twice.
    assert clock[0] + 3 * attempt._GRACE < 120


HEARTBEATS = """
import json, sys, time
for count in range(2, 14):
    time.sleep(0.1)
    beat = {"rank": 0, "pid": 1, "count": count, "where": ""}
    open(sys.argv[1], "w").write(json.dumps(beat))
"""
WORKS = "import time\nend = time.monotonic() + 1.2\nwhile time.monotonic() < end: pass"


@pytest.mark.parametrize(
    ("source", "longest", "code"),
    [
        ("import time; time.sleep(60)", 300, -signal.SIGKILL),
        (HEARTBEATS, 300, 0),
        (WORKS, 300, 0),
        ("while True: pass", 0.6, -signal.SIGKILL),
    ],
    ids=["idle", "heartbeats", "works", "works-too-long"],
)
def test_a_rank_without_its_torchrun_is_waited_for_while_it_works(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, source: str, longest: float, code: int
) -> None:
    monkeypatch.setattr(attempt, "_GRACE", 0.4)
    monkeypatch.setattr(attempt, "_LOOK", 0.02)
    monkeypatch.setattr(attempt, "_LONGEST_SAVE", longest)
    with subprocess.Popen([sys.executable, "-c", source, str(tmp_path / "rank-0")]) as made:
        started = time.monotonic()
        attempt._await_end(tmp_path, [psutil.Process(made.pid)])
        assert made.wait(10) == code
        assert time.monotonic() - started < 10
