"""The command that continues a stopped command."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

from domainbert.run.folder import RunFolder
from domainbert.run.heartbeat import is_worker

_AS_MODULE = ("domainbert", "__main__.py")


def continue_command(out: Path, processes: int = 1) -> str:
    """Return the command that continues the run of a folder, in a rank with all processes."""
    processes = int(os.environ["WORLD_SIZE"]) if is_worker() else processes
    several = f" --processes {processes}" if processes > 1 else ""
    return f"domainbert adapt {shlex.quote(str(out))}{several}"


def next_command(run: RunFolder, short: str = "") -> str:
    """Return a command that continues this one.

    Args:
        run: The folder that is written to.
        short: What continues it from its folder alone, if anything does.
    """
    program, *words = sys.argv
    # The folder does not know of files that were named as plugins.
    if short and run.lock.is_file() and not any(word.startswith("--plugin") for word in words):
        return short
    is_ours = Path(program).name == "domainbert" or Path(program).parts[-2:] == _AS_MODULE
    return shlex.join(["domainbert", *words]) if is_ours else "the same command"
