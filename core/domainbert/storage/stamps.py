"""Whether files in use are still those that were opened, without reading them again."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from domainbert.errors import DataError

Stamp = tuple[int, int, int]
"""Number, size and time of a file; another content has another one."""


def stamps_of(paths: Iterable[Path]) -> dict[Path, Stamp]:
    """Return the stamps of files that exist."""
    return {path: _stamp(path) for path in paths}


def refuse_other_stamps(before: dict[Path, Stamp], doing: str) -> None:
    """Refuse files that were changed, replaced or removed since their stamps were taken.

    Args:
        before: From `stamps_of`.
        doing: What was done with the files in the meantime.

    Raises:
        DataError: Naming the first of them.
    """
    for path, stamp in before.items():
        if not path.exists() or _stamp(path) != stamp:
            cure = "Run again when nothing writes to it."
            raise DataError(f"{path}: was changed while it was {doing}. {cure}")


def _stamp(path: Path) -> Stamp:
    stat = path.stat()
    return stat.st_ino, stat.st_size, stat.st_mtime_ns
