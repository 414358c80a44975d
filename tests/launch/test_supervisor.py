"""What counts as the end of a run, and what the supervisor refuses."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from domainbert.errors import FailedElsewhere, RunFailed, StorageFullError, UserError
from domainbert.launch import supervisor
from domainbert.launch.attempt import Attempt
from domainbert.run.heartbeat import Ending, Heartbeat
from domainbert.run.signals import WATCHED, StopFlag, watch_signals
from domainbert.training import distributed as together

RANKS = {rank: Heartbeat(rank, 10 + rank, "1", 5, "saving step 8") for rank in (0, 1, 2)}
BUG = Ending(0, 1, "TypeError: odd", "Traceback of rank 0\n", 2.0)
ECHOES = [Ending(rank, 1, "odd", "", rank, echo=True) for rank in (1, 2)]


def test_a_bug_in_the_save_of_rank_0_is_tried_again_and_told_in_the_end(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made: list[int] = []

    def run(*_: Any) -> Attempt:
        made.append(1)
        return Attempt(1, RANKS, [ECHOES[0], BUG, ECHOES[1]], "")

    monkeypatch.setattr(supervisor, "run_attempt", run)
    assert supervisor.supervise(["adapt"], 3, tmp_path, "again") == 1
    told = capsys.readouterr().err
    assert len(made) == supervisor.LIMIT
    assert told.count("Traceback of rank 0\n") == 1
    assert told.count("rank 0 failed with TypeError: odd") == supervisor.LIMIT
    assert told.count("error: ") == 1


class Pair:
    """One rank of two, of which the main one has told its number and text."""

    num_processes = 2
    device = "cpu"

    def __init__(self, told: list[Any], is_main: bool) -> None:
        self.told, self.is_main_process = told, is_main

    def reduce(self, tensor: Any, reduction: str) -> Any:
        if self.is_main_process:
            self.told.append(tensor)
            return tensor
        return self.told.pop(0)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (TypeError("odd"), FailedElsewhere),
        (StorageFullError("odd"), StorageFullError),
        (RunFailed("odd"), RunFailed),
        (UserError("odd"), RunFailed),
    ],
)
def test_others_raise_what_the_main_process_met(error: Exception, kind: type[Exception]) -> None:
    told: list[Any] = []
    with pytest.raises(type(error)) as caught:
        together.fail_together(Pair(told, is_main=True), error)
    assert caught.value is error
    with pytest.raises(kind) as other:
        together.fail_together(Pair(told, is_main=False), None)
    assert (type(other.value), str(other.value), told) == (kind, "odd", [])


@pytest.mark.parametrize("told", ["abc", "-5", "0", "nan", "inf", "1e400", "60s"])
def test_a_number_of_seconds_that_is_none_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, told: str
) -> None:
    monkeypatch.setenv("DOMAINBERT_HANG_SECONDS", told)
    with pytest.raises(UserError) as caught:
        supervisor.supervise(["adapt"], 2, tmp_path, "again")
    assert str(caught.value) == (
        f"DOMAINBERT_HANG_SECONDS: {told!r} is no number of seconds above 0, such as 60."
    )


def test_a_system_that_does_not_show_processes_is_refused_with_the_way_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(supervisor, "process_state", lambda _pid: ("", ""))
    with pytest.raises(UserError) as caught:
        supervisor.supervise_command(3, tmp_path)
    assert str(caught.value) == (
        "--processes: needs /proc, as on Linux, to watch the processes. Start them without: "
        "torchrun --standalone --nproc-per-node 3 -m domainbert adapt …"
    )


def test_a_stop_before_there_is_a_run_folder_names_the_words_that_were_typed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(_words: Any, _processes: Any, stop: StopFlag, _patience: Any) -> Attempt:
        stop.received.append(signal.SIGTERM)
        return Attempt(1, {}, [], "")

    monkeypatch.setattr(supervisor, "run_attempt", run)
    monkeypatch.setattr(sys, "argv", ["domainbert", "adapt", "a b.yaml", "--processes", "2"])
    assert supervisor.supervise(["adapt"], 2, tmp_path / "new", "domainbert adapt new") == 75
    assert capsys.readouterr().err == (
        "error: Stopped by SIGTERM; finished work is kept. "
        "Continue with: domainbert adapt 'a b.yaml' --processes 2\n"
    )


UNHEARD = """
import os, signal, sys
from pathlib import Path
from domainbert.launch import supervisor
from domainbert.launch.attempt import Attempt
from domainbert.run.heartbeat import Ending

ends = {"crash": [Attempt(-9, {}, [], ""), Attempt(0, {}, [], "")],
        "stop": [Attempt(1, {}, [Ending(0, 75, "Stopped.", "", 1.0)], "")],
        "bug": [Attempt(1, {}, [Ending(0, 1, "odd", "Traceback", 1.0)], "")] * 3}[sys.argv[1]]
supervisor.run_attempt = lambda *_: ends.pop(0)
code = supervisor.supervise(["adapt"], 2, Path("x"), "again")
sys.exit(code + 100 * len(ends))
"""


@pytest.mark.parametrize(("end", "code"), [("crash", 0), ("stop", 75), ("bug", 1)])
def test_a_supervisor_that_nobody_listens_to_does_what_it_would_do_else(
    end: str, code: int
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    words = [sys.executable, "-c", UNHEARD, end]
    try:
        assert subprocess.run(words, stderr=writer, check=False).returncode == code
    finally:
        os.close(writer)


def test_signals_that_are_to_be_ignored_stay_so() -> None:
    ignored = {signal.SIGHUP, signal.SIGINT}
    before = {number: signal.signal(number, signal.SIG_IGN) for number in WATCHED}
    try:
        with watch_signals() as stop:
            for number in WATCHED:
                signal.raise_signal(number)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert stop == StopFlag([number for number in WATCHED if number not in ignored])


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Ctrl-C as on a terminal, even where the tests run in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_only_a_second_ctrl_c_acts_at_once(ctrl_c: None) -> None:
    with watch_signals() as stop:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGTERM):
            signal.raise_signal(number)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert stop == StopFlag([15, 2, 10, 15])
