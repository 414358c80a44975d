"""What differs between operating systems: file locks, flushing folders, peak memory, signals.

POSIX is what runs are tested on. Windows has a branch for each, tried by taking the modules of
POSIX away; training in several processes is refused there.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from pathlib import Path
from typing import IO, Any

try:
    import fcntl
    import resource
except ImportError:  # Windows
    fcntl = resource = None  # type: ignore[assignment]

IS_POSIX = fcntl is not None

WATCHED = tuple(
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGUSR1", "SIGHUP", "SIGBREAK")
    if hasattr(signal, name)
)
"""Signals that stop a run; `SIGBREAK` is Ctrl-Break of Windows."""

PARENT = "DOMAINBERT_PARENT"
"""Variable with the process number of the parent, which must not die unnoticed."""

_PR_SET_PDEATHSIG = 1


def lock(stream: IO[Any] | Any) -> None:
    """Lock an open file against other processes until it is closed, however the process ends.

    Raises:
        BlockingIOError: Another process has it.
        OSError: The file system has no locks.
    """
    if fcntl is not None:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return
    import msvcrt

    place = stream.tell()
    # A byte far behind the content, which others then can still read.
    stream.seek(1 << 30)
    try:
        msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
    except PermissionError as error:
        raise BlockingIOError(error.errno, error.strerror) from None
    finally:
        stream.seek(place)


def fsync_path(path: Path) -> None:
    """Flush a file or a folder to the device; a rename survives power loss only after this.

    Windows has no such thing for a folder, and flushes only what is open for writing.
    """
    if not IS_POSIX and path.is_dir():
        return
    descriptor = os.open(path, os.O_RDONLY if IS_POSIX else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def peak_memory_bytes() -> int:
    """Return the peak of this process's memory so far."""
    if resource is None:
        import psutil

        return int(psutil.Process().memory_info().peak_wset)
    peak = int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    return peak if sys.platform == "darwin" else peak * 1024  # elsewhere in KiB


def end_with_parent() -> None:
    """Ask the system for SIGTERM when the parent dies, even if it is killed (Linux)."""
    parent = os.environ.get(PARENT)
    if parent is None or not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM))
    if os.getppid() != int(parent):
        os.kill(os.getpid(), signal.SIGTERM)
