"""One attempt of a supervised run: a fresh `torchrun`, watched until it has ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from domainbert.launch.worker import PARENT
from domainbert.run.heartbeat import (
    FOLDER,
    Ending,
    Heartbeat,
    process_state,
    process_time,
    read_endings,
    read_heartbeats,
    read_signals,
)
from domainbert.run.signals import StopFlag

_LOOK = 0.1
_GRACE = 10.0
_LONGEST_SAVE = 300.0


@dataclass(frozen=True)
class Patience:
    """Seconds after which a rank counts as hanging.

    Args:
        stopped: It is stopped by the system, as by SIGSTOP.
        silent: No rank has given a sign of life; work between two signs can take long.
    """

    stopped: float = 60.0
    silent: float = 900.0


@dataclass(frozen=True)
class Attempt:
    """How an attempt ended.

    Args:
        code: Exit code of torchrun; below zero if a signal killed it.
        pulses: The last sign of life of each rank.
        endings: How ranks ended by themselves, in order of time.
        hanging: Why the attempt was given up, if it was.
    """

    code: int
    pulses: dict[int, Heartbeat]
    endings: list[Ending]
    hanging: str

    @property
    def vanished(self) -> list[Heartbeat]:
        """Ranks that ended without a word: killed, or crashed in foreign code."""
        told = {ending.rank for ending in self.endings}
        return [pulse for rank, pulse in sorted(self.pulses.items()) if rank not in told]


def run_attempt(words: list[str], processes: int, stop: StopFlag, patience: Patience) -> Attempt:
    """Run `torchrun` once and wait until it and all ranks have ended.

    Args:
        words: The command of a rank, after `python -m domainbert`.
        processes: Number of ranks.
        stop: Signals that this process received; passed on to the ranks.
        patience: When a rank counts as hanging.
    """
    with tempfile.TemporaryDirectory(prefix="domainbert-") as name:
        folder = Path(name)
        with _started(words, processes, folder) as torchrun:
            watch = _Watch(folder, patience)
            sent: dict[int, set[int]] = {}
            while torchrun.poll() is None and not watch.hanging:
                time.sleep(_LOOK)
                watch.look()
                _pass_on(set(stop.received), read_signals(folder), watch.pulses, sent)
            if watch.hanging:
                _give_up(torchrun, watch.pulses)
            _await_end(folder, watch.pulses.values())
            watch.look()
        code = torchrun.returncode
        return Attempt(code, watch.pulses, read_endings(folder), watch.hanging)


@contextmanager
def _started(words: list[str], processes: int, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    launch = [
        "--standalone", "--local-addr", "127.0.0.1", "--nproc-per-node", str(processes),
        "--max-restarts", "0", "-m", "domainbert", *words,
    ]  # fmt: skip
    threads = max(1, _cores() // processes)
    usual = {
        "OMP_NUM_THREADS": str(threads),
        # Saving a large model takes longer than torchrun would wait of itself.
        "TORCH_ELASTIC_SHUTDOWN_TIMEOUT": "300",
        "TORCH_CPP_LOG_LEVEL": "ERROR",
    }
    if sys.platform.startswith("linux"):
        usual["GLOO_SOCKET_IFNAME"] = "lo"  # this machine alone, whatever it thinks its name is
    torchrun = subprocess.Popen(
        [sys.executable, "-m", "domainbert.launch.torchrun", *launch],
        env={**usual, **os.environ, FOLDER: str(folder), PARENT: str(os.getpid())},
        stdin=subprocess.DEVNULL,
        # Ctrl-C on a terminal reaches this process alone, which passes it on once.
        start_new_session=True,
    )
    try:
        yield torchrun
    finally:
        _kill(torchrun, read_heartbeats(folder))


def _cores() -> int:
    """Return the cores that this process may use: a container or batch system may give few."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclass
