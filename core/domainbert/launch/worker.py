"""The side of a rank in a supervised run: one voice, a parent that is watched, a told ending."""

from __future__ import annotations

import ctypes
import functools
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

from domainbert.errors import DomainBertError, FailedElsewhere
from domainbert.run.heartbeat import end, heartbeat, is_worker, tell_signals
from domainbert.run.signals import watch_signals

PARENT = "DOMAINBERT_PARENT"
"""Variable with the process number of the parent, which must not die unnoticed."""

_PR_SET_PDEATHSIG = 1
P = ParamSpec("P")
R = TypeVar("R")


def stoppable(command: Callable[P, R]) -> Callable[P, R]:
    """Make a command mind signals from its first line on, and tell its supervisor how it ends."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        with watch_signals(), _membership():
            return command(*args, **kwargs)

    return run


def end_with_parent() -> None:
    """Ask the system for SIGTERM when the parent dies, even if it is killed (Linux)."""
    parent = os.environ.get(PARENT)
    if parent is None or not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM))
    if os.getppid() != int(parent):
        os.kill(os.getpid(), signal.SIGTERM)


@contextmanager
def _membership() -> Iterator[None]:
    if not is_worker():
        yield
        return
    end_with_parent()
    if os.environ.get("RANK", "0") != "0":
        _be_silent()
    tell_signals()
    heartbeat("the start")
    try:
        yield
    except DomainBertError as error:
        # The supervisor says it, if it is the end of the run and no echo of another rank's.
        end(error.exit_code, str(error), echo=isinstance(error, FailedElsewhere))
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        end(130)
        raise
    except Exception as error:
        # Often no more than the echo of another rank's death: the supervisor knows which.
        first = (str(error).strip() or "no message").splitlines()[0]
        end(1, f"{type(error).__name__}: {first}", traceback.format_exc())
        sys.exit(1)
    end(0)


def _be_silent() -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.dup2(nowhere, sys.stderr.fileno())
