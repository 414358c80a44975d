"""Several processes as one: what ends a run, what continues it, and what is said of it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import psutil
import pytest

from domainbert.errors import UserError
from domainbert.launch import attempt, supervisor
from domainbert.launch.attempt import Attempt
from domainbert.run.folder import RunFolder
from domainbert.run.heartbeat import Ending, Heartbeat
from domainbert.run.signals import StopFlag

RANKS = {0: Heartbeat(0, 10, "1", 5, "step 7"), 1: Heartbeat(1, 11, "1", 5, "step 8")}
DONE = [Ending(0, 0, "", "", 1.0), Ending(1, 0, "", "", 1.1)]
STOPPED = [Ending(rank, 75, "Stopped by SIGTERM; kept.", "", 2.0 + rank) for rank in (0, 1)]
REFUSED = Ending(0, 2, "town.yaml: no such file.", "", 1.0)
LONG = ("--set", "train.steps=400")
AGAIN = "domainbert adapt x --processes 2"
NEXT = "starting again from the last checkpoint (attempt 2)\n"
ECHO = Ending(0, 1, "RuntimeError: connection closed by peer", "Traceback …\n", 3.0)


def outcome(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, attempts: list[Attempt], *received: int
) -> tuple[int, int]:
    """Supervise made-up attempts; return the exit code and how many there were."""
    left = list(attempts)

    def made(_words: Any, _processes: Any, stop: StopFlag, _patience: Any) -> Attempt:
        stop.received.extend(received)
        return left.pop(0)

    (tmp_path / "lock.json").touch()
    monkeypatch.setattr(supervisor, "run_attempt", made)
    code = supervisor.supervise(["adapt"], 2, tmp_path, AGAIN)
    return code, len(attempts) - len(left)


@pytest.mark.parametrize(
    ("attempts", "received", "expected", "said"),
    [
        ([Attempt(0, RANKS, DONE, "")], (), (0, 1), ""),
        ([Attempt(1, RANKS, [REFUSED], "")], (), (2, 1), f"error: {REFUSED.message}\n"),
        ([Attempt(1, RANKS, STOPPED, "")], (), (75, 1), f"error: {STOPPED[0].message}\n"),
        ([Attempt(1, RANKS, STOPPED, "")], (2,), (130, 1), "error: Stopped by SIGINT; kept.\n"),
        (
            [Attempt(1, {}, [], "")], (15,), (75, 1),
            f"error: Stopped by SIGTERM; finished work is kept. Continue with: {AGAIN}\n",
        ),
        (
            [Attempt(1, RANKS, [ECHO], ""), Attempt(0, RANKS, DONE, "")], (), (0, 2),
            f"notice: rank 1 (pid 11) was killed or crashed, in step 8; {NEXT}",
        ),
        (
            # Told to stop by torchrun, after another was killed.
            [Attempt(1, RANKS, STOPPED[:1], ""), Attempt(0, RANKS, DONE, "")], (), (0, 2),
            f"notice: rank 1 (pid 11) was killed or crashed, in step 8; {NEXT}",
        ),
        (
            [Attempt(-9, RANKS, STOPPED, ""), Attempt(0, RANKS, DONE, "")], (), (0, 2),
            f"notice: torchrun was killed; {NEXT}",
        ),
        (
            [Attempt(1, RANKS, STOPPED, "rank 1 (pid 11) has not moved for 60 s, in step 8"),
             Attempt(0, RANKS, DONE, "")], (), (0, 2),
            f"notice: rank 1 (pid 11) has not moved for 60 s, in step 8; {NEXT}",
        ),
    ],
)  # fmt: skip
def test_what_ends_a_run_and_what_continues_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    attempts: list[Attempt], received: tuple[int, ...], expected: tuple[int, int], said: str,
) -> None:  # fmt: skip
    assert outcome(monkeypatch, tmp_path, attempts, *received) == expected
    assert capsys.readouterr().err == said


def test_three_attempts_in_a_row_without_anything_new_are_enough(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    crash = Attempt(1, RANKS, [ECHO, Ending(1, 1, "ValueError: odd", "Traceback …\n", 2.5)], "")
    assert outcome(monkeypatch, tmp_path, [crash] * 9) == (1, 3)
    told = capsys.readouterr().err
    assert told.count("starting again") == 2
    assert told.count("Traceback") == 1
    assert "That was 3 times in a row without anything new" in told


def test_a_stopped_rank_is_named_and_ended_within_two_minutes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv(supervisor.PATIENCE, raising=False)
    monkeypatch.setattr(attempt, "read_heartbeats", lambda _: dict(RANKS))
    monkeypatch.setattr(attempt, "process_state", lambda pid: ("T" if pid == 11 else "S", "1"))
    clock = [0.0]
    monkeypatch.setattr(attempt, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    watch = attempt._Watch(tmp_path, supervisor._patience(), seen=0.0)
    while not watch.hanging and clock[0] < 120:
        clock[0] += attempt._LOOK
        watch.look()
    assert watch.hanging == "rank 1 (pid 11) has not moved for 60 s, in step 8"
    # Then torchrun is waited for, and its ranks twice.
    assert clock[0] + 3 * attempt._GRACE < 120


def test_processes_under_another_launcher_are_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UserError, match="Leave the option out"):
        supervisor.supervise_command(2, tmp_path)


@dataclass(frozen=True)
class Crew:
    """A supervised run in processes of its own.

    Args:
        process: The supervisor.
        run: Its folder.
        log: What all of them print.
    """

    process: subprocess.Popen[bytes]
    run: RunFolder
    log: Path

    def ranks(self) -> dict[int, psutil.Process]:
        found = {}
        for child in psutil.Process(self.process.pid).children(recursive=True):
            rank = child.environ().get("RANK")
            if rank is not None:
                found[int(rank)] = child
        return found

    def at_step(self, step: int) -> Crew:
        """Wait for a checkpoint of a step."""
        while not (self.run.checkpoints / f"step-{step:08d}").exists():
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.02)
        return self

    def end(self) -> tuple[int, str]:
        code = self.process.wait(240)
        return code, self.log.read_text(encoding="utf-8")


@pytest.fixture
def crew(bench: ModuleType, town: Any) -> Callable[..., Crew]:
    def start(name: str, processes: int, *words: str) -> Crew:
        log = town.folder / f"{name}.log"
        order = ["adapt", "recipe.yaml", "--out", name, "--processes", str(processes), *words]
        with log.open("ab") as stream:
            process = subprocess.Popen(
                [sys.executable, "-m", "domainbert", *order],
                cwd=town.folder,
                env={**os.environ, **bench.VARIABLES, "DOMAINBERT_HANG_SECONDS": "5"},
                stdout=stream,
                stderr=stream,
            )
        return Crew(process, town.run(name), log)

    return start


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_hanging_rank_is_named_and_the_run_ends_with_the_same_bytes(
    crew: Callable[..., Crew], same: Callable[..., bool]
) -> None:
    whole = crew("three", 3)
    assert whole.end()[0] == 0
    held = crew("held", 3).at_step(20)
    ranks = held.ranks()
    ranks[1].suspend()
    code, told = held.end()
    assert code == 0, told
    named = rf"notice: rank 1 \(pid {ranks[1].pid}\) has not moved for 5 s, in \w+ "
    assert len(re.findall(named, told)) == 1
    assert "rank 0" not in told
    assert "rank 2" not in told
    assert told.count("error") == 0
    assert same(held.run, whole.run)
    assert not any(rank.is_running() for rank in ranks.values())


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_signals_to_launcher_torchrun_and_a_rank_stop_all_and_another_number_continues(
    crew: Callable[..., Crew], town: Any, bench: ModuleType
) -> None:
    team = crew("team", 2, *LONG).at_step(10)
    team.process.send_signal(signal.SIGUSR1)
    code, told = team.end()
    assert code == 75
    assert re.search(
        r"\nerror: Stopped by SIGUSR1; a checkpoint of step \d+ was written. "
        r"Continue with: domainbert adapt team --processes 2\n$", told
    )  # fmt: skip
    team = crew("team", 2, *LONG).at_step(20)
    (torchrun,) = psutil.Process(team.process.pid).children()
    torchrun.terminate()
    code, told = team.end()
    assert code == 75, told
    team = crew("team", 2, *LONG).at_step(40)
    team.ranks()[1].terminate()
    code, told = team.end()
    assert code == 75, told
    team = crew("team", 2, *LONG).at_step(60)
    team.process.send_signal(signal.SIGINT)
    code, told = team.end()
    assert code == 130, told
    assert "Traceback" not in told
    assert town.finish("team", *LONG) == 0
    assert ", order-exact: processes 2 → 1" in town.told("team")
    steps = [entry["step"] for entry in bench.metrics(town.run("team").path)]
    assert steps == list(range(1, 407))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_signal_to_the_group_of_torchrun_stops_all_and_costs_no_bit(
    crew: Callable[..., Crew], same: Callable[..., bool]
) -> None:
    whole = crew("long", 2, *LONG)
    assert whole.end()[0] == 0
    team = crew("group", 2, *LONG).at_step(20)
    (torchrun,) = psutil.Process(team.process.pid).children()
    assert os.getpgid(torchrun.pid) == torchrun.pid
    os.killpg(torchrun.pid, signal.SIGTERM)
    code, told = team.end()
    assert code == 75, told
    assert "error: Stopped by SIGTERM; a checkpoint of step " in told
    code, told = crew("group", 2, *LONG).end()
    assert code == 0, told
    assert same(team.run, whole.run)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_ranks_do_not_outlive_a_supervisor_that_is_killed(
    crew: Callable[..., Crew], same: Callable[..., bool]
) -> None:
    whole = crew("pair", 2)
    assert whole.end()[0] == 0
    team = crew("orphans", 2).at_step(6)
    ranks = list(team.ranks().values())
    team.process.kill()
    refused = crew("orphans", 2)
    _, left = psutil.wait_procs(ranks, 60)
    assert left == []
    code, told = refused.end()
    # Either the orphans were still at work, and the folder theirs, or they had gone.
    assert code in {0, 2}, told
    if code == 2:
        assert "in use by process" in told
        assert crew("orphans", 2).end()[0] == 0
    assert same(team.run, whole.run)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_another_meeting_point_in_the_environment_does_no_harm(
    crew: Callable[..., Crew], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        monkeypatch.setenv("MASTER_ADDR", "nowhere.invalid")
        monkeypatch.setenv("MASTER_PORT", str(busy.getsockname()[1]))
        code, told = crew("busy", 2).end()
    assert code == 0, told
    assert "starting again" not in told


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_another_number_of_processes_has_the_losses_of_one(
    crew: Callable[..., Crew], town: Any, bench: ModuleType
) -> None:
    plain = ("--set", "train.dropout=0")
    assert town.finish("plain", *plain) == 0
    team = crew("fewer", 3, *plain).at_step(20)
    team.process.terminate()
    assert team.end()[0] == 75
    assert town.finish("fewer", *plain) == 0
    one, three = (bench.metrics(town.run(name).path) for name in ("plain", "fewer"))
    assert len(one) == len(three)
    for mine, theirs in zip(one, three, strict=True):
        assert mine["loss"] == pytest.approx(theirs["loss"], rel=1e-5)
        assert mine["tokens"] == theirs["tokens"]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_save_that_fails_in_one_process_fails_in_all_with_one_message(
    crew: Callable[..., Crew], town: Any
) -> None:
    team = crew("refused", 2).at_step(6)
    # Between two saves, in the way of the next: a file where the folder was.
    while any(team.run.checkpoints.glob(".*.tmp")):
        time.sleep(0.001)
    team.run.checkpoints.rename(team.run.path / "elsewhere")
    team.run.checkpoints.write_text("in the way", encoding="utf-8")
    code, told = team.end()
    assert code == 2, told
    (error,) = re.findall("^error: .*", told, re.MULTILINE)
    found = re.fullmatch(
        r"error: refused/pretrain/checkpoints(/step-\d+)?: cannot be written: (.*?)\. .*", error
    )
    assert found is not None
    assert found[2] in {"File exists", "Not a directory"}
    assert "Traceback" not in told
    assert "starting again" not in told


def test_ranks_hear_what_another_rank_was_told(monkeypatch: pytest.MonkeyPatch) -> None:
    posted: list[tuple[int, int]] = []
    monkeypatch.setattr(
        attempt, "_signal", lambda pulse, number: posted.append((pulse.rank, number))
    )
    sent: dict[int, set[int]] = {}
    attempt._pass_on(set(), {1: {15}}, RANKS, sent)
    attempt._pass_on(set(), {0: {15}, 1: {15}}, RANKS, sent)
    assert posted == [(0, 15)]
    attempt._pass_on({10}, {0: {15}, 1: {15}}, RANKS, sent)
    attempt._pass_on({10}, {0: {15, 10}, 1: {15, 10}}, RANKS, sent)
    assert posted == [(0, 15), (0, 10), (1, 10)]
