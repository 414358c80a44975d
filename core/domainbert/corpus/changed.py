"""The files of a corpus as facts: names and hashes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from domainbert.corpus.sources import Source
from domainbert.errors import DataError
from domainbert.storage.files import sha256_file


def describe_sources(
    sources: Iterable[Source], known: Iterable[Mapping[str, Any]] = ()
) -> list[dict[str, Any]]:
    """Return name, licence, size, time and hash of each file of a corpus.

    Args:
        sources: Files of a corpus.
        known: Descriptions from an earlier run. A file of the same size and time is not read again;
            a large corpus takes minutes.
    """
    earlier = {(item["file"], item["bytes"], item["mtime_ns"]): item["sha256"] for item in known}
    return [_describe(source, earlier) for source in sources]


def _describe(source: Source, earlier: Mapping[tuple[Any, ...], str]) -> dict[str, Any]:
    path, stat = source.path, source.path.stat()
    stamp = (path.name, stat.st_size, stat.st_mtime_ns)
    return {
        "corpus": source.name,
        "licence": source.licence,
        "file": path.name,
        "bytes": stat.st_size,
        "mtime_ns": stat.st_mtime_ns,
        "sha256": earlier.get(stamp) or sha256_file(path),
    }


def check_described(sources: Iterable[Source], files: Iterable[Mapping[str, Any]]) -> None:
    """Refuse files that were changed since they were described.

    Raises:
        DataError: Naming the first of them.
    """
    for source, item in zip(sources, files, strict=True):
        stat = source.path.stat()
        if (stat.st_size, stat.st_mtime_ns) != (item["bytes"], item["mtime_ns"]):
            raise DataError(
                f"{source.path}: was changed while the run started. Run again when nothing writes "
                "to it."
            )
