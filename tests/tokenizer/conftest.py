"""A tiny tokenizer whose entries collide: letters, their continuations and a few beginnings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from domainbert.model.load import LoadedModel
from domainbert.recipe.sections import VocabularySection
from domainbert.tokenizer.candidates import Candidates, find_candidates
from domainbert.tokenizer.extend import Extension, build_extension
from domainbert.tokenizer.wordpiece import open_words

# Beginnings, a word inside a longer one, and free slots.
KNOWN = ("ab", "##ab", "##ba", "abba", "fen", "de", "##zy", "[unused0]", "[unused2]", "[unused1]")


@pytest.fixture(scope="session")
def make_base(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Write a tiny checkpoint of a family once, or anew with other words or without a head."""
    from domainbert.testing import tiny_checkpoint

    made: dict[tuple[Any, ...], Path] = {}

    def make(family: str = "bert", with_head: bool = True) -> Path:
        key = (family, with_head)
        if key not in made:
            folder = tmp_path_factory.mktemp(family)
            made[key] = tiny_checkpoint(folder, family, with_head, KNOWN)
        return made[key]

    return make


@pytest.fixture(scope="session")
def load(make_base: Callable[..., Path]) -> Callable[..., LoadedModel]:
    """Load a tiny checkpoint anew."""
    from domainbert.model.load import find_base, load_masked_lm

    def load(family: str = "bert", with_head: bool = True) -> LoadedModel:
        return load_masked_lm(find_base(str(make_base(family, with_head)), Path()), seed=0)

    return load


@pytest.fixture(scope="session")
def plain(load: Callable[..., LoadedModel]) -> Any:
    """The tokenizer of a tiny BERT; not to be changed."""
    return load().tokenizer


@pytest.fixture(scope="session")
def candidates(plain: Any) -> Callable[..., Candidates]:
    """Find the candidates of counted words."""

    def find(counts: dict[str, int], terms: tuple[str, ...] = (), least: int | None = 1) -> Any:
        return find_candidates(open_words(plain), Counter(counts), terms, least)

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
