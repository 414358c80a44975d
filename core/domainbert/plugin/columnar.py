"""Rows of Parquet and Arrow files, also those that the `datasets` library wrote.

Few rows at a time: a dictionary page can make each row large. Numbers of a `ClassLabel` become the
names that the file declares for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from domainbert.errors import DataError, listed
from domainbert.plugin.readers import COMPRESSIONS, MAX_LINE_BYTES, check_growth, check_regular

_ROWS = 64

Decode = Callable[[Any], Any]


def read_parquet(
    path: Path, needed: Iterable[str] = (), only: Iterable[str] | None = None
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the rows of a Parquet file with their places.

    Args:
        path: The file.
        needed: Columns that it must have.
        only: Columns to read, as far as they are there; None for all.

    Raises:
        DataError: Damaged, no Parquet, without a column, or larger than text can be.
    """
    import pyarrow.parquet as pq

    _check_plain(path, "Parquet compresses its own pages")
    with _Reading(path, "Parquet file of UTF-8 text") as place:
        table = pq.ParquetFile(path, page_checksum_verification=True)
        with table:
            names = _columns(path, table.schema_arrow, needed, only)
            batches = table.iter_batches(batch_size=_ROWS, columns=names)
            yield from _rows(path, batches, _decoders(table.schema_arrow), place)


