"""A child process that fetches, and can be ended at any time.

Libraries of the hub download in threads that nobody can stop, from a server that may never end.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from domainbert.errors import first_line

PATIENCE = 60.0
"""How long a hub may send nothing, in seconds."""

_LOOK = 0.2


def run_child(
    module: str, arguments: list[str], folders: Sequence[Path], poll: Callable[[], None]
) -> tuple[str, str]:
    """Run `python -m MODULE ARGUMENTS`; return its answer and its trouble, one of them empty.

    Args:
        module: Calls `answer_parent` when it is run.
        arguments: As text.
        folders: They grow while something arrives.
        poll: Called again and again; raises if a signal asked to stop.
    """
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        try:
            return _watched(child, folders, poll)
        finally:
            child.kill()


def _watched(
    child: subprocess.Popen[bytes], folders: Sequence[Path], poll: Callable[[], None]
) -> tuple[str, str]:
    arrived, since = -1, time.monotonic()
    while child.poll() is None:
        poll()
        if (size := sum(map(_size, folders))) != arrived:
            arrived, since = size, time.monotonic()
        if time.monotonic() - since > PATIENCE:
            return "", f"nothing arrived in {PATIENCE:.0f} seconds."
        time.sleep(_LOOK)
    said = child.stdout.read() if child.stdout else b""
    if not said:
        return "", f"the download ended with {child.returncode}."
    answer, trouble = json.loads(said)
    return answer, trouble


def _size(folder: Path) -> int:
    """Return how many bytes lie in a folder."""
    sizes = 0
    for path in folder.rglob("*"):
        try:
            sizes += path.stat().st_size
        except OSError:  # renamed, as it is whole
            continue
    return sizes


def answer_parent(
    fetch: Callable[..., str],
    faults: tuple[type[Exception], ...],
    explain: Callable[[Exception], str] = lambda _error: "",
) -> None:
    """Call a function with the words of the command line; answer, and end when the parent does.

    Args:
        fetch: Its result is the answer.
        faults: Exceptions that are trouble.
        explain: An exception to what it means; their first line where it is empty.
    """

    def end_with_parent() -> None:
        sys.stdin.read()
        os._exit(1)

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent minds it
    threading.Thread(target=end_with_parent, daemon=True).start()
    out = os.dup(1)
    os.dup2(2, 1)  # what a library prints is no answer
    try:
        answer = [fetch(*sys.argv[1:]), ""]
    except faults as error:
        answer = ["", explain(error) or first_line(error)]
    os.write(out, json.dumps(answer).encode())
    os._exit(0)  # without waiting for threads of the library
