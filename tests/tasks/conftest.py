"""What the tests of tasks share: tiny checkpoints and their tokenizers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def family_folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a tiny checkpoint with a head, one for each family."""
    import torch

    from domainbert.testing import tiny_checkpoint

    # Models this small are slower on several threads than on one.
    torch.set_num_threads(1)
    folders: dict[str, Path] = {}

    def find(family: str) -> Path:
        if family not in folders:
            folders[family] = tiny_checkpoint(tmp_path_factory.mktemp(family), family)
        return folders[family]

    return find


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
