"""Stop at a safe place: a signal sets a flag, loops ask for it between steps."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType

WATCHED = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGHUP)
"""Signals that stop a run."""


@dataclass(frozen=True)
class StopFlag:
    """Holds the numbers of the signals received so far."""

    received: list[int] = field(default_factory=list)

    @property
    def signal_number(self) -> int:
        """The first signal received, or 0."""
        return self.received[0] if self.received else 0


_watching: list[StopFlag] = []


@contextmanager
def watch_signals() -> Iterator[StopFlag]:
    """Collect SIGINT, SIGTERM, SIGUSR1 and SIGHUP while the block runs.

    A second SIGINT acts at once; any other further signal changes nothing. A block inside another
    shares its flag, so that a command can watch from its first line on.
    """
    if _watching:
        yield _watching[0]
        return
    flag = StopFlag()

    def note(number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGINT and number in flag.received:
            raise KeyboardInterrupt
        flag.received.append(number)

    # A hangup under `nohup` is to be ignored, and Ctrl-C in the background of a script.
    before = {
        number: handler
        for number, handler in ((number, signal.getsignal(number)) for number in WATCHED)
        if number not in {signal.SIGHUP, signal.SIGINT} or handler is not signal.SIG_IGN
    }
    for number in before:
        signal.signal(number, note)
    _watching.append(flag)
    try:
        yield flag
    finally:
        _watching.clear()
        for number, handler in before.items():
            signal.signal(number, handler)
