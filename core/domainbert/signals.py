"""Stop at a safe place: a signal sets a flag, loops ask for it between steps."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType

_WATCHED = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)


@dataclass(frozen=True)
class StopFlag:
    """Holds the numbers of the signals received so far."""

    received: list[int] = field(default_factory=list)

    @property
    def signal_number(self) -> int:
        """The first signal received, or 0."""
        return self.received[0] if self.received else 0


@contextmanager
def watch_signals() -> Iterator[StopFlag]:
    """Collect SIGINT, SIGTERM and SIGUSR1 while the block runs; a second SIGINT acts at once."""
    flag = StopFlag()

    def note(number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGINT and flag.received:
            raise KeyboardInterrupt
        flag.received.append(number)

    before = {number: signal.signal(number, note) for number in _WATCHED}
    try:
        yield flag
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
