"""A tiny tokenizer whose entries collide: letters, their continuations and a few beginnings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from domainbert.model.load import LoadedModel, find_base, load_masked_lm
from domainbert.recipe.sections import VocabularySection
from domainbert.testing import tiny_checkpoint
from domainbert.tokenizer.candidates import Candidates, find_candidates
from domainbert.tokenizer.extend import Extension, build_extension

# Beginnings, a word inside a longer one, and free slots.
KNOWN = ("ab", "##ab", "##ba", "abba", "fen", "de", "##zy", "[unused0]", "[unused2]", "[unused1]")


@pytest.fixture(scope="session")
def make_base(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Write a tiny checkpoint of a family once."""
    return cache(
        lambda family: tiny_checkpoint(tmp_path_factory.mktemp(family), family, True, KNOWN)
    )


@pytest.fixture(scope="session")
def load(make_base: Callable[[str], Path]) -> Callable[..., LoadedModel]:
    """Load a tiny checkpoint, not a cached one."""
    return lambda family="bert": load_masked_lm(find_base(str(make_base(family)), Path()), 0)


@pytest.fixture(scope="session")
def plain(load: Callable[..., LoadedModel]) -> Any:
    """The tokenizer of a tiny BERT; not to be changed."""
    return load().tokenizer


@pytest.fixture(scope="session")
def candidates(plain: Any) -> Callable[..., Candidates]:
    """Find the candidates of counted words."""

    def find(counts: dict[str, int], terms: tuple[str, ...] = (), least: int | None = 1) -> Any:
        return find_candidates(plain, Counter(counts), terms, least)

    return find


@pytest.fixture(scope="session")
def extend(plain: Any) -> Callable[..., tuple[Any, Extension]]:
    """Extend a tokenizer by the best entries for counted words."""

    def extend(
        counts: dict[str, int], size: int = 1000, slots: str = "grow", tokenizer: Any = plain
    ) -> tuple[Any, Extension]:
        section = VocabularySection(size=size, slots=slots, min_frequency=1)
        extension, extended = build_extension(tokenizer, Counter(counts), (), section)
        return extended, extension

    return extend
