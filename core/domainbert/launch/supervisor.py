"""`domainbert adapt --processes N`: attempts until the run is done, stopped, or cannot go on.

Restarting ranks inside one `torchrun` can hang in the rendezvous, so every attempt is a fresh one,
which continues from the newest whole checkpoint.
"""

from __future__ import annotations

import math
import os
import signal
import sys
from pathlib import Path

from domainbert.errors import UserError
from domainbert.launch.attempt import Attempt, Patience, run_attempt
from domainbert.run.folder import RunFolder
from domainbert.run.heartbeat import Ending, process_state
from domainbert.run.progress import Reporter
from domainbert.run.resume_command import continue_command, next_command
from domainbert.run.signals import StopFlag, watch_signals

LIMIT = 3
"""Attempts in a row that may end without anything new on the disk."""

PATIENCE = "DOMAINBERT_HANG_SECONDS"
"""Variable that sets after how many seconds a stopped rank counts as hanging."""

_STOPPED = {75, 130}


def check_supervision(processes: int) -> None:
    """Refuse several processes where this one cannot watch them.

    Raises:
        UserError: A launcher has started this process as one of several already, or the system
            does not show how other processes do.
    """
    if not process_state(os.getpid())[0]:
        raise UserError(
            "--processes: needs /proc, as on Linux, to watch the processes. Start them without: "
            f"torchrun --standalone --nproc-per-node {processes} -m domainbert adapt …"
        )
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise UserError(
            "--processes: this process is one of several that a launcher such as `torchrun` "
            "started. Leave the option out, or start `domainbert` without a launcher."
        )


def supervise_command(processes: int, out: Path) -> int:
    """Run the command line of this process in several; return the exit code."""
    return supervise(sys.argv[1:], processes, out, continue_command(out, processes))


def supervise(words: list[str], processes: int, out: Path, again: str) -> int:
    """Run a command in several processes, restarting them after a crash; return the exit code.

    Args:
        words: The command of a rank, after `python -m domainbert`.
        processes: Number of ranks.
        out: The run folder, which shows progress.
        again: The command that continues from the run folder.
    """
    vain, number, patience, run = 0, 1, _patience(), RunFolder(out)
    with watch_signals() as stop:
        while True:
            before = _progress(out)
            attempt = run_attempt(words, processes, stop, patience)
            final = _final(attempt, stop)
            if final is not None:
                if final.message:
                    _error(final.message)
                return final.code
            if stop.signal_number:
                name = signal.Signals(stop.signal_number).name
                command = next_command(run, again)
                _error(f"Stopped by {name}; finished work is kept. Continue with: {command}")
                return _code(stop)
            vain = 0 if _progress(out) != before else vain + 1
            reason = _reason(attempt)
            if vain >= LIMIT:
                _give_up(attempt, reason, next_command(run, again))
                return 1
            number += 1
            _tell(f"{reason}; starting again from the last checkpoint (attempt {number})")


def _patience() -> Patience:
    told = os.environ.get(PATIENCE)
    if not told:
        return Patience()
    try:
        seconds = float(told)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < math.inf:
        raise UserError(f"{PATIENCE}: {told!r} is no number of seconds above 0, such as 60.")
    return Patience(seconds, 15 * seconds)


def _progress(out: Path) -> frozenset[str]:
    """Return the names of what is finished."""
    patterns = ("**/stage.json", "*/checkpoints/step-*", "model", "results/**/*.json")
    return frozenset(str(path) for pattern in patterns for path in out.glob(pattern))


def _final(attempt: Attempt, stop: StopFlag) -> Ending | None:
    """Return how the run ended, or None if it is to be continued."""
    if attempt.code == 0:
        return Ending(0, 0, "", "", 0.0)
    endings = [ending for ending in attempt.endings if not ending.echo]
    for ending in endings:
        # What a rank gave as its reason; an unexpected error has a traceback.
        if ending.code and not ending.detail and ending.code not in _STOPPED:
            return ending
    stopped = [ending for ending in endings if ending.code in _STOPPED]
    # Without a signal to this process, ranks stop because somebody told one of them or all to, or
    # because torchrun ends them after the death of another: then the run goes on.
    lost = attempt.vanished or attempt.hanging or attempt.code < 0
    crashed = any(ending.detail for ending in endings[:1])
    if stopped and (stop.signal_number or not (lost or crashed)):
        code = _code(stop) if stop.signal_number else stopped[0].code
        message = stopped[0].message
        if stop.signal_number == signal.SIGINT:
            message = message.replace("SIGTERM", "SIGINT", 1)  # ranks are told of it so
        return Ending(stopped[0].rank, code, message, "", 0.0)
    return None


def _code(stop: StopFlag) -> int:
    return 130 if stop.signal_number == signal.SIGINT else 75


def _reason(attempt: Attempt) -> str:
    if attempt.hanging:
        return attempt.hanging
    if attempt.vanished:
        first = attempt.vanished[0]
        return f"rank {first.rank} (pid {first.pid}) was killed or crashed, in {first.where}"
    for ending in attempt.endings:
        if ending.detail:
            return f"rank {ending.rank} failed with {ending.message}"
    return "torchrun was killed" if attempt.code < 0 else "no rank could be started"


def _give_up(attempt: Attempt, reason: str, again: str) -> None:
    detail = next((ending.detail for ending in attempt.endings if ending.detail), "")
    if detail and not attempt.vanished:
        Reporter().say(detail.rstrip())
    _error(
        f"{reason}. That was {LIMIT} times in a row without anything new; finished work is kept. "
        f"Put right what is wrong and continue with: {again}"
    )


def _tell(text: str) -> None:
    Reporter().say(f"notice: {text}")


def _error(text: str) -> None:
    Reporter().say(f"error: {text}")
