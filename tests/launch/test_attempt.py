"""How a supervisor watches ranks, passes signals on, and ends ranks whose launcher is gone."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from domainbert.launch import attempt, supervisor
from domainbert.run.heartbeat import Heartbeat

RANKS = {0: Heartbeat(0, 10, 5, "step 7"), 1: Heartbeat(1, 11, 5, "step 8")}
TERM, INT, USR1 = signal.SIGTERM, signal.SIGINT, signal.SIGUSR1


@pytest.mark.parametrize(
    ("received", "heard", "expected"),
    [
        ({INT}, {}, {(0, TERM), (1, TERM)}),
        ({INT}, {0: {INT}}, {(1, TERM)}),
        (set(), {1: {TERM}}, {(0, TERM)}),
        ({USR1}, {0: {TERM, USR1}, 1: {TERM}}, {(1, USR1)}),
    ],
)
def test_a_signal_is_passed_on_once_to_ranks_that_lack_it_and_ctrl_c_as_sigterm(
    monkeypatch: pytest.MonkeyPatch,
    received: set[int],
    heard: dict[int, set[int]],
    expected: set[tuple[int, int]],
) -> None:
    posted: list[tuple[int, int]] = []
    monkeypatch.setattr(attempt, "_signal", lambda rank, number: posted.append((rank, number)))
    sent: dict[int, set[int]] = {}
    for _ in range(2):
        attempt._pass_on(received, heard, {0: 0, 1: 1}, sent)  # type: ignore[dict-item]
    assert (set(posted), len(posted)) == (expected, len(expected))


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[str, float]]:
    """Watch made-up ranks for a while; return why they hang, and after how many seconds."""

    def run(frozen: set[int], moves: int, patience: float) -> tuple[str, float]:
        clock, count = [0.0], [5]
        monkeypatch.setattr(attempt, "time", SimpleNamespace(monotonic=lambda: clock[0]))
        monkeypatch.setattr(attempt.psutil, "Process", lambda pid: pid)
        state = lambda pid: ("stopped" if pid in frozen else "sleeping", 0.0)  # noqa: E731
        monkeypatch.setattr(attempt, "_state", state)
        moved = lambda _: RANKS | {1: replace(RANKS[1], count=count[0])}  # noqa: E731
        monkeypatch.setattr(attempt.heartbeat, "read_heartbeats", moved)
        made = attempt._Watch(Path(), patience, seen=0.0)
        while not made.hanging and clock[0] < 200:
            clock[0] += 0.5
            count[0] += clock[0] <= moves
            made.look()
        return made.hanging, clock[0]

    return run


def test_a_stopped_rank_is_named_and_ended_within_two_minutes(
    watch: Callable[..., tuple[str, float]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(supervisor.PATIENCE, raising=False)
    hanging, seconds = watch({11}, 200, supervisor._patience())
    assert hanging == "rank 1 (pid 11) has not moved for 60 s, in step 8"
    # Then torchrun is waited for, and its ranks twice.
    assert seconds + 3 * attempt._GRACE < 120


def test_ranks_that_are_silent_together_are_named_and_one_that_moves_is_enough(
    watch: Callable[..., tuple[str, float]],
) -> None:
    hanging, seconds = watch(set(), 100, 2)
    assert seconds == 130.5
    assert hanging == (
        "rank 0 (pid 10) has not moved for 30 s, in step 7; "
        "rank 1 (pid 11) has not moved for 30 s, in step 8"
    )
    assert watch(set(), 200, 2)[0] == ""


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
