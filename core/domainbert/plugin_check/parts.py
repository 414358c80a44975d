"""Components of a plugin, run once on sample input where that is cheap."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import islice
from pathlib import Path

from domainbert.errors import DomainBertError
from domainbert.plugin.components import CorpusReader, CorpusStep
from domainbert.plugin.domain import Document, Domain
from domainbert.plugin.registry import stream
from domainbert.plugin_check.outcome import Outcome, Problem, count, outcome
from domainbert.plugin_check.subject import Subject


def check_components(subject: Subject, documents: Sequence[Document]) -> Outcome:
    """Run steps on three documents and readers on packaged files; the rest was checked on loading.

    Args:
        subject: Has the components.
        documents: Of the domain; made-up texts where it has none.
    """
    problems: list[Problem] = []
    n_runs = 0
    for part in subject.components:
        for path in _inputs(part, subject.domain):
            n_runs += 1
            try:
                for _ in islice(_output(part, path, documents), 100):
                    pass
            except DomainBertError as error:
                problems.append((str(error), "make it work on this input"))
        if isinstance(part, CorpusReader) and not all(s.startswith(".") for s in part.suffixes):
            what = f"CorpusReader {part.name!r}: suffixes {part.suffixes}"
            problems.append((what, "begin each with a dot"))
    parts = count(len(subject.components), "component")
    return outcome("components", f"{parts}, {count(n_runs, 'run')} on samples", problems)


def _inputs(part: object, domain: Domain) -> list[Path | None]:
    if isinstance(part, CorpusReader):
        files = [file for corpus in domain.corpora for file in corpus.files]
        return [f for f in files if isinstance(f, Path) and f.name.endswith(part.suffixes)]
    return [None] if isinstance(part, CorpusStep) else []


def _output(part: object, path: Path | None, documents: Sequence[Document]) -> Iterable[Document]:
    if isinstance(part, CorpusReader) and path is not None:
        return stream(part, partial(part.read, path, {}), Document, path)
    assert isinstance(part, CorpusStep)  # noqa: S101  # see _inputs
    from domainbert.testing.tiny import sample_texts

    texts = enumerate(sample_texts(3))
    sample = documents[:3] or [Document(str(n), text, "sample") for n, text in texts]
    return stream(part, partial(part.apply, sample, Counter()), Document)
