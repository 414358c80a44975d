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
from domainbert.corpus.token_units import TokenUnits
from domainbert.errors import DataError
from domainbert.run.session import Session
from domainbert.storage.stamps import refuse_other_stamps, stamps_of
from domainbert.tokenizer.load import encode_texts, encode_with_units, fingerprint


def build_store(
    session: Session, sources: Iterable[Source], tokenizer: Any, marker: TokenUnits | None = None
) -> TokenStore:
    """Open the run's token store, writing it first if it is not there.

    Args:
        session: Gives the folder; told the counts.
        sources: Files to read.
        tokenizer: A fast tokenizer; it uses all cores.
        marker: Marks what masking needs; None where it needs nothing.

    Raises:
        DataError: A file cannot be read, the corpus is empty, or a store that is there was made
            with another tokenizer or marks something else.
    """
    folder, reporter = session.run.corpus, session.reporter
    if is_store(folder):
        store = _opened(folder, tokenizer, marker)
        refuse_changed(folder, store.manifest["sources"], sources)
        return store
    found = tuple(sources)
    before = stamps_of(source.path for source in found)
    counts: Counter[str] = Counter()

    def encode(texts: list[str]) -> list[Any]:
        session.check_stop("tokenising")
        reporter.say(f"corpus: {counts['read']:,} documents read")
        return _encode(tokenizer, texts, marker)

    def describe() -> dict[str, Any]:
        refuse_other_stamps(before, "read")  # one that is gone has no hash
        files = describe_sources(found)
        refuse_other_stamps(before, "read")
        return {"sources": files, "counts": dict(counts), "tokenizer": fingerprint(tokenizer)}

    documents = clean(read_sources(found), counts)
    store = write_store(folder, documents, encode, len(tokenizer), describe, _name(marker))
    reporter.say("corpus: " + corpus_line(store))
    return store


def retokenise(
    session: Session, old: Path, tokenizer: Any, marker: TokenUnits | None = None
) -> TokenStore:
    """Open the run's token store, writing it first from the documents of another store.

    Args:
        session: Gives the folder.
        old: Folder of a store with the same documents under another tokenizer.
        tokenizer: A fast tokenizer; it uses all cores.
        marker: As for `build_store`.
    """
    if is_store(session.run.corpus):
        return _opened(session.run.corpus, tokenizer, marker)
    manifest = open_store(old).manifest
    told = {key: manifest[key] for key in ("sources", "counts")}

    def encode(texts: list[str]) -> list[Any]:
        session.check_stop("tokenising")
        return _encode(tokenizer, texts, marker)

    def describe() -> dict[str, Any]:
        return {**told, "tokenizer": fingerprint(tokenizer)}

    store = write_store(
        session.run.corpus, read_store(old), encode, len(tokenizer), describe, _name(marker)
    )
    session.reporter.say("corpus, extended vocabulary: " + corpus_line(store))
    return store


def _opened(folder: Path, tokenizer: Any, marker: TokenUnits | None) -> TokenStore:
    store = open_store(folder)
    if store.manifest["tokenizer"] != fingerprint(tokenizer):
        raise DataError(f"{folder}: was tokenised by another tokenizer. Name another --out.")
    _check_marks(folder, store, marker)
    return store


def _encode(tokenizer: Any, texts: list[str], marker: TokenUnits | None) -> list[Any]:
    if marker is None:
        return list(encode_texts(tokenizer, texts))
    return list(encode_with_units(tokenizer, texts, marker.mark))


def _name(marker: TokenUnits | None) -> str | None:
    return None if marker is None else marker.name


def _check_marks(folder: Path, store: TokenStore, marker: TokenUnits | None) -> None:
    # A recipe stays with its run folder, so it is the domain's list that has changed since.
    if store.manifest.get("marks") != _name(marker):
        raise DataError(
            f"{folder}: its tokens are marked as {store.manifest.get('marks') or 'nothing'}, the "
            f"recipe needs {_name(marker) or 'nothing'}. The terms of the domain were changed "
            "since the folder was written: restore them, or name another --out."
        )


def corpus_line(store: TokenStore) -> str:
    """Return one line on what was read, kept and dropped."""
    counts = store.manifest["counts"]
    dropped = [f"{counts[key]:,} {key}" for key in ("empty", "repeated") if counts.get(key)]
    text = (
        f"{store.manifest['documents']:,} documents, {store.manifest['tokens']:,} tokens, "
        f"{store.manifest['characters']:,} characters"
    )
    return f"{text}; dropped: {', '.join(dropped)}" if dropped else text
