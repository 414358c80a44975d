"""The command that continues what was stopped."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from domainbert.run.folder import RunFolder

_AS_MODULE = ("domainbert", "__main__.py")


def continue_command(out: Path, processes: int) -> str:
    """Return the command that continues the run of a folder."""
    several = f" --processes {processes}" if processes > 1 else ""
    return f"domainbert adapt {shlex.quote(str(out))}{several}"


def next_command(run: RunFolder, short: str = "") -> str:
    """Return a command that continues what was stopped, as things stand now.

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
