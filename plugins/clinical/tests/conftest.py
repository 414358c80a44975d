"""Fixtures of the plugin's tests."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from domainbert import Document
from domainbert.corpus.steps import find_steps, run_steps
from domainbert.pipeline.choose import load_registry

Passed = Callable[..., tuple[list[str], Any]]


@pytest.fixture
def passed() -> Passed:
    """Return what sends texts or documents through one step: to texts, and to its counts."""

    def run(step: Any, *given: str | Document) -> tuple[list[str], Any]:
        load_registry(())
        documents: Iterable[Document] = [
            Document(str(n), text, f"a:{n}") if isinstance(text, str) else text
            for n, text in enumerate(given)
        ]
        counts: dict[str, Any] = {}
        ready = find_steps([step])
        texts = [document.text for document in run_steps(documents, ready, counts)]
        return texts, counts[ready[0].record.name]

    return run


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str, str], Path]:
    """Return what writes a text to a file of a name."""

    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write
