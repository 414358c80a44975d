"""Fixtures that tests of plugins import: real files, and files with a given content."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def real() -> Callable[[str], Path]:
    """Find a real file by the end of its path in the folders of `DOMAINBERT_DATA`."""

    def find(ending: str) -> Path:
        for folder in filter(None, os.environ.get("DOMAINBERT_DATA", "").split(os.pathsep)):
            for path in sorted(Path(folder).rglob(Path(ending).name)):
                if path.as_posix().endswith(ending):
                    return path
        pytest.skip(f"DOMAINBERT_DATA names no folder with {ending}")

    return find


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write text, or bytes, to a file."""

    def make(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return make
