"""Where a run takes place: its processes and device, its folder, its voice, its stop signal."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from domainbert.errors import Stopped
from domainbert.run.folder import RunFolder
from domainbert.run.heartbeat import heartbeat
from domainbert.run.progress import Reporter
from domainbert.run.resume_command import next_command
from domainbert.run.signals import StopFlag, watch_signals


@dataclass(frozen=True)
class Session:
    """Passed to everything that runs for long.

    Args:
        accelerator: Device, precision and processes (an `accelerate.Accelerator`).
        run: The folder that is written to.
        reporter: Speaks in the main process only.
        stop: Signals received so far.
        again: The command that continues from the run folder, or empty if none does.
    """

    accelerator: Any
    run: RunFolder
    reporter: Reporter
    stop: StopFlag
    again: str = ""

    @property
    def is_main(self) -> bool:
        """Whether this process writes what all processes agree on."""
        return bool(self.accelerator.is_main_process)

    @property
    def bf16(self) -> bool:
        """Whether matrix products run in bf16."""
        return bool(self.accelerator.mixed_precision == "bf16")

    def check_stop(self, where: str = "a loop") -> None:
        """Raise if a signal asked to stop, where finished work is already kept.

        Called in every loop, so it is also the sign of life that a supervisor waits for.

        Args:
            where: What is about to be done.

        Raises:
            Stopped: With the command that continues.
        """
        heartbeat(where)
        if self.stop.signal_number:
            self.raise_stopped(self.stop.signal_number, "finished work is kept")

    def raise_stopped(self, number: int, kept: str) -> None:
        """Raise `Stopped`, saying what was kept and how to continue."""
        name = signal.Signals(number).name
        again = next_command(self.run, self.again)
        raise Stopped(name, f"Stopped by {name}; {kept}. Continue with: {again}")


@contextmanager
def open_session(
    out: Path, precision: str, reporter: Reporter, again: str = ""
) -> Iterator[Session]:
    """Set up processes and device, and watch for signals while the block runs.

    Args:
        out: Folder that is written to.
        precision: `auto`, `fp32` or `bf16`.
        reporter: Used in the main process.
        again: The command that continues from the run folder, or empty if none does.
    """
    from domainbert.run.device import build_accelerator

    accelerator = build_accelerator(precision)
    voice = replace(reporter, enabled=reporter.enabled and accelerator.is_main_process)
    with watch_signals() as stop:
        yield Session(accelerator, RunFolder(out), voice, stop, again)
