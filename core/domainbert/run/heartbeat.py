"""Messages of the ranks of a supervised run to their supervisor: where they are, how they ended.

Each rank has small files in a folder of the supervisor: `rank-N`, overwritten in place at every
heartbeat, `signals-N`, a byte per signal received, and `exit-N.json`, written once. Without a
supervisor nothing is written.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from itertools import count
from pathlib import Path

from domainbert.system import WATCHED

FOLDER = "DOMAINBERT_SUPERVISED"
"""Variable that names the folder; a process that has it is a rank of a supervised run."""

# No record is longer, or its end would stay behind the next; JSON takes 12 bytes for some signs.
_SIZE = 2048


@dataclass(frozen=True)
class Heartbeat:
    """The last sign of life of a rank.

    Args:
        rank: Its number.
        pid: Its process.
        count: Heartbeats so far.
        where: The work that follows, such as `step 12`.
    """

    rank: int
    pid: int
    count: int
    where: str


@dataclass(frozen=True)
class Ending:
    """How a rank ended, reported by the rank.

    Args:
        rank: Its number.
        code: Exit code.
        message: One line; empty if all went well.
        detail: Traceback of an unexpected error, else empty.
        time: When, in seconds since the epoch.
        echo: Whether it only repeats the error of another rank.
    """

    rank: int
    code: int
    message: str = ""
    detail: str = ""
    time: float = 0.0
    echo: bool = False


def is_worker() -> bool:
    """Return whether this process is a rank of a supervised run."""
    return FOLDER in os.environ


def heartbeat(where: str) -> None:
    """Write a sign of life for the supervisor, if there is one.

    Args:
        where: The work that follows, such as `step 12`; short.
    """
    if is_worker():
        file, rank, counter = _open_file()
        record = asdict(Heartbeat(rank, os.getpid(), next(counter), where[:80]))
        os.pwrite(file, json.dumps(record).encode().ljust(_SIZE), 0)


@cache
def _open_file() -> tuple[int, int, Iterator[int]]:
    """Return the file of this rank, which stays open: a heartbeat costs microseconds."""
    folder, rank = _place()
    return os.open(folder / f"rank-{rank}", os.O_CREAT | os.O_WRONLY, 0o600), rank, count(1)


def end(code: int, message: str = "", detail: str = "", echo: bool = False) -> None:
    """Write how this process ends, for the supervisor."""
    folder, rank = _place()
    ending = Ending(rank, code, message, detail, time.time(), echo)
    beside = folder / f".exit-{rank}"
    beside.write_text(json.dumps(asdict(ending)), encoding="utf-8")
    beside.replace(folder / f"exit-{rank}.json")


def tell_signals() -> None:
    """Pass signals to the supervisor at once, even while this process waits for others.

    A handler in Python runs only between its instructions, so not inside a barrier; what the
    system's own handler writes to the wake-up file does not wait.
    """
    folder, rank = _place()
    flags = os.O_CREAT | os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK
    signal.set_wakeup_fd(os.open(folder / f"signals-{rank}", flags, 0o600))


def read_heartbeats(folder: Path) -> dict[int, Heartbeat]:
    """Return the last heartbeat of each rank that wrote one."""
    heartbeats = {}
    for path in folder.glob("rank-*"):
        with suppress(ValueError):  # it is being written; the next look will do
            beat = Heartbeat(**json.loads(path.read_bytes()))
            heartbeats[beat.rank] = beat
    return heartbeats


def read_signals(folder: Path) -> dict[int, set[int]]:
    """Return the numbers of the signals that each rank received."""
    return {
        int(path.name.partition("-")[2]): set(path.read_bytes()) & set(map(int, WATCHED))
        for path in folder.glob("signals-*")
    }


def read_endings(folder: Path) -> list[Ending]:
    """Return how ranks ended, the first to end first."""
    endings = [Ending(**json.loads(path.read_bytes())) for path in folder.glob("exit-*.json")]
    return sorted(endings, key=lambda ending: ending.time)


def _place() -> tuple[Path, int]:
    return Path(os.environ[FOLDER]), int(os.environ.get("RANK", "0"))
