"""Where a run takes place: its processes and device, its folder, its voice, its stop signal."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from domainbert.errors import RecipeError, Stopped
from domainbert.run.folder import RunFolder
from domainbert.run.heartbeat import heartbeat
from domainbert.run.progress import Reporter
from domainbert.run.resume_command import next_command
from domainbert.run.signals import StopFlag, watch_signals
from domainbert.run.stage import Stage, is_done

_LOOK = 0.5
_SHARD = re.compile(r"([0-9]{1,6})/([0-9]{1,6})")


@dataclass(frozen=True)
class Shard:
    """One of several machines that share the trials of an evaluation, and one results folder.

    Args:
        number: From 1.
        count: Of the machines.
    """

    number: int = 1
    count: int = 1

    @classmethod
    def of(cls, given: str | Sequence[int]) -> Shard:
        """Return a shard from `I/N`, or from its two numbers.

        Raises:
            RecipeError: It is none.
        """
        text = given if isinstance(given, str) else "/".join(map(str, given))
        if (found := _SHARD.fullmatch(text)) and 0 < int(found[1]) <= int(found[2]):
            return cls(int(found[1]), int(found[2]))
        raise RecipeError(f"--shard {text}: expected I/N with I from 1 to N, such as 2/4.")


@dataclass(frozen=True)
class Session:
    """Passed to everything that runs for long.

    Args:
        accelerator: Device, precision and processes (an `accelerate.Accelerator`); None while data
            stages run, before processes know of each other.
        run: The folder that is written to.
        reporter: Speaks in the main process only.
        stop: Signals received so far.
        resume_command: Continues from the run folder; empty if no command does.
        shard: Which trials are those of this machine.
    """

    accelerator: Any
    run: RunFolder
    reporter: Reporter
    stop: StopFlag
    resume_command: str = ""
    shard: Shard = Shard()

    @property
    def is_main(self) -> bool:
        """Whether this process writes files and speaks: rank 0."""
        return os.environ.get("RANK", "0") == "0"

    @property
    def bf16(self) -> bool:
        """Whether matrix products run in bf16."""
        return bool(self.accelerator.mixed_precision == "bf16")

    def check_stop(self, where: str = "a loop", kept: str = "finished work is kept") -> None:
        """Raise if a signal asked to stop, where nothing can be half-written.

        Called in every loop, so it is also the sign of life that a supervisor waits for.

        Args:
            where: What is about to be done.
            kept: What the message says is safe.

        Raises:
            Stopped: With the command that continues.
        """
        heartbeat(where)
        if self.stop.signal_number:
            self.raise_stopped(self.stop.signal_number, kept)

    @contextmanager
    def interruptible(self, end: Callable[[], None] | None = None) -> Iterator[None]:
        """Let a signal end the block at once, for long work that writes nothing and asks nobody.

        Args:
            end: Called at the start and by each signal, instead of `check_stop`.

        Raises:
            Stopped: As `check_stop`.
        """
        self.stop.on_signal = end or self.check_stop
        try:
            self.stop.on_signal()
            yield
        finally:
            self.stop.on_signal = None

    def raise_stopped(self, number: int, kept: str) -> None:
        """Raise `Stopped` with what is safe and the command that continues."""
        name = signal.Signals(number).name
        command = next_command(self.run, self.resume_command)
        raise Stopped(name, f"Stopped by {name}; {kept}. Continue with: {command}")

    def with_processes(self, precision: str) -> Session:
        """Return the session with device, precision and processes.

        Args:
            precision: `auto`, `fp32` or `bf16`.
        """
        from domainbert.run.device import build_accelerator

        return replace(self, accelerator=build_accelerator(precision))

    def await_stage(self, stage: Stage) -> None:
        """Wait until rank 0 has finished a stage; no collective operation, so without a time-out.

        If rank 0 fails, its launcher ends this process.
        """
        while not self.is_main and not is_done(stage):
            self.check_stop(f"waiting for stage {stage.name}")
            time.sleep(_LOOK)


@contextmanager
def open_session(out: Path, reporter: Reporter, resume_command: str = "") -> Iterator[Session]:
    """Watch for signals while the block runs; other ranks than the first are silent.

    Args:
        out: Folder that is written to.
        reporter: Used in the main process.
        resume_command: Continues from the run folder; empty if no command does.
    """
    with watch_signals() as stop:
        session = Session(None, RunFolder(out), reporter, stop, resume_command)
        voice = replace(reporter, enabled=reporter.enabled and session.is_main)
        yield replace(session, reporter=voice)
