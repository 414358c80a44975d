"""Vectors of texts, by sentence-transformers: a batch at a time, into a file that grows."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from domainbert.batching import batched
from domainbert.corpus.sources import Source, read_sources
from domainbert.errors import DataError, RecipeError
from domainbert.model.load import BaseFolder, find_base
from domainbert.model.sentence_encoder import SentenceEncoder
from domainbert.plugin.domain import Document
from domainbert.run.folder import RunFolder
from domainbert.run.session import Session
from domainbert.run.stage import read_stage
from domainbert.storage.files import make_folder, put_in_place, storage_errors

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CHUNK = 1024
"""Documents that are encoded together, sorted by length, and written together."""
Write = Callable[[list[Document], "NDArray[np.float32]"], None]
"""Documents and their vectors (N, H), to the end of a file."""


def find_encoder(target: str) -> BaseFolder:
    """Return the place of an encoder: that of a run, a folder, a package or one of the hub.

    Raises:
        BaseModelError: There is none.
    """
    run = RunFolder(Path(target))
    if not run.lock.is_file():
        return find_base(target, Path())
    trained, blend = read_stage(run.sentences) or {}, read_stage(run.path / "blend") or {}
    is_current = trained.get("done") and trained["facts"].get("model") == blend.get("key")
    return find_base(str(run.sentences / "model" if is_current else run.model), Path())


def check_output(path: Path) -> None:
    """Refuse an output of another format, or one that is there.

    Raises:
        RecipeError: With what to name instead.
    """
    if path.suffix not in _WRITERS:
        raise RecipeError(f"{path}: expected a name that ends with {' or '.join(_WRITERS)}.")
    if path.exists():
        raise RecipeError(f"{path}: is there already. Name another file with -o.")


def embed(
    encoder: SentenceEncoder, sources: tuple[Source, ...], path: Path, session: Session
) -> tuple[int, int]:
    """Write a vector per document, in their order; nothing is left of a call that fails.

    Args:
        encoder: The model.
        sources: Files of texts.
        path: `.parquet` with the columns `id` and `vector`, or `.npy` with float32 (N, H).
        session: Progress and stop signal.

    Returns:
        How many texts there are, and how many of them are longer than the model's window, of which
        only the beginning was read.

    Raises:
        DataError: A file cannot be read, or there is no text.
        Stopped: A signal.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    texts = cut = 0
    try:
        with storage_errors(path):
            make_folder(path.parent)
            with (
                _WRITERS[path.suffix](beside, encoder.size) as write,
                session.reporter.bar("embed") as bar,
            ):
                for chunk in batched(read_sources(sources), CHUNK):
                    session.check_stop("embedding", "nothing was written")
                    vectors_NH, n_cut = encoder.encode([document.text for document in chunk])
                    write(chunk, vectors_NH)
                    texts, cut = texts + len(chunk), cut + n_cut
                    bar.update(texts, said := f"{texts:,} texts", f"embed: {said}")
            if not texts:
                raise DataError("no text: the files have no documents.")
            put_in_place(beside, path)
    finally:
        beside.unlink(missing_ok=True)
    return texts, cut


@contextmanager
def _parquet(path: Path, size: int) -> Iterator[Write]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([("id", pa.string()), ("vector", pa.list_(pa.float32(), size))])
    with pq.ParquetWriter(path, schema) as writer:

        def write(documents: list[Document], vectors_NH: Any) -> None:
            flat = pa.array(vectors_NH.ravel(), pa.float32())
            vectors = pa.FixedSizeListArray.from_arrays(flat, size)
            ids = pa.array([document.id for document in documents])
            writer.write_table(pa.table([ids, vectors], schema))

        yield write


@contextmanager
def _npy(path: Path, size: int) -> Iterator[Write]:
    """Write the header again at the end: numpy leaves room in it for the number of rows."""
    import numpy as np
    from numpy.lib import format as npy

    rows = 0
    with path.open("wb") as stream:

        def header() -> None:
            about = {"descr": "<f4", "fortran_order": False, "shape": (rows, size)}
            npy.write_array_header_1_0(stream, about)

        def write(documents: Iterable[Document], vectors_NH: Any) -> None:
            nonlocal rows
            rows += len(vectors_NH)
            stream.write(np.ascontiguousarray(vectors_NH, "<f4").tobytes())

        header()
        yield write
        stream.seek(0)
        header()


_WRITERS = {".parquet": _parquet, ".npy": _npy}
