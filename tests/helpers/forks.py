"""Many runs of the command line from one import of the heavy libraries.

    with fork_server() as server:
        pid = server.start(["adapt", "recipe.yaml"], folder, folder / "log.txt")
        code = server.wait(pid)

Each run is a separate process, which can be sent signals or killed. Starting Python with torch
and transformers takes seconds; a fork of a process that has them takes milliseconds.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class ForkServer:
    """A process that has imported everything and forks on request.

    Args:
        process: Reads orders and writes answers, a line each.
    """

    process: subprocess.Popen[str]

    def start(self, words: list[str], folder: Path, log: Path) -> int:
        """Run `domainbert WORDS` in a folder, all output to a file; return the process number."""
        return self._ask({"words": words, "folder": str(folder), "log": str(log)})

    def wait(self, pid: int, seconds: float | None = None) -> int:
        """Return the exit code of a run; below zero, the signal that killed it.

        Args:
            pid: From `start`.
            seconds: A run that takes longer is killed.
        """
        return self._ask({"wait": pid, "seconds": seconds})

    def _ask(self, order: dict[str, Any]) -> int:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())


@contextmanager
def fork_server(variables: Mapping[str, str] | None = None) -> Iterator[ForkServer]:
    """Start a server; every run that is left when the block ends is killed.

    Args:
        variables: Of the environment of all runs, beside those of this process.
    """
    process = subprocess.Popen(
        [sys.executable, __file__],
        env={**os.environ, **(variables or {})},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield ForkServer(process)
    finally:
        process.communicate()


def serve() -> None:
    """Answer orders from stdin until it is closed."""
    # What a run imports when it comes to it, so that no fork has to.
    from transformers import (  # noqa: F401  # noqa: F401
        AutoModel,
        AutoModelForMaskedLM,
        AutoTokenizer,
        BertForMaskedLM,
        BertTokenizer,
    )

    import domainbert.cli.app
    import domainbert.pipeline.adapt  # noqa: F401

    import_module("pandas")

    # Else every collection of garbage in a fork goes through all that was imported.
    gc.freeze()
    left: set[int] = set()
    for line in sys.stdin:
        order = json.loads(line)
        if "wait" in order:
            status = _status(order["wait"], order["seconds"])
            left.discard(order["wait"])
            _answer(os.waitstatus_to_exitcode(status))
            continue
        pid = os.fork()
        if pid == 0:
            _run(order)
        left.add(pid)
        _answer(pid)
    for pid in left:
        os.kill(pid, 9)


def _status(pid: int, seconds: float | None) -> int:
    end = time.monotonic() + (seconds or 0)
    while seconds is not None and time.monotonic() < end:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return status
        time.sleep(0.01)
    if seconds is not None:
        os.kill(pid, signal.SIGKILL)
    return os.waitpid(pid, 0)[1]


def _answer(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


def _run(order: dict[str, Any]) -> None:
    from domainbert.cli.app import main

    # As on a terminal, even if this process was started under `nohup` or in the background.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(order["folder"])
    log = os.open(order["log"], os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o644)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for number, file in enumerate((nothing, log, log)):
        os.dup2(file, number)
    sys.argv = ["domainbert", *order["words"]]
    code = 0
    try:
        main()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        import traceback

        traceback.print_exc()
        code = 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    serve()
