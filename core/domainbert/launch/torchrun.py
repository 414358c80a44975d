"""`torchrun` without its own words, and with a parent that it does not outlive.

Run by the supervisor as `python -m domainbert.launch.torchrun`; takes what `torchrun` takes.
"""

from __future__ import annotations

import logging
import os
import signal
import sys

from domainbert.system import PARENT, end_with_parent


def main() -> None:
    """Run `torchrun`; its exit code says only whether all ranks ended with 0."""
    # Batch systems may send it to every process; torchrun would die of it.
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    end_with_parent()
    os.environ[PARENT] = str(os.getpid())
    # The supervisor says what happened; a log and a traceback of torchrun would say it again.
    logging.disable(logging.CRITICAL)
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.run import main as torchrun

    try:
        torchrun(sys.argv[1:])
    except (ChildFailedError, SignalException):
        sys.exit(1)


if __name__ == "__main__":
    main()
