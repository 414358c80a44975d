"""What a supervisor does with signals and with ranks whose launcher is gone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from domainbert.launch import attempt
from domainbert.run.heartbeat import Heartbeat, process_state, process_time

RANKS = {0: Heartbeat(0, 10, "1", 5, "step 7"), 1: Heartbeat(1, 11, "1", 5, "step 8")}


def test_ctrl_c_is_passed_on_as_sigterm_and_not_to_a_rank_that_has_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    posted: list[tuple[int, int]] = []
    monkeypatch.setattr(
        attempt, "_signal", lambda pulse, number: posted.append((pulse.rank, number))
    )
    sent: dict[int, set[int]] = {}
    attempt._pass_on({signal.SIGINT}, {0: {signal.SIGINT}}, RANKS, sent)
    attempt._pass_on(
        {signal.SIGINT}, {0: {signal.SIGINT}, 1: {signal.SIGINT, signal.SIGTERM}}, RANKS, sent
    )
    assert posted == [(1, signal.SIGTERM), (0, signal.SIGTERM)]


def test_each_rank_has_its_share_of_the_cores_that_may_be_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {1, 5, 6}, raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    assert attempt._cores() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    assert attempt._cores() == 64


def pulse_of(process: subprocess.Popen[bytes], count: int = 1) -> Heartbeat:
    return Heartbeat(0, process.pid, process_state(process.pid)[1], count, "saving step 5")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempt, "_GRACE", 0.4)
    monkeypatch.setattr(attempt, "_LOOK", 0.02)


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as made:
        yield made
        made.kill()


def test_a_rank_without_its_torchrun_that_does_nothing_is_ended(
    quick: None, process: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    attempt._await_end(tmp_path, [pulse_of(process)])
    assert process.wait(10) == -signal.SIGKILL


SAVES = """
import json, sys, time
for count in range(2, 14):
    time.sleep(0.1)
    sign = {"rank": 0, "pid": 1, "born": "", "count": count, "where": ""}
    open(sys.argv[1], "w").write(json.dumps(sign))
"""
WORKS = "import time\nend = time.monotonic() + 1.2\nwhile time.monotonic() < end: pass"


@pytest.mark.parametrize("source", [SAVES, WORKS], ids=["pulses", "works"])
def test_a_rank_without_its_torchrun_that_still_works_is_waited_for(
    quick: None, tmp_path: Path, source: str
) -> None:
    words = [sys.executable, "-c", source, str(tmp_path / "rank-0")]
    with subprocess.Popen(words) as made:
        attempt._await_end(tmp_path, [pulse_of(made)])
        assert made.wait(10) == 0


def test_even_a_rank_that_works_is_ended_at_last(
    quick: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(attempt, "_LONGEST_SAVE", 0.6)
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as made:
        started = time.monotonic()
        attempt._await_end(tmp_path, [pulse_of(made)])
        assert made.wait(10) == -signal.SIGKILL
        assert 0.5 < time.monotonic() - started < 10


def test_the_time_of_a_process_grows_while_it_works() -> None:
    before = process_time(os.getpid())
    end = time.process_time() + 0.1
    while time.process_time() < end:
        pass
    assert process_time(os.getpid()) > before
    assert process_time(2**22 + 1) == 0
