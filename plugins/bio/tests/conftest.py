"""Fixtures of the plugin's tests."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from domainbert.pipeline.choose import load_registry


@pytest.fixture(autouse=True, scope="module")
def _plugins() -> None:
    """Load the plugins, whatever the tests of another module have loaded."""
    load_registry(())


@pytest.fixture
def samples() -> Callable[[str], list[Path]]:
    """Return the real files of a folder of `biomed/raw_samples` in `DOMAINBERT_DATA`."""

    def find(name: str) -> list[Path]:
        for folder in filter(None, os.environ.get("DOMAINBERT_DATA", "").split(os.pathsep)):
            if found := sorted(Path(folder).glob(f"biomed/raw_samples/{name}/*")):
                return found
        pytest.skip(f"DOMAINBERT_DATA names no folder with biomed/raw_samples/{name}")

    return find
