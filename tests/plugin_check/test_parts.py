from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from domainbert import CorpusReader, CorpusStep, Domain
from domainbert.plugin.registry import Registry
from domainbert.plugin_check.parts import check_components
from domainbert.plugin_check.subject import Subject


def fail(*_: Any) -> Any:
    raise ValueError("no luck")


READ: Callable[..., Any] = lambda path, options: []  # noqa: E731


@pytest.mark.parametrize(
    ("part", "line"),
    [
        (
            CorpusStep("keep", lambda documents, _: documents),
            "ok    components: 1 component, 1 run",
        ),
        (CorpusReader("md", (".md",), fail), "ok    components: 1 component, 0 runs on samples"),
        (CorpusReader("text", (".txt",), READ), "ok    components: 1 component, 1 run on samples"),
        (CorpusReader("text", (".txt",), fail), "FAIL  components: {}/corpus.txt: CorpusReader 't"),
        (CorpusReader("md", ("md",), READ), "FAIL  components: CorpusReader 'md': suffixes ('md',"),
        (CorpusStep("drop", fail), "FAIL  components: CorpusStep 'drop' failed: ValueError: no l"),
        (CorpusStep("drop", lambda *_: ["x"]), "FAIL  components: CorpusStep 'drop' failed: TypeE"),
        (CorpusStep("drop", lambda *_: exit(3)), "FAIL  components: CorpusStep 'drop' called `sys"),
    ],
)
def test_components_are_run_on_samples(part: Any, line: str, domain: Domain, folder: Path) -> None:
    subject = Subject(domain, Registry(()), components=(part,))
    assert check_components(subject, []).line.startswith(line.format(folder))
