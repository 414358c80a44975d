from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from domainbert.plugin.registry import load_plugins


@pytest.fixture(autouse=True)
def plugins() -> Iterator[None]:
    """Load the plugins of this folder."""
    load_plugins(sorted(Path(__file__).parent.joinpath("plugins").glob("*.py")))
    yield
    load_plugins()
