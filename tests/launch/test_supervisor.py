"""What ends a supervised run, what continues it, what is printed, and what is refused."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from domainbert.errors import UserError
from domainbert.launch import supervisor
from domainbert.launch.attempt import Attempt
from domainbert.run.heartbeat import Ending, Heartbeat
from domainbert.run.signals import StopFlag

RANKS = {rank: Heartbeat(rank, 10 + rank, 5, f"step {7 + rank}") for rank in (0, 1)}
DONE = Attempt(0, RANKS, [Ending(0, 0), Ending(1, 0)], "")
STOPPED = [Ending(rank, 75, "Stopped by SIGTERM; kept.", time=2.0 + rank) for rank in (0, 1)]
REFUSED = Ending(0, 2, "town.yaml: no such file.")
CRASH = Ending(0, 1, "RuntimeError: connection closed by peer", "Traceback …\n", 3.0)
BUG = Ending(1, 1, "ValueError: odd", "Traceback of rank 1\n", 2.5)
HANGS = "rank 1 (pid 11) has not moved for 60 s, in step 8"
AGAIN = "starting again from the last checkpoint (attempt 2)\n"
NO_TORCHRUN = "notice: torchrun was killed"
STOPPED_EARLY = "error: Stopped by SIGTERM; finished work is kept. Continue with:"
KILLED = f"notice: rank 1 (pid 11) was killed or crashed, in step 8; {AGAIN}"


def supervised(
    monkeypatch: pytest.MonkeyPatch, run: Path, attempts: list[Attempt], *received: int
) -> tuple[int, int]:
    """Supervise made-up attempts; return the exit code and how many there were."""
    left = list(attempts)

    def made(_words: Any, _processes: Any, stop: StopFlag, _patience: Any) -> Attempt:
        stop.extend(received)
        return left.pop(0)

    monkeypatch.setattr(supervisor, "run_attempt", made)
    monkeypatch.setattr(sys, "argv", ["domainbert", "adapt", "a b.yaml", "--processes", "2"])
    return supervisor.supervise(2, run), len(attempts) - len(left)


@pytest.mark.parametrize(
    ("attempts", "received", "expected", "said"),
    [
        ([DONE], (), (0, 1), ""),
        ([Attempt(1, RANKS, [REFUSED], "")], (), (2, 1), f"error: {REFUSED.message}\n"),
        ([Attempt(1, RANKS, STOPPED, "")], (), (75, 1), f"error: {STOPPED[0].message}\n"),
        ([Attempt(1, RANKS, STOPPED, "")], (2,), (130, 1), "error: Stopped by SIGINT; kept.\n"),
        (
            [Attempt(1, {}, [], "")], (15,), (75, 1),
            f"{STOPPED_EARLY} domainbert adapt run --processes 2\n",
        ),
        ([Attempt(1, RANKS, [CRASH], ""), DONE], (), (0, 2), KILLED),
        # Stopped by torchrun, after another was killed.
        ([Attempt(1, RANKS, STOPPED[:1], ""), DONE], (), (0, 2), KILLED),
        ([Attempt(-9, RANKS, STOPPED, ""), DONE], (), (0, 2), f"{NO_TORCHRUN}; {AGAIN}"),
        ([Attempt(1, RANKS, STOPPED, HANGS), DONE], (), (0, 2), f"notice: {HANGS}; {AGAIN}"),
    ],
)  # fmt: skip
def test_what_ends_a_run_and_what_continues_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    attempts: list[Attempt], received: tuple[int, ...], expected: tuple[int, int], said: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    Path("run").mkdir()
    Path("run/lock.json").touch()
    assert supervised(monkeypatch, Path("run"), attempts, *received) == expected
    assert capsys.readouterr().err == said


def test_three_attempts_in_a_row_without_anything_new_are_enough(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    crash = Attempt(1, RANKS, [Ending(0, 1, "odd", "", 1.0, echo=True), BUG], "")
    assert supervised(monkeypatch, tmp_path, [crash] * 9) == (1, 3)
    printed = capsys.readouterr().err
    assert printed.count("starting again") == 2
    assert printed.count("Traceback of rank 1\n") == 1
    assert printed.count("error: ") == 1
    assert "That was 3 times in a row without anything new" in printed


@pytest.mark.parametrize("seconds", ["abc", "0", "nan", "inf"])
def test_a_number_of_seconds_that_is_none_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, seconds: str
) -> None:
    monkeypatch.setenv("DOMAINBERT_HANG_SECONDS", seconds)
    with pytest.raises(UserError) as caught:
        supervisor.supervise(2, tmp_path)
    assert str(caught.value) == (
        f"DOMAINBERT_HANG_SECONDS: {seconds!r} is no number of seconds above 0, such as 60."
    )
