"""A rank of a supervised run: silent but for rank 0, ends with its parent, reports its end."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from domainbert.errors import DomainBertError, FailedElsewhere
from domainbert.run.heartbeat import end, heartbeat, is_worker, tell_signals
from domainbert.run.signals import watch_signals

PARENT = "DOMAINBERT_PARENT"
"""Variable with the process number of the parent, which must not die unnoticed."""

_PR_SET_PDEATHSIG = 1


@contextmanager
def stoppable() -> Iterator[None]:
    """Mind signals from the first line of a command on; report its end to the supervisor, if any.

    Used as a decorator.
    """
    with watch_signals():
        if not is_worker():
            yield
            return
        end_with_parent()
        if os.environ.get("RANK", "0") != "0":
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, sys.stdout.fileno())
            os.dup2(nowhere, sys.stderr.fileno())
        tell_signals()
        heartbeat("the start")
        try:
            yield
        except DomainBertError as error:
            # The supervisor prints it, if it ends the run and is no echo of another rank's.
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


def end_with_parent() -> None:
    """Ask the system for SIGTERM when the parent dies, even if it is killed (Linux)."""
    parent = os.environ.get(PARENT)
    if parent is None or not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM))
    if os.getppid() != int(parent):
        os.kill(os.getpid(), signal.SIGTERM)
