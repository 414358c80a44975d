"""From sources to a token store: read → steps → tokens."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from domainbert.corpus.parts import Parts
from domainbert.corpus.sources import Files, Source, read_sources, refuse_changed
from domainbert.corpus.steps import Counts, ReadyStep, run_steps
from domainbert.corpus.store import Encode, TokenStore, open_store, read_store, write_store
from domainbert.corpus.token_units import TokenUnits
from domainbert.errors import DataError
from domainbert.plugin.domain import Document
from domainbert.run.session import Session
from domainbert.storage.files import write_text
from domainbert.tokenizer.load import encode_texts, encode_with_units, fingerprint

DROPPED = "dropped.jsonl"
"""Beside the store: the first documents that each step dropped, three per reason."""
_SHOWN = 300
_LOOK = 1000


@dataclass(frozen=True)
class Encoder:
    """Text to tokens, on all cores.

    Args:
        tokenizer: A fast tokenizer.
        units: The words or terms that masking needs; None where it needs none.
    """

    tokenizer: Any
    units: TokenUnits | None = None

    @property
    def unit_name(self) -> str | None:
        """Name of the units."""
        return None if self.units is None else self.units.name

    def encode(self, texts: list[str]) -> list[Any]:
        """Return token ids, or pairs of token ids and unit flags, without special tokens."""
        if self.units is None:
            return list(encode_texts(self.tokenizer, texts))
        return list(encode_with_units(self.tokenizer, texts, self.units.flags))


def build_store(
    folder: Path,
    sources: tuple[Source, ...],
    files: Files,
    steps: tuple[ReadyStep, ...],
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
    counts: Counts = {}
    seen = Counter[str]()

    def kept(look: Look) -> Iterator[Document]:
        return run_steps(_counted(read_sources(sources), seen, look), steps, counts)

    flow = _Flow(kept, encoder.encode, counts, seen)
    return _write(folder, (sources, files), flow, encoder, session)


def build_from_parts(
    folder: Path, parts: Parts, files: Files, encoder: Encoder, session: Session
) -> TokenStore:
    """Write the token store of parts that are whole into a folder, and return it.

    Arguments and errors are those of `build_store`.
    """
    counts, read = parts.counts()
    flow = _Flow(lambda _: parts.documents(), parts.encode(), counts, Counter(read=read))
    return _write(folder, (parts.sources, files), flow, encoder, session)


Look = Callable[[str], None]
"""Called with what is done, again and again: looks for signals, shows progress."""


@dataclass(frozen=True)
class _Flow:
    """Where documents and tokens come from.

    Args:
        kept: Called with `Look`; yields what all steps leave.
        encode: Texts of these to tokens.
        counts: Of the steps; whole when `kept` ends.
        seen: Counts `read` documents and `unknown` tokens.
    """

    kept: Callable[[Look], Iterator[Document]]
    encode: Encode
    counts: Counts
    seen: Counter[str]


def _write(
    folder: Path,
    described: tuple[tuple[Source, ...], Files],
    flow: _Flow,
    encoder: Encoder,
    session: Session,
) -> TokenStore:
    seen, no_token = flow.seen, encoder.tokenizer.unk_token_id
    refuse_changed(*described)

    def look(where: str) -> None:
        session.check_stop(where)
        said = f"{seen['read']:,} documents read"
        bar.update(seen["read"], said, f"corpus: {said}")

    def encode(texts: list[str]) -> list[Any]:
        look("tokenising")
        encoded = flow.encode(texts)
        for row in encoded:
            seen["unknown"] += (row if encoder.units is None else row[0]).count(no_token)
        return encoded

    def describe(totals: Mapping[str, int]) -> dict[str, Any]:
        refuse_changed(*described)
        check_unknown(seen["unknown"], totals["tokens"])
        write_text(folder.parent / DROPPED, "".join(_examples(flow.counts)))
        numbers = {"read": seen["read"], "kept": totals["documents"], **_by_step(flow.counts)}
        numbers["unknown_tokens"] = seen["unknown"]
        about = {"sources": described[1], "counts": numbers}
        return about | {"tokenizer": fingerprint(encoder.tokenizer)}

    with session.reporter.bar("corpus") as bar:
        size = len(encoder.tokenizer)
        return write_store(folder, flow.kept(look), encode, size, describe, encoder.unit_name)


def _counted(documents: Iterator[Document], seen: Counter[str], look: Look) -> Iterator[Document]:
    """Yield documents and count them as `read`; look for signals, as a step may keep them long."""
    for document in documents:
        seen["read"] += 1
        if seen["read"] % _LOOK == 0:
            look("reading the corpus")
        yield document


def _by_step(counts: Counts) -> dict[str, Any]:
    """Return the reasons of each step, in order, and how many documents it dropped."""
    reasons = [[name, drops.reasons] for name, drops in counts.items()]
    return {"steps": reasons, "dropped": {name: drops.dropped for name, drops in counts.items()}}


def _examples(counts: Counts) -> Iterator[str]:
    """Yield a line of JSON for each example of a document that a step dropped."""
    for name, drops in counts.items():
        for reason, document, note in drops.examples:
            about = {"step": name, "reason": reason, "note": note, "id": document.id}
            item = {**about, "source": document.source, "text": document.text[:_SHOWN]}
            yield json.dumps(item, ensure_ascii=True) + "\n"


def check_unknown(unknown: int, tokens: int) -> None:
    """Refuse a corpus of which the tokenizer knows nothing.

    Raises:
        DataError: Every token is the unknown token.
    """
    if tokens and unknown == tokens:
        raise DataError(
            "The tokenizer of the base knows no character of the corpus: all tokens are unknown. "
            "Take a base for the language and script of the texts."
        )


def retokenise(folder: Path, old: Path, encoder: Encoder, session: Session) -> TokenStore:
    """Write the token store of another store's documents into a folder, and return it.

    Args:
        folder: New or empty.
        old: Folder of a store with the same documents under another tokenizer.
        encoder: Text to tokens.
        session: Minds signals.
    """
    manifest = open_store(old).manifest
    facts = {key: manifest[key] for key in ("sources", "counts")}
    facts["tokenizer"] = fingerprint(encoder.tokenizer)

    done, size = 0, len(encoder.tokenizer)

    def encode(texts: list[str]) -> list[Any]:
        nonlocal done
        session.check_stop("tokenising")
        done += len(texts)
        bar.update(done)
        return encoder.encode(texts)

    with session.reporter.bar("extended vocabulary", manifest["documents"]) as bar:
        return write_store(
            folder, read_store(old), encode, size, lambda _: facts, encoder.unit_name
        )


def corpus_line(store: TokenStore) -> str:
    """Return one line with the size of a corpus, and the counts of each step."""
    manifest = store.manifest
    sizes = (f"{manifest[key]:,} {key}" for key in ("documents", "tokens", "characters"))
    steps = "".join(
        f"; {name}: {', '.join(f'{n:,} {why}'.replace('_', ' ') for why, n in reasons.items())}"
        for name, reasons in manifest["counts"]["steps"]
        if reasons
    )
    unknown = manifest["counts"].get("unknown_tokens", 0) / max(1, manifest["tokens"])
    said = f"; {unknown:.0%} of the tokens are unknown to the tokenizer" if unknown > 0.01 else ""
    if unknown > 0.5:
        said += ": take a base for the language and script of the texts"
    return ", ".join(sizes) + steps + said
