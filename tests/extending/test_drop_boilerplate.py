"""A corpus step of a plugin: named in `corpus_steps:`, with its counts."""

from __future__ import annotations

from collections import Counter

from domainbert import Document
from domainbert.corpus.steps import Counts, find_steps, run_steps


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
