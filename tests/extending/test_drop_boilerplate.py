"""A corpus step of a plugin: named in `corpus_steps:`, with counts of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from domainbert import Document
from domainbert.corpus.steps import Counts, find_steps, run_steps
from domainbert.errors import RecipeError
from domainbert.plugin.registry import load_plugins


@pytest.fixture(autouse=True)
def plugin() -> Iterator[None]:
    load_plugins([Path(__file__).parent / "plugins" / "drop_boilerplate.py"])
    yield
    load_plugins()


def test_lines_of_many_documents_go_and_are_counted() -> None:
    texts = ["Menu\none", "Menu \ntwo", "Menu\nthree", "Menu\nfour", "Menu"]
    documents = (Document(str(n), text, f"s:{n}") for n, text in enumerate(texts))
    counts: Counts = {}
    steps = find_steps(["normalise", "drop-boilerplate", "exact-duplicates"])
    kept = [document.text for document in run_steps(documents, steps, counts)]
    assert kept == ["Menu\none", "Menu\ntwo", "Menu\nthree", "four"]
    assert counts == {
        "normalise": Counter(),
        "drop-boilerplate": Counter({"boilerplate lines": 2, "empty": 1}),
        "exact-duplicates": Counter(),
    }


def test_an_unknown_step_is_refused_with_the_name_that_was_meant() -> None:
    with pytest.raises(RecipeError, match=r"^corpus_steps\.1: .*Did you mean 'drop-boilerplate'"):
        find_steps(["normalise", "drop-boilerplates"])
