"""Plugin code at arm's length: what it prints, where it goes, how it ends, and whether it ends."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

from domainbert.errors import PluginError

IMPORT_VARIABLE = "DOMAINBERT_IMPORT_SECONDS"
_SECONDS = 8
INTERRUPTS: list[int] = []
"""Filled by handlers of SIGINT: tells a user's Ctrl-C from an exception of the same name."""


class _Endless(BaseException):
    """Raised by the alarm; not an `Exception`, which plugin code often catches."""

    def __str__(self) -> str:
        return f"did not return within {seconds_of(IMPORT_VARIABLE, _SECONDS):g} seconds"


class _Sink(io.TextIOBase):
    """Stands for stdout, which belongs to results: text goes to stderr; closing does nothing."""

    def write(self, text: str) -> int:
        if sys.stderr is not None:
            sys.stderr.write(text)
        return len(text)

    def close(self) -> None:
        pass


_SINK = _Sink()


def seconds_of(variable: str, default: float) -> float:
    """Return a number of seconds from the environment.

    Raises:
        PluginError: No number above 0.
    """
    text = os.environ.get(variable, str(default))
    seconds = float(text) if text.replace(".", "", 1).isdigit() else 0.0
    if not 0 < seconds < threading.TIMEOUT_MAX:
        raise PluginError(f"{variable}={text!r}: expected a number of seconds above 0.")
    return seconds


def is_users_interrupt(error: BaseException) -> bool:
    """Return whether an exception is a Ctrl-C, and not raised by plugin code."""
    if not isinstance(error, KeyboardInterrupt):
        return False
    return bool(INTERRUPTS) or signal.getsignal(signal.SIGINT) is signal.default_int_handler


def note_interrupts() -> None:
    """Handle SIGINT as Python does, and remember that it came."""

    def interrupt(number: int, _frame: FrameType | None) -> None:
        INTERRUPTS.append(number)
        raise KeyboardInterrupt

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, interrupt)


@contextlib.contextmanager
def contained() -> Iterator[None]:
    """Keep stdout and the working folder while plugin code runs, and the process alive."""
    folder, process, leave = os.getcwd(), os.getpid(), os._exit  # noqa: PTH109  # may be gone
    modules: list[Any] = [os, sys.modules.get("posix", os)]  # where `os` has it from

    def refuse(code: int = 0) -> Any:
        if os.getpid() != process:  # a child that the plugin forked
            leave(code)
        raise SystemExit(code)

    for module in modules:
        module._exit = refuse  # it does not return either
    try:
        with contextlib.redirect_stdout(_SINK):
            yield
    finally:
        for module in modules:
            module._exit = leave
        with contextlib.suppress(OSError):
            if os.getcwd() != folder:  # noqa: PTH109
                os.chdir(folder)


@contextlib.contextmanager
def limited() -> Iterator[None]:
    """Interrupt an import or a hook after `DOMAINBERT_IMPORT_SECONDS` (8), again each second."""
    seconds = seconds_of(IMPORT_VARIABLE, _SECONDS)
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "SIGALRM"):
        yield
        return

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise _Endless

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
