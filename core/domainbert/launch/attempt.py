"""One attempt of a supervised run: a fresh `torchrun`, watched until it has ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from domainbert.run import heartbeat
from domainbert.run.heartbeat import Ending, Heartbeat
from domainbert.run.signals import StopFlag
from domainbert.system import PARENT

_Ranks = Mapping[int, psutil.Process]
_Sets = dict[int, set[int]]
_LOOK = 0.1
_GRACE = 10.0
_LONGEST_SAVE = 300.0
_SILENT = 15
_FROZEN = {psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP}
_GONE = {"", psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD}


@dataclass(frozen=True)
class Attempt:
    """How an attempt ended.

    Args:
        code: Exit code of torchrun; below zero if a signal killed it.
        heartbeats: The last one of each rank.
        endings: Reported by ranks, in order of time.
        hanging: Why the attempt was given up; empty if it was not.
    """

    code: int
    heartbeats: dict[int, Heartbeat]
    endings: list[Ending]
    hanging: str

    @property
    def vanished(self) -> list[Heartbeat]:
        """Ranks that ended without a report: killed, or crashed in foreign code."""
        reported = {ending.rank for ending in self.endings}
        return [beat for rank, beat in sorted(self.heartbeats.items()) if rank not in reported]


def run_attempt(words: list[str], processes: int, stop: StopFlag, patience: float) -> Attempt:
    """Run `torchrun` once and wait until it and all ranks have ended.

    Args:
        words: The command of a rank, after `python -m domainbert`.
        processes: Number of ranks.
        stop: Signals that this process received; passed on to the ranks.
        patience: Seconds after which a rank that the system has stopped, as by SIGSTOP, counts as
            hanging; all ranks together may be silent 15 times as long.
    """
    with tempfile.TemporaryDirectory(prefix="domainbert-") as name:
        folder = Path(name)
        watch = _Watch(folder, patience)
        with _started(words, processes, watch) as torchrun:
            sent: _Sets = {}
            while torchrun.poll() is None and not watch.hanging:
                time.sleep(_LOOK)
                watch.look()
                _pass_on(set(stop), heartbeat.read_signals(folder), watch.processes, sent)
            if watch.hanging:
                _give_up(torchrun, watch.processes.values())
            _await_end(folder, watch.processes.values())
            hanging = watch.hanging
        return Attempt(
            torchrun.returncode, watch.heartbeats, heartbeat.read_endings(folder), hanging
        )


@contextmanager
def _started(words: list[str], processes: int, watch: _Watch) -> Iterator[subprocess.Popen[bytes]]:
    launch = [
        "--standalone", "--local-addr", "127.0.0.1", "--nproc-per-node", str(processes),
        "--max-restarts", "0", "-m", "domainbert", *words,
    ]  # fmt: skip
    # A container or batch system may give few.
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    defaults = {
        "OMP_NUM_THREADS": str(max(1, (cores or 1) // processes)),
        # Saving a large model takes longer than torchrun would wait by default.
        "TORCH_ELASTIC_SHUTDOWN_TIMEOUT": "300",
        "TORCH_CPP_LOG_LEVEL": "ERROR",
    }
    if sys.platform.startswith("linux"):
        defaults["GLOO_SOCKET_IFNAME"] = "lo"  # this machine alone, whatever name it has
    torchrun = subprocess.Popen(
        [sys.executable, "-m", "domainbert.launch.torchrun", *launch],
        env={
            **defaults,
            **os.environ,
            heartbeat.FOLDER: str(watch.folder),
            PARENT: str(os.getpid()),
        },
        stdin=subprocess.DEVNULL,
        # Ctrl-C on a terminal reaches this process alone, which passes it on once.
        start_new_session=True,
    )
    try:
        yield torchrun
    finally:
        watch.look()
        _kill(torchrun, watch.processes.values())


@dataclass
class _Watch:
    """Looks at the ranks; time in which this process was itself stopped does not count."""

    folder: Path
    patience: float
    heartbeats: dict[int, Heartbeat] = field(default_factory=dict)
    processes: dict[int, psutil.Process] = field(default_factory=dict)
    hanging: str = ""
    silent: float = 0.0
    frozen: dict[int, float] = field(default_factory=dict)
    seen: float = field(default_factory=time.monotonic)

    def look(self) -> None:
        now = time.monotonic()
        passed, self.seen = min(now - self.seen, 1.0), now
        before, self.heartbeats = (
            self.heartbeats,
            self.heartbeats | heartbeat.read_heartbeats(self.folder),
        )
        self.silent = 0.0 if self.heartbeats != before else self.silent + passed
        for rank in self.heartbeats.keys() - self.processes.keys():
            with suppress(psutil.NoSuchProcess):
                self.processes[rank] = psutil.Process(self.heartbeats[rank].pid)
        for rank, process in self.processes.items():
            is_frozen = _state(process)[0] in _FROZEN
            self.frozen[rank] = self.frozen.get(rank, 0.0) + passed if is_frozen else 0.0
        if frozen := [rank for rank, time_ in self.frozen.items() if time_ > self.patience]:
            self.hanging = self._named(frozen, self.patience)
        elif self.heartbeats and self.silent > _SILENT * self.patience:
            self.hanging = self._named(self.heartbeats, _SILENT * self.patience)

    def _named(self, ranks: Iterable[int], seconds: float) -> str:
        return "; ".join(
            f"rank {rank} (pid {self.heartbeats[rank].pid}) has not moved for {seconds:.0f} s, "
            f"in {self.heartbeats[rank].where}"
            for rank in sorted(ranks)
        )


def _pass_on(received: set[int], heard: _Sets, ranks: _Ranks, sent: _Sets) -> None:
    """Send every rank once what this process or another rank received, unless the rank has it.

    Ctrl-C is passed on as SIGTERM: a rank may have received it meanwhile, and a second SIGINT would
    end it in the middle of a checkpoint.
    """
    asked = received.union(*heard.values())
    for rank, process in ranks.items():
        for number in asked - sent.setdefault(rank, set()) - heard.get(rank, set()):
            passed = signal.SIGTERM if number == signal.SIGINT else number
            _signal(process, passed)
            sent[rank] |= {number, passed}


def _give_up(torchrun: subprocess.Popen[bytes], processes: Iterable[psutil.Process]) -> None:
    for process in processes:
        _signal(process, signal.SIGCONT)
        _signal(process, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        torchrun.wait(_GRACE)
    _kill(torchrun, processes)


def _kill(torchrun: subprocess.Popen[bytes], processes: Iterable[psutil.Process]) -> None:
    # Ranks first: once torchrun is gone nobody collects them.
    for process in processes:
        _signal(process, signal.SIGKILL)
    if torchrun.poll() is None:
        torchrun.kill()
        torchrun.wait()


def _await_end(folder: Path, processes: Iterable[psutil.Process]) -> None:
    """Wait for ranks whose torchrun is gone, and kill those that do nothing any more.

    They may be saving a large model, so as long as one of them works there is time.
    """
    started = moved = time.monotonic()
    before: object = None
    while any(map(_lives, processes)):
        now = time.monotonic()
        if now > min(moved + _GRACE, started + _LONGEST_SAVE):
            break
        states = [_state(process) for process in processes]
        signs = heartbeat.read_heartbeats(folder), [worked for _, worked in states]
        # One that waits for its disk uses no processor.
        if signs != before or any(state == psutil.STATUS_DISK_SLEEP for state, _ in states):
            moved, before = now, signs
        time.sleep(_LOOK)
    for process in processes:
        _signal(process, signal.SIGKILL)
    end = time.monotonic() + _GRACE
    while any(map(_lives, processes)) and time.monotonic() < end:
        time.sleep(_LOOK)


def _state(process: psutil.Process) -> tuple[str, float]:
    """Return the state and the CPU seconds of a process; an empty state if it is gone."""
    try:
        # A process that has the same number later is another one.
        if process.is_running():
            return process.status(), sum(process.cpu_times()[:2])
    except psutil.NoSuchProcess:
        pass
    return "", 0.0


def _lives(process: psutil.Process) -> bool:
    return _state(process)[0] not in _GONE


def _signal(process: psutil.Process, number: int) -> None:
    with suppress(psutil.NoSuchProcess):
        process.send_signal(number)
