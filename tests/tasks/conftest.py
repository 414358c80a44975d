"""What the tests of tasks share: tiny checkpoints and their tokenizers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def tokenizer_of(family_folder: Callable[[str], Path]) -> Callable[[str], Any]:
    """The tokenizer of a family, loaded once."""
    from domainbert.tokenizer.load import load_tokenizer

    loaded: dict[str, Any] = {}

    def find(family: str) -> Any:
        if family not in loaded:
            loaded[family] = load_tokenizer(family_folder(family))
        return loaded[family]

    return find
