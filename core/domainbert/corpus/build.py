"""From sources to an open token store: read, clean, tokenise, write."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from domainbert.corpus.changed import check_described
from domainbert.corpus.clean import clean
from domainbert.corpus.sources import Source, read_sources
from domainbert.corpus.store import TokenStore, open_store, read_store, write_store
from domainbert.corpus.token_units import TokenUnits
from domainbert.run.session import Session
from domainbert.storage.stamps import refuse_other_stamps, stamps_of
from domainbert.tokenizer.load import encode_texts, encode_with_units, fingerprint


@dataclass(frozen=True)
class Encoder:
    """Text to tokens, on all cores.

    Args:
        tokenizer: A fast tokenizer.
        units: Marks the words or terms that masking needs; None where it needs none.
    """

    tokenizer: Any
    units: TokenUnits | None = None

    @property
    def units_name(self) -> str | None:
        """What is marked, for the manifest of a store."""
        return None if self.units is None else self.units.name

    def encode(self, texts: list[str]) -> list[Any]:
        """Return token ids, or pairs of token ids and unit flags, without special tokens."""
        if self.units is None:
            return list(encode_texts(self.tokenizer, texts))
        return list(encode_with_units(self.tokenizer, texts, self.units.mark))


def build_store(
    folder: Path,
    sources: tuple[Source, ...],
    files: list[dict[str, Any]],
    encoder: Encoder,
    session: Session,
) -> TokenStore:
    """Write a token store from sources.

    Args:
        folder: Becomes the store.
        sources: Files to read.
        files: From `describe_sources`; kept in the manifest.
        encoder: Text to tokens.
        session: Minds signals, shows progress.

    Raises:
        DataError: A file cannot be read or changes while it is read, or the corpus is empty.
    """
    before = stamps_of(source.path for source in sources)
    check_described(sources, files)
    counts: Counter[str] = Counter()

    def encode(texts: list[str]) -> list[Any]:
        session.check_stop("tokenising")
        session.reporter.say(f"corpus: {counts['read']:,} documents read")
        return encoder.encode(texts)

    def describe() -> dict[str, Any]:
        refuse_other_stamps(before, "read")
        return {
            "sources": files,
            "counts": dict(counts),
            "tokenizer": fingerprint(encoder.tokenizer),
        }

    documents = clean(read_sources(sources), counts)
    return write_store(
        folder, documents, encode, len(encoder.tokenizer), describe, encoder.units_name
    )


def retokenise(folder: Path, old: Path, encoder: Encoder, session: Session) -> TokenStore:
    """Write a token store from the documents of another.

    Args:
        folder: Becomes the store.
        old: Folder of a store with the same documents under another tokenizer.
        encoder: Text to tokens.
        session: Minds signals.
    """
    manifest = open_store(old).manifest
    kept = {key: manifest[key] for key in ("sources", "counts")}

    def encode(texts: list[str]) -> list[Any]:
        session.check_stop("tokenising")
        return encoder.encode(texts)

    def describe() -> dict[str, Any]:
        return {**kept, "tokenizer": fingerprint(encoder.tokenizer)}

    return write_store(
        folder, read_store(old), encode, len(encoder.tokenizer), describe, encoder.units_name
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
