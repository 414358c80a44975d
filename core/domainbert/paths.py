"""Names of files and folders that a record can hold."""

from __future__ import annotations

from pathlib import Path

from domainbert.errors import UserError


def check_utf8(path: Path) -> None:
    """Refuse a path that has bytes which no text file of a run could hold.

    Raises:
        UserError: It is not UTF-8.
    """
    shown = str(path).encode(errors="backslashreplace").decode()
    if shown != str(path):
        raise UserError(
            f"{shown}: this name is not UTF-8, so no record of it can be kept. Rename it."
        )
