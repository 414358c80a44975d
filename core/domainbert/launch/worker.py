"""A rank of a supervised run: silent but for rank 0, ends with its parent, reports its end."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from domainbert.errors import DomainBertError, FailedElsewhere, first_line
from domainbert.run.heartbeat import end, heartbeat, is_worker, tell_signals
from domainbert.run.signals import watch_signals
from domainbert.system import end_with_parent


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
            end(1, f"{type(error).__name__}: {first_line(error)}", traceback.format_exc())
            sys.exit(1)
        end(0)
