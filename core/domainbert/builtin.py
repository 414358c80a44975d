"""The components of core, declared by the hook that plugins use."""

from __future__ import annotations

from collections.abc import Iterator

from domainbert.plugin.components import Component, CorpusReader, CorpusStep
from domainbert.plugin.hookspecs import hookimpl


@hookimpl
def domainbert_components() -> Iterator[Component]:
    """Yield the built-in task kinds, metrics, baselines, readers, steps and objectives."""
    yield from _corpus()


def _corpus() -> Iterator[CorpusReader | CorpusStep]:
    from domainbert.corpus import read
    from domainbert.corpus.steps.exact_duplicates import drop_exact_duplicates
    from domainbert.corpus.steps.normalise import normalise_documents

    yield CorpusReader("txt", (".txt",), read.read_txt)
    yield CorpusReader("jsonl", (".jsonl",), read.read_jsonl)
    yield CorpusReader("csv", (".csv",), read.read_csv)
    yield CorpusReader("parquet", (".parquet",), read.read_parquet)
    yield CorpusStep("normalise", normalise_documents)
    yield CorpusStep("exact-duplicates", drop_exact_duplicates)
