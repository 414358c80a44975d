"""What the ranks of a supervised run tell their supervisor: where they are, and how they ended.

Each rank has two small files in a folder of the supervisor: `rank-N`, overwritten in place at every
sign of life, and `exit-N.json`, written once. Without a supervisor nothing is written.
"""

from __future__ import annotations

import json
import os
import signal
import time
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from domainbert.run.signals import WATCHED

FOLDER = "DOMAINBERT_SUPERVISED"
"""Variable that names the folder; its presence makes a process a member of a supervised run."""

# No record is longer, or its end would stay behind the next; JSON takes 12 bytes for some signs.
_SIZE = 2048


@dataclass(frozen=True)
class Heartbeat:
    """The last sign of life of a rank.

    Args:
        rank: Its number.
        pid: Its process.
        born: When the system started that process, so that no other is taken for it.
        count: Signs so far.
        where: What it was about to do.
    """

    rank: int
    pid: int
    born: str
    count: int
    where: str


@dataclass(frozen=True)
class Ending:
    """How a rank ended by itself.

    Args:
        rank: Its number.
        code: Exit code.
        message: One line; empty if all went well.
        detail: Traceback of an error that nobody expected, else empty.
        time: When, in seconds since the epoch.
        echo: Whether it only repeats what went wrong in another.
    """

    rank: int
    code: int
    message: str
    detail: str
    time: float
    echo: bool = False


def is_worker() -> bool:
    """Tell whether this process is a rank of a supervised run."""
    return FOLDER in os.environ


def heartbeat(where: str) -> None:
    """Tell the supervisor, if there is one, that this process is about to do something.

    Args:
        where: Such as `step 12`; short.
    """
    if is_worker():
        _Writer.mine().heartbeat(where)


def end(code: int, message: str = "", detail: str = "", echo: bool = False) -> None:
    """Tell the supervisor how this process ends."""
    folder, rank = _place()
    ending = Ending(rank, code, message, detail, time.time(), echo)
    beside = folder / f".exit-{rank}"
    beside.write_text(json.dumps(asdict(ending)), encoding="utf-8")
    beside.replace(folder / f"exit-{rank}.json")


def read_heartbeats(folder: Path) -> dict[int, Heartbeat]:
    """Return the last sign of life of each rank that gave one."""
    pulses = {}
    for path in folder.glob("rank-*"):
        try:
            pulse = Heartbeat(**json.loads(path.read_bytes()))
        except ValueError:
            continue  # it is being written; the next look will do
        pulses[pulse.rank] = pulse
    return pulses


def tell_signals() -> None:
    """Let the supervisor know of signals at once, even while this process waits for others.

    A handler in Python runs only between its instructions, so not inside a barrier; what the
    system's own handler writes to the wake-up file does not wait.
    """
    folder, rank = _place()
    flags = os.O_CREAT | os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK
    signal.set_wakeup_fd(os.open(folder / f"signals-{rank}", flags, 0o600))


def read_signals(folder: Path) -> dict[int, set[int]]:
    """Return the numbers of the signals that each rank received."""
    found = folder.glob("signals-*")
    heard = {int(path.name.partition("-")[2]): set(path.read_bytes()) for path in found}
    return {rank: numbers & set(map(int, WATCHED)) for rank, numbers in heard.items()}


def read_endings(folder: Path) -> list[Ending]:
    """Return how ranks ended, the first to end first."""
    found = [Ending(**json.loads(path.read_bytes())) for path in folder.glob("exit-*.json")]
    return sorted(found, key=lambda ending: ending.time)


def process_state(pid: int) -> tuple[str, str]:
    """Return the state letter of a process and when it was born; empty if it is gone."""
    fields = _stat(pid)
    return (fields[0], fields[19]) if fields else ("", "")


def process_time(pid: int) -> int:
    """Return how long a process has worked, in ticks of the system; 0 if it is gone."""
    fields = _stat(pid)
    return int(fields[11]) + int(fields[12]) if fields else 0


def _stat(pid: int) -> list[str]:
    """Return what follows the name in `/proc/PID/stat`."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    # The name, in brackets, may hold anything.
    return stat.rpartition(")")[2].split()


def _place() -> tuple[Path, int]:
    return Path(os.environ[FOLDER]), int(os.environ.get("RANK", "0"))


class _Writer:
    """Keeps the file of this rank open: a sign of life costs microseconds."""

    def __init__(self) -> None:
        folder, self.rank = _place()
        self.pid, self.count = os.getpid(), 0
        self.born = process_state(self.pid)[1]
        self.file = os.open(folder / f"rank-{self.rank}", os.O_CREAT | os.O_WRONLY, 0o600)

    @staticmethod
    @cache
    def mine() -> _Writer:
        return _Writer()

    def heartbeat(self, where: str) -> None:
        self.count += 1
        text = json.dumps(asdict(Heartbeat(self.rank, self.pid, self.born, self.count, where[:80])))
        os.pwrite(self.file, text.encode().ljust(_SIZE), 0)
