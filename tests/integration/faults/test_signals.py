"""A signal ends a run at a safe place, in whatever it is doing, and the rest is done later."""

from __future__ import annotations

import os
import shlex
import signal
import time
from collections.abc import Callable
from typing import Any

import pytest

from domainbert.training.checkpoint import newest_checkpoint

pytestmark = pytest.mark.slow

Until = Callable[..., None]
Same = Callable[..., bool]

# What has to be printed or written before the signal, by phase.
PHASES = {
    "start": lambda town, name: "recipe faults → " in town.told(name),
    "reading": lambda town, name: "documents read" in town.told(name),
    "measuring": lambda town, name: (town.folder / name / "corpus").exists(),
    "head": lambda town, name: "head 2/6" in town.told(name),
    "training": lambda town, name: "full 13/60" in town.told(name),
    "saving": lambda town, name: any(town.run(name).checkpoints.glob(".step-*.tmp")),
}


@pytest.mark.parametrize("phase", PHASES)
def test_a_signal_in_any_phase_is_kept_until_a_safe_place(
    town: Any, same: Same, phase: str
) -> None:
    code, told = town.signal_when(phase, lambda: PHASES[phase](town, phase), signal.SIGTERM)
    assert code == 75, told
    last = told.splitlines()[-1]
    assert last.startswith("error: Stopped by SIGTERM; ")
    # Before the run folder is there, its name alone continues nothing.
    short, full = f"domainbert adapt {phase}", f"domainbert adapt recipe.yaml --out {phase}"
    assert last.partition("Continue with: ")[2] in {short, full}
    assert phase == "start" or last.endswith(short)
    assert "Traceback" not in told
    name, *words = shlex.split(last.partition("Continue with: ")[2])
    log = town.folder / f"{phase}.log"
    assert name == "domainbert"
    assert town.server.wait(town.server.start(words, town.folder, log)) == 0, town.told(phase)
    assert same(town.run(phase), town.run("whole"))


def test_a_signal_while_the_model_is_exported_does_not_tear_it(town: Any, same: Same) -> None:
    def exporting() -> bool:
        return any((town.folder / "exporting").glob(".adapted.*.tmp"))

    code, told = town.signal_when("exporting", exporting, signal.SIGTERM)
    # It is the last long thing that this recipe does, so the run may as well be done.
    assert code in {0, 75}, told
    assert town.finish("exporting") == 0
    assert same(town.run("exporting"), town.run("whole"))


@pytest.mark.parametrize(("name", "code"), [("SIGUSR1", 75), ("SIGHUP", 75), ("SIGINT", 130)])
def test_signals_and_their_exit_codes(town: Any, name: str, code: int) -> None:
    ready = PHASES["training"]
    found, told = town.signal_when(name, lambda: ready(town, name), getattr(signal, name))
    assert found == code
    assert f"error: Stopped by {name}; a checkpoint of step " in told


def test_more_signals_while_a_checkpoint_is_written_do_not_tear_it(
    town: Any, until: Until, same: Same
) -> None:
    pid = town.start("twice")
    until(lambda: PHASES["saving"](town, "twice"))
    for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGUSR1, signal.SIGHUP):
        os.kill(pid, number)
    assert town.server.wait(pid) == 75
    assert not list(town.run("twice").checkpoints.glob(".*"))
    assert town.finish("twice") == 0
    assert same(town.run("twice"), town.run("whole"))


@pytest.mark.parametrize("milliseconds", [1, 5])
def test_a_second_ctrl_c_while_a_checkpoint_is_written_leaves_the_last_one_whole(
    town: Any, until: Until, same: Same, milliseconds: int
) -> None:
    name = f"impatient-{milliseconds}"
    pid = town.start(name)
    until(lambda: len(list(town.run(name).checkpoints.glob("step-*"))) == 2)
    until(lambda: PHASES["saving"](town, name))
    os.kill(pid, signal.SIGINT)
    time.sleep(milliseconds / 1000)
    os.kill(pid, signal.SIGINT)
    assert town.server.wait(pid) == 130, town.told(name)
    assert "Traceback" not in town.told(name)
    newest, damaged = newest_checkpoint(town.run(name).checkpoints)
    assert newest is not None
    assert damaged == []
    assert not list(town.run(name).checkpoints.glob(".*"))
    assert town.finish(name) == 0
    assert same(town.run(name), town.run("whole"))


def test_a_reader_of_the_output_that_goes_does_not_end_the_run(town: Any, same: Same) -> None:
    pipe = town.folder / "gone.log"
    os.mkfifo(pipe)
    order = ["adapt", "recipe.yaml", "--out", "gone"]
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    pid = town.server.start(order, town.folder, pipe)
    os.set_blocking(reader, True)
    while not os.read(reader, 10):
        pass  # nobody writes yet
    os.close(reader)
    # The table at the end goes to stdout, and nobody is there to read it.
    assert town.server.wait(pid) in {0, 1}
    assert same(town.run("gone"), town.run("whole"))
