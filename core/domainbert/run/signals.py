"""Stop at a safe place: a signal sets a flag, loops ask for it between steps."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from domainbert.plugin.guard import INTERRUPTS
from domainbert.system import WATCHED


class StopFlag(list[int]):
    """The numbers of the signals received so far."""

    on_signal: Callable[[], None] | None = None
    """Called by the handler of a signal, in the middle of whatever runs."""

    @property
    def signal_number(self) -> int:
        """The first signal received, or 0."""
        return self[0] if self else 0


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
    if threading.current_thread() is not threading.main_thread():
        yield flag  # signals are those of the main thread, which may be a program's own
        return

    def note(number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGINT:
            INTERRUPTS.append(number)
            if number in flag:
                raise KeyboardInterrupt
        flag.append(number)
        if flag.on_signal is not None:
            flag.on_signal()

    # A hangup under `nohup` is to be ignored, and Ctrl-C in the background of a script.
    ignorable = set(WATCHED) & {signal.SIGINT, getattr(signal, "SIGHUP", None)}
    ignored = {number for number in ignorable if signal.getsignal(number) is signal.SIG_IGN}
    before = {number: signal.signal(number, note) for number in WATCHED if number not in ignored}
    _watching.append(flag)
    try:
        yield flag
    finally:
        _watching.clear()
        for number, handler in before.items():
            signal.signal(number, handler)
