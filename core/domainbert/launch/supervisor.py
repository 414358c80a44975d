"""`domainbert adapt --processes N`: attempts until the run is done, stopped, or cannot go on.

Restarting ranks inside one `torchrun` can hang in the rendezvous, so every attempt is a fresh one,
which continues from the newest whole checkpoint.
"""

from __future__ import annotations

import math
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

from domainbert.errors import UserError
from domainbert.launch.attempt import Attempt, run_attempt
from domainbert.run.folder import RunFolder
from domainbert.run.progress import Reporter
from domainbert.run.resume_command import continue_command, next_command
from domainbert.run.signals import StopFlag, watch_signals
from domainbert.system import IS_POSIX

LIMIT = 3
"""Attempts in a row that may end without anything new on the disk."""

PATIENCE = "DOMAINBERT_HANG_SECONDS"
"""Variable that sets after how many seconds a stopped rank counts as hanging; else 60."""

_STOPPED = {75, 130}


def check_supervision() -> None:
    """Refuse to supervise processes from one that is supervised already.

    Raises:
        UserError: A launcher has started this process as one of several, or this is Windows.
    """
    if not IS_POSIX:
        raise UserError("--processes: works on Linux and macOS. Leave the option out on Windows.")
    check_alone("--processes")


def check_alone(option: str) -> None:
    """Refuse an option in a process that a launcher has started as one of several.

    Raises:
        UserError: It has.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        cure = "Leave the option out, or start `domainbert` without a launcher."
        raise UserError(f"{option}: a launcher started this process as one of several. {cure}")


def supervise(processes: int, out: Path) -> int:
    """Run this command line in several processes, again after a crash; return the exit code.

    Args:
        processes: Number of ranks.
        out: The run folder, which shows progress.
    """
    vain, number, patience, run = 0, 1, _patience(), RunFolder(out)
    resume_command, say = continue_command(out, processes), Reporter().say
    with watch_signals() as stop:
        while True:
            before = _progress(out)
            attempt = run_attempt(sys.argv[1:], processes, stop, patience)
            if (final := _final(attempt, stop)) is not None:
                code, message = final
                if message:
                    say(f"error: {message}")
                return code
            command = next_command(run, resume_command)
            if stop:
                name = signal.Signals(stop.signal_number).name
                say(f"error: Stopped by {name}; finished work is kept. Continue with: {command}")
                return _code(stop)
            vain = 0 if _progress(out) != before else vain + 1
            reason = _reason(attempt)
            if vain >= LIMIT:
                details = [ending.detail for ending in attempt.endings if ending.detail]
                if details and not attempt.vanished:
                    say(details[0].rstrip())
                vain_ = f"That was {LIMIT} times in a row without anything new"
                say(f"error: {reason}. {vain_}; finished work is kept. Continue with: {command}")
                return 1
            number += 1
            say(f"notice: {reason}; starting again from the last checkpoint (attempt {number})")


def _patience() -> float:
    text, seconds = os.environ.get(PATIENCE) or "60", 0.0
    with suppress(ValueError):
        seconds = float(text)
    if not 0 < seconds < math.inf:
        raise UserError(f"{PATIENCE}: {text!r} is no number of seconds above 0, such as 60.")
    return seconds


def _progress(out: Path) -> frozenset[str]:
    """Return the names of finished work."""
    patterns = (
        "**/stage.json",
        "*/checkpoints/step-*",
        "adapted",
        "results/**/*.json",
        "validation/**/*.json",
    )
    return frozenset(str(path) for pattern in patterns for path in out.glob(pattern))


def _final(attempt: Attempt, stop: StopFlag) -> tuple[int, str] | None:
    """Return exit code and message of the run, or None if it is to be continued."""
    if attempt.code == 0:
        return 0, ""
    endings = [ending for ending in attempt.endings if not ending.echo]
    # The reason that a rank gave; an unexpected error has a traceback.
    if reasons := [e for e in endings if e.code not in {0, *_STOPPED} and not e.detail]:
        return reasons[0].code, reasons[0].message
    stopped = [ending for ending in endings if ending.code in _STOPPED]
    # Without a signal to this process, ranks stop because somebody sent one to a rank or to all,
    # or because torchrun ends them after the death of another: then the run goes on.
    lost = attempt.vanished or attempt.hanging or attempt.code < 0
    crashed = any(ending.detail for ending in endings[:1])
    if stopped and stop.signal_number:
        message = stopped[0].message
        if stop.signal_number == signal.SIGINT:  # passed on as SIGTERM
            message = message.replace("SIGTERM", "SIGINT", 1)
        return _code(stop), message
    if stopped and not (lost or crashed):
        return stopped[0].code, stopped[0].message
    return None


def _code(stop: StopFlag) -> int:
    return 130 if stop.signal_number == signal.SIGINT else 75


def _reason(attempt: Attempt) -> str:
    if attempt.hanging:
        return attempt.hanging
    if attempt.vanished:
        first = attempt.vanished[0]
        return f"rank {first.rank} (pid {first.pid}) was killed or crashed, in {first.where}"
    failed = [f"rank {e.rank} failed with {e.message}" for e in attempt.endings if e.detail]
    unknown = "torchrun was killed" if attempt.code < 0 else "no rank could be started"
    return failed[0] if failed else unknown