class _Watch:
    """Looks at the ranks; time in which this process was itself stopped does not count."""

    folder: Path
    patience: Patience
    pulses: dict[int, Heartbeat] = field(default_factory=dict)
    hanging: str = ""
    silent: float = 0.0
    stopped: dict[int, float] = field(default_factory=dict)
    seen: float = field(default_factory=time.monotonic)

    def look(self) -> None:
        now = time.monotonic()
        passed, self.seen = min(now - self.seen, 1.0), now
        pulses = read_heartbeats(self.folder)
        self.silent = 0.0 if pulses != self.pulses else self.silent + passed
        self.pulses |= pulses
        for rank, pulse in self.pulses.items():
            is_stopped = process_state(pulse.pid)[0] in {"T", "t"}
            self.stopped[rank] = self.stopped.get(rank, 0.0) + passed if is_stopped else 0.0
        still = [rank for rank, time_ in self.stopped.items() if time_ > self.patience.stopped]
        if still:
            self.hanging = self._named(still, self.patience.stopped)
        elif self.pulses and self.silent > self.patience.silent:
            self.hanging = self._named(list(self.pulses), self.patience.silent)

    def _named(self, ranks: list[int], seconds: float) -> str:
        told = [
            f"rank {rank} (pid {self.pulses[rank].pid}) has not moved for {seconds:.0f} s, "
            f"in {self.pulses[rank].where}"
            for rank in sorted(ranks)
        ]
        return "; ".join(told)


def _pass_on(
    received: set[int],
    heard: dict[int, set[int]],
    pulses: dict[int, Heartbeat],
    sent: dict[int, set[int]],
) -> None:
    """Send every rank once what this process or another rank received, when it is there.

    Ctrl-C is passed on as SIGTERM: a rank may have got it by itself meanwhile, and a second SIGINT
    would end it in the middle of a checkpoint.
    """
    asked = received.union(*heard.values())
    for rank, pulse in pulses.items():
        known = sent.setdefault(rank, set()) | heard.get(rank, set())
        for number in asked - known:
            passed = signal.SIGTERM if number == signal.SIGINT else number
            _signal(pulse, passed)
            sent[rank] |= {number, passed}


def _give_up(torchrun: subprocess.Popen[bytes], pulses: dict[int, Heartbeat]) -> None:
    for pulse in pulses.values():
        _signal(pulse, signal.SIGCONT)
        _signal(pulse, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        torchrun.wait(_GRACE)
    _kill(torchrun, pulses)


def _kill(torchrun: subprocess.Popen[bytes], pulses: dict[int, Heartbeat]) -> None:
    # Ranks first: once torchrun is gone nobody collects them, and their numbers may be given anew.
    for pulse in pulses.values():
        _signal(pulse, signal.SIGKILL)
    if torchrun.poll() is None:
        torchrun.kill()
        torchrun.wait()


def _await_end(folder: Path, pulses: Iterable[Heartbeat]) -> None:
    """Wait for ranks whose torchrun is gone; they stop by themselves, or are made to.

    They may be saving a large model, so as long as one of them works there is time.
    """
    ranks = list(pulses)

    def alive() -> list[Heartbeat]:
        return [pulse for pulse in ranks if _lives(pulse)]

    started = moved = time.monotonic()
    before: object = None
    while alive() and (now := time.monotonic()) < min(moved + _GRACE, started + _LONGEST_SAVE):
        signs = read_heartbeats(folder), [process_time(pulse.pid) for pulse in ranks]
        # One that waits for its disk uses no processor.
        if signs != before or any(process_state(pulse.pid)[0] == "D" for pulse in ranks):
            moved, before = now, signs
        time.sleep(_LOOK)
    for pulse in alive():
        _signal(pulse, signal.SIGKILL)
    end = time.monotonic() + _GRACE
    while alive() and time.monotonic() < end:
        time.sleep(_LOOK)


def _lives(pulse: Heartbeat) -> bool:
    state, born = process_state(pulse.pid)
    return state not in {"", "Z", "X"} and born == pulse.born


def _signal(pulse: Heartbeat, number: int) -> None:
    if _lives(pulse):
        with suppress(ProcessLookupError):
            os.kill(pulse.pid, number)
