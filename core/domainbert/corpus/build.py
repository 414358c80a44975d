"""From sources to a token store: read → steps → tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from domainbert.corpus.sources import Files, Source, read_sources, refuse_changed
from domainbert.corpus.steps import Counts, run_steps
from domainbert.corpus.store import TokenStore, open_store, read_store, write_store
from domainbert.corpus.token_units import TokenUnits
from domainbert.plugin.components import CorpusStep
from domainbert.plugin.domain import Document
from domainbert.run.session import Session
from domainbert.tokenizer.load import encode_texts, encode_with_units, fingerprint


@dataclass(frozen=True)
class Encoder:
    """Text to tokens, on all cores.

    Args:
        tokenizer: A fast tokenizer.
        units: The words or terms that masking needs; None where it needs none.
    """

    tokenizer: Any
    units: TokenUnits | None = None

    def encode(self, texts: list[str]) -> list[Any]:
        """Return token ids, or pairs of token ids and unit flags, without special tokens."""
        if self.units is None:
            return list(encode_texts(self.tokenizer, texts))
        return list(encode_with_units(self.tokenizer, texts, self.units.flags))


def build_store(
    folder: Path,
    sources: tuple[Source, ...],
    files: Files,
    steps: tuple[CorpusStep, ...],
    encoder: Encoder,
    session: Session,
) -> TokenStore:
    """Write the token store of sources into a folder, and return it.

    Args:
        folder: New or empty.
        sources: Files to read.
        files: From `describe_sources`; kept in the manifest.
        steps: From `find_steps`; their counts are kept in the manifest.
        encoder: Text to tokens.
        session: Minds signals, shows progress.

    Raises:
        DataError: A file cannot be read or changes while it is read, or the corpus is empty.
    """
    refuse_changed(sources, files)
    read, kept, counts = [0], [0], Counts()
    documents = _counted(read_sources(sources), read)
    documents = _counted(run_steps(documents, steps, counts), kept)

    def say() -> None:
        session.reporter.say(f"corpus: {read[0]:,} documents read")

    def describe() -> dict[str, Any]:
        refuse_changed(sources, files)
        steps = [
            [name, dict(+reasons)] for name, reasons in counts.items()
        ]  # a list keeps the order
        return {"sources": files, "counts": {"read": read[0], "kept": kept[0], "steps": steps}}

    return _write(folder, documents, encoder, session, describe, say)


def retokenise(folder: Path, old: Path, encoder: Encoder, session: Session) -> TokenStore:
    """Write the token store of another store's documents into a folder, and return it.

    Args:
        folder: New or empty.
        old: Folder of a store with the same documents under another tokenizer.
        encoder: Text to tokens.
        session: Minds signals.
    """
    manifest = open_store(old).manifest
    same = {key: manifest[key] for key in ("sources", "counts")}
    return _write(folder, read_store(old), encoder, session, lambda: same, lambda: None)


def _write(
    folder: Path,
    documents: Iterable[Document],
    encoder: Encoder,
    session: Session,
    describe: Callable[[], dict[str, Any]],
    say: Callable[[], None],
) -> TokenStore:
    def encode(texts: list[str]) -> list[Any]:
        session.check_stop("tokenising")
        say()
        return encoder.encode(texts)

    def whole() -> dict[str, Any]:
        return {**describe(), "tokenizer": fingerprint(encoder.tokenizer)}

    units = None if encoder.units is None else encoder.units.name
    return write_store(folder, documents, encode, len(encoder.tokenizer), whole, units)


def _counted(documents: Iterable[Document], total: list[int]) -> Iterator[Document]:
    for document in documents:
        total[0] += 1
        yield document


def corpus_line(store: TokenStore) -> str:
    """Return one line with the size of a corpus, and the counts of each step."""
    manifest = store.manifest
    sizes = (f"{manifest[key]:,} {key}" for key in ("documents", "tokens", "characters"))
    steps = "".join(
        f"; {name}: {', '.join(f'{n:,} {reason}' for reason, n in reasons.items())}"
        for name, reasons in manifest["counts"]["steps"]
        if reasons
    )
    return ", ".join(sizes) + steps