def read_arrow(
    path: Path, needed: Iterable[str] = (), only: Iterable[str] | None = None
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the rows of an Arrow file, in the stream or the file format, with their places.

    Arguments and errors are those of `read_parquet`.
    """
    import pyarrow as pa

    _check_plain(path, "Arrow is mapped into memory")
    with _Reading(path, "Arrow file of UTF-8 text") as place, pa.memory_map(str(path)) as source:
        is_file = source.read(6) == b"ARROW1"
        source.seek(0)
        opened = pa.ipc.open_file(source) if is_file else pa.ipc.open_stream(source)
        with opened as reader:
            names = _columns(path, reader.schema, needed, only)
            if not is_file and source.size() and not _has_end(source):
                raise DataError(f"{path}: cut short: the Arrow stream has no end. Copy it again.")
            large = record_batches(reader)
            small = (b.slice(at, _ROWS) for b in large for at in range(0, len(b), _ROWS))
            chosen = (batch.select(names) for batch in small)
            yield from _rows(path, chosen, _decoders(reader.schema), place)


def record_batches(reader: Any) -> Iterator[Any]:
    """Return the batches of an open Arrow stream or file."""
    if not hasattr(reader, "get_batch"):
        return iter(reader)
    return map(reader.get_batch, range(reader.num_record_batches))


def _has_end(source: Any) -> bool:
    """Return whether an Arrow stream ends with its mark: a length of zero."""
    place = source.tell()
    source.seek(max(0, source.size() - 8))
    ends = source.read(8) == b"\xff\xff\xff\xff\0\0\0\0"
    source.seek(place)
    return bool(ends)


def saved_files(folder: Path) -> list[Path]:
    """Return the Arrow files of a folder written by `Dataset.save_to_disk`, in order.

    Raises:
        DataError: It does not say which they are, or names files outside.
    """
    import json

    try:
        state = json.loads((folder / "state.json").read_text(encoding="utf-8"))
        names = [str(item["filename"]) for item in state["_data_files"]]
    except (OSError, ValueError, KeyError, TypeError):
        raise DataError(f"{folder}: `state.json` is missing or damaged; save it again.") from None
    if strange := next((name for name in names if not is_plain_name(name)), None):
        raise DataError(f"{folder / 'state.json'}: {strange!r} is no plain file name.")
    if not names:
        raise DataError(f"{folder}: a saved data set without rows.")
    files = [folder / name for name in names]
    if away := next(
        (f for f in files if f.is_symlink() and f.resolve().parent != folder.resolve()), None
    ):
        raise DataError(f"{away}: a link to a file outside of {folder}. Copy the file.")
    return files


def is_plain_name(name: Any) -> bool:
    """Return whether a name is that of a file or folder, and leads nowhere else."""
    plain = isinstance(name, str) and name not in {"", ".", ".."} and "\0" not in name
    return plain and Path(name).name == name


def _check_plain(path: Path, why: str) -> None:
    if path.suffix.lower() in COMPRESSIONS:
        raise DataError(f"{path}: {why}; decompress the file first.")
    check_regular(path)


class _Reading:
    """Turns errors of pyarrow into one that names the file and the last good row."""

    def __init__(self, path: Path, what: str) -> None:
        self.path, self.what, self.row = path, what, 0

    def __enter__(self) -> _Reading:
        return self

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        import pyarrow as pa

        if isinstance(error, pa.ArrowException | OSError | UnicodeDecodeError):
            what = f"{self.path}: not a readable {self.what}, after row {self.row}: {error}."
            raise DataError(what) from None


def _columns(
    path: Path, schema: Any, needed: Iterable[str], only: Iterable[str] | None
) -> list[str]:
    """Return the columns to read."""
    names = list(schema.names)
    if lacking := next((name for name in needed if name not in names), None):
        raise DataError(f"{path}: no column {lacking!r}; it has {listed(names)}.")
    wanted = names if only is None else [name for name in dict.fromkeys(only) if name in names]
    if twice := next((name for name in wanted if names.count(name) > 1), None):
        raise DataError(f"{path}: the column {twice!r} stands twice. Rename or remove one.")
    return wanted


def _decoders(schema: Any) -> dict[str, Decode]:
    """Return what turns the class numbers of a column into names, where `datasets` knows them."""
    if b"huggingface" not in (schema.metadata or {}):
        return {}
    from datasets import ClassLabel, Features

    decoders: dict[str, Decode] = {}
    try:
        features = Features.from_arrow_schema(schema)
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}  # metadata that this version does not know: numbers stay numbers
    for name, feature in features.items():
        inner = feature[0] if isinstance(feature, list) else getattr(feature, "feature", feature)
        if isinstance(inner, ClassLabel):
            decoders[name] = _names(tuple(inner.names))
    return decoders


def _names(names: tuple[str, ...]) -> Decode:
    def name(value: Any) -> Any:
        if isinstance(value, list):
            return [name(item) for item in value]
        # -1 says that a test set keeps its labels secret.
        return names[value] if isinstance(value, int) and 0 <= value < len(names) else None

    return name


def _rows(
    path: Path, batches: Iterable[Any], decoders: dict[str, Decode], place: _Reading
) -> Iterator[tuple[str, dict[str, Any]]]:
    size, there = 0, path.stat().st_size
    for batch in batches:
        columns, n_bytes = _values(batch, f"{path}: after row {place.row}")
        size += n_bytes
        check_growth(path, size, there)
        for name in decoders.keys() & columns.keys():
            columns[name] = [decoders[name](value) for value in columns[name]]
        for cells in zip(*columns.values(), strict=True):
            place.row += 1
            yield f"{path}: row {place.row}", dict(zip(columns, cells, strict=True))


def _values(batch: Any, where: str) -> tuple[dict[str, list[Any]], int]:
    """Return the values of the columns and the bytes of their text, measured before copying."""
    import pyarrow as pa
    import pyarrow.compute as pc

    columns, total = {}, 0
    for name in batch.schema.names:
        column = batch.column(name)
        if pa.types.is_dictionary(column.type):
            column = column.dictionary.take(column.indices)
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            size = pc.sum(pc.binary_length(column)).as_py() or 0
            if size > MAX_LINE_BYTES:
                most = f"expected at most {MAX_LINE_BYTES:,}"
                raise DataError(f"{where}: {size:,} bytes in {len(batch)} rows, {most}.")
        total += column.nbytes
        columns[name] = column.to_pylist()
    return columns, total
