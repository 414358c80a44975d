"""Several processes as one, each killed, stopped or frozen in turn."""

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
from types import ModuleType
from typing import Any

import psutil
import pytest

from domainbert.run.folder import RunFolder

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

LONG = ("--set", "train.steps=400")


@dataclass(frozen=True)
class Crew:
    """A supervised run in separate processes.

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


def test_another_meeting_point_in_the_environment_does_no_harm(
    crew: Callable[..., Crew], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        monkeypatch.setenv("MASTER_ADDR", "nowhere.invalid")
        monkeypatch.setenv("MASTER_PORT", str(busy.getsockname()[1]))
        code, told = crew("busy", 2).end()
    assert code == 0, told
    assert "starting again" not in told


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
