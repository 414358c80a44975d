"""From sources to an open token store: read, clean, tokenise, write."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from domainbert.corpus.changed import describe_sources, refuse_changed
from domainbert.corpus.clean import clean
from domainbert.corpus.sources import Source, read_sources
from domainbert.corpus.store import TokenStore, is_store, open_store, read_store, write_store
from domainbert.errors import DataError
from domainbert.session import Session
from domainbert.tokenizer import encode_texts, fingerprint


def build_store(session: Session, sources: Iterable[Source], tokenizer: Any) -> TokenStore:
    """Open the run's token store, writing it first if it is not there.

    Args:
        session: Gives the folder; told the counts.
        sources: Files to read.
        tokenizer: A fast tokenizer; it uses all cores.

    Raises:
        DataError: A file cannot be read, the corpus is empty, or a store that is there was made
            with another tokenizer.
    """
    folder, reporter = session.run.corpus, session.reporter
    if is_store(folder):
        store = _opened(folder, tokenizer)
        refuse_changed(folder, store.manifest["sources"], sources)
        return store
    found = tuple(sources)
    counts: Counter[str] = Counter()

    def encode(texts: list[str]) -> list[list[int]]:
        session.check_stop("tokenising")
        reporter.say(f"corpus: {counts['read']:,} documents read")
        return encode_texts(tokenizer, texts)

    def describe() -> dict[str, Any]:
        files = describe_sources(found)
        return {"sources": files, "counts": dict(counts), "tokenizer": fingerprint(tokenizer)}

    documents = clean(read_sources(found), counts)
    store = write_store(folder, documents, encode, len(tokenizer), describe)
    reporter.say("corpus: " + corpus_line(store))
    return store


def retokenise(session: Session, old: Path, tokenizer: Any) -> TokenStore:
    """Open the run's token store, writing it first from the documents of another store.

    Args:
        session: Gives the folder.
        old: Folder of a store with the same documents under another tokenizer.
        tokenizer: A fast tokenizer; it uses all cores.
    """
    if is_store(session.run.corpus):
        return _opened(session.run.corpus, tokenizer)
    manifest = open_store(old).manifest
    told = {key: manifest[key] for key in ("sources", "counts")}

    def encode(texts: list[str]) -> list[list[int]]:
        session.check_stop("tokenising")
        return encode_texts(tokenizer, texts)

    def describe() -> dict[str, Any]:
        return {**told, "tokenizer": fingerprint(tokenizer)}

    store = write_store(session.run.corpus, read_store(old), encode, len(tokenizer), describe)
    session.reporter.say("corpus, extended vocabulary: " + corpus_line(store))
    return store


def _opened(folder: Path, tokenizer: Any) -> TokenStore:
    store = open_store(folder)
    if store.manifest["tokenizer"] != fingerprint(tokenizer):
        raise DataError(f"{folder}: was tokenised by another tokenizer. Name another --out.")
    return store


def corpus_line(store: TokenStore) -> str:
    """Return one line on what was read, kept and dropped."""
    counts = store.manifest["counts"]
    dropped = [f"{counts[key]:,} {key}" for key in ("empty", "repeated") if counts.get(key)]
    text = (
        f"{store.manifest['documents']:,} documents, {store.manifest['tokens']:,} tokens, "
        f"{store.manifest['characters']:,} characters"
    )
    return f"{text}; dropped: {', '.join(dropped)}" if dropped else text
