"""A corpus built in parts, which can run at the same time, on several machines, and again.

    read/00000/      per file: its documents after the steps that look at each one alone
    joined/          blocks of the documents that all steps leave, in order
    tokens/00000/    per block: its tokens

With the documents of `read` and `joined` are the counts of the steps. A folder has its name when it
is whole, so that a part that was killed is made again and the others stay. The store that is made
of them is, byte for byte, the one that is made without them.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from domainbert.batching import batched
from domainbert.corpus.sources import Source, read_sources
from domainbert.corpus.steps import Counts, ReadyStep, run_steps
from domainbert.corpus.steps.spool import from_line, to_line
from domainbert.corpus.store import DOCUMENTS_PER_BATCH, Encode
from domainbert.errors import DataError
from domainbert.plugin.domain import Document
from domainbert.plugin.steps import Drops
from domainbert.storage.files import folder_in_place, read_json, write_text

BLOCK = 10 * DOCUMENTS_PER_BATCH
"""Documents per block."""

_COUNTS, _DOCUMENTS, _TOKENS = "counts.json", "documents.jsonl", "tokens.arrow"
_LISTS = [("ids", pa.large_list(pa.uint32())), ("units", pa.large_list(pa.uint8()))]


@dataclass(frozen=True)
class Parts:
    """The parts of one corpus.

    Args:
        folder: Where they are, for one recipe and one state of the files.
        sources: Files of the corpus, in order.
        steps: All its steps.
    """

    folder: Path
    sources: tuple[Source, ...]
    steps: tuple[ReadyStep, ...]

    @property
    def joined(self) -> Path:
        """Folder of the blocks."""
        return self.folder / "joined"

    @property
    def n_apart(self) -> int:
        """Number of steps at the beginning that look at each document alone."""
        together = (n for n, step in enumerate(self.steps) if not step.record.apart)
        return next(together, len(self.steps))

    def read(self, number: int) -> None:
        """Read one file, if that is not done."""
        target, counts, seen = self._part("read", number), Counts(), Counter[str]()
        if target.exists():
            return

        def documents() -> Iterator[Document]:
            for document in read_sources([self.sources[number]]):
                seen["read"] += 1
                yield document

        with folder_in_place(target) as folder:
            kept = run_steps(documents(), self.steps[: self.n_apart], counts)
            _write(folder / _DOCUMENTS, kept)
            _write_counts(folder, {"read": seen["read"], "steps": _described(counts)})

    def join(self) -> None:
        """Put the parts together and run the other steps, if that is not done."""
        if self.joined.exists():
            return
        counts, n_blocks = Counts(), 0
        with folder_in_place(self.joined) as folder:
            kept = run_steps(self._documents_read(), self.steps[self.n_apart :], counts)
            for block in batched(kept, BLOCK):
                _write(folder / f"{n_blocks:05d}.jsonl", block)
                n_blocks += 1
            _write_counts(folder, {"read": 0, "steps": _described(counts), "blocks": n_blocks})

    def tokenise(self, number: int, encode: Encode) -> None:
        """Tokenise one block, if that is not done."""
        target = self._part("tokens", number)
        if target.exists():
            return
        documents = _read(self.joined / f"{number:05d}.jsonl")
        schema = pa.schema(_LISTS)
        with (
            folder_in_place(target) as folder,
            pa.ipc.new_stream(str(folder / _TOKENS), schema) as writer,
        ):
            for batch in batched(documents, DOCUMENTS_PER_BATCH):
                rows = encode([document.text for document in batch])
                # With units a row is a pair.
                pairs = [row if isinstance(row, tuple) else (row, None) for row in rows]
                columns = map(list, zip(*pairs, strict=True))
                arrays = [pa.array(c, kind) for c, kind in zip(columns, schema.types, strict=True)]
                writer.write_batch(pa.record_batch(arrays, schema))

    def n_blocks(self) -> int:
        """Return the number of blocks; they have to be joined."""
        return int(read_json(self.joined / _COUNTS)["blocks"])

    def is_whole(self) -> bool:
        """Return whether nothing is left to be done."""
        return self.joined.exists() and all(
            self._part("tokens", number).exists() for number in range(self.n_blocks())
        )

    def documents(self) -> Iterator[Document]:
        """Yield the documents that all steps leave."""
        for number in range(self.n_blocks()):
            yield from _read(self.joined / f"{number:05d}.jsonl")

    def encode(self) -> Encode:
        """Return what gives the tokens of the texts of `documents`, asked for in their order."""
        rows = self._rows()
        return lambda texts: list(islice(rows, len(texts)))

    def counts(self) -> tuple[Counts, int]:
        """Return the counts of all steps, and the number of documents read."""
        counts, read = {step.record.name: Drops() for step in self.steps}, 0
        parts = [self._part("read", number) for number in range(len(self.sources))]
        for folder in (*parts, self.joined):
            found = read_json(folder / _COUNTS)
            read += found["read"]
            for name, item in found["steps"].items():
                _add(counts[name], item)
        return counts, read

    def _part(self, stage: str, number: int) -> Path:
        return self.folder / stage / f"{number:05d}"

    def _documents_read(self) -> Iterator[Document]:
        for number, source in enumerate(self.sources):
            folder = self._part("read", number)
            if not folder.exists():
                raise DataError(f"{source.path}: this part of the corpus is not read yet.")
            yield from _read(folder / _DOCUMENTS)

    def _rows(self) -> Iterator[Any]:
        for number in range(self.n_blocks()):
            with pa.ipc.open_stream(str(self._part("tokens", number) / _TOKENS)) as reader:
                for batch in reader:
                    ids, units = (column.to_pylist() for column in batch.columns)
                    yield from ids if batch["units"].null_count else zip(ids, units, strict=True)


def _write(path: Path, documents: Iterable[Document]) -> None:
    with path.open("w", encoding="utf-8") as stream:
        for document in documents:
            stream.write(to_line(document))


def _read(path: Path) -> Iterator[Document]:
    with path.open(encoding="utf-8") as lines:
        yield from map(from_line, lines)


def _write_counts(folder: Path, about: Mapping[str, Any]) -> None:
    write_text(folder / _COUNTS, json.dumps(about))  # ASCII: examples may hold half a surrogate


def _described(counts: Counts) -> dict[str, Any]:
    return {
        name: {
            "counts": dict(drops), "once": drops.once, "dropped": drops.dropped,
            "examples": [[why, list(vars(d).values()), note] for why, d, note in drops.examples],
        }
        for name, drops in counts.items()
    }  # fmt: skip


def _add(drops: Drops, found: dict[str, Any]) -> None:
    """Add the counts of a part to those of the parts before it."""
    for reason, document, note in found["examples"]:
        drops.keep(Document(*document), reason, note)
    drops.update(found["counts"])
    drops.once.update(found["once"])
    drops.dropped += found["dropped"]
