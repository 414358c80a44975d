"""The files of a corpus as facts: names, sizes, times and hashes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from domainbert.corpus.sources import Source
from domainbert.errors import DataError
from domainbert.storage.files import sha256_file

Files = list[dict[str, Any]]
"""What `describe_sources` returns; kept in the manifest of a store."""


def describe_sources(sources: Iterable[Source], known: Iterable[Mapping[str, Any]] = ()) -> Files:
    """Return name, licence, size, time and hash of each file of a corpus.

    Args:
        sources: Files of a corpus.
        known: Descriptions from an earlier run. A file of the same size and time is not read again;
            a large corpus takes minutes.
    """
    earlier = {(item["file"], item["bytes"], item["mtime_ns"]): item["sha256"] for item in known}
    files = []
    for source in sources:
        stat = source.path.stat()
        stamp = (source.path.name, stat.st_size, stat.st_mtime_ns)
        item = dict(zip(("file", "bytes", "mtime_ns"), stamp, strict=True))
        sha256 = earlier.get(stamp) or sha256_file(source.path)
        files.append({"corpus": source.name, "licence": source.licence, **item, "sha256": sha256})
    return files


def refuse_changed(sources: Iterable[Source], files: Files) -> None:
    """Refuse files that were written to or removed since they were described.

    Raises:
        DataError: Naming the first of them.
    """
    for source, item in zip(sources, files, strict=True):
        stat = source.path.stat() if source.path.exists() else None
        if stat is None or (stat.st_size, stat.st_mtime_ns) != (item["bytes"], item["mtime_ns"]):
            raise DataError(
                f"{source.path}: was changed while it was read. Run again when nothing writes to "
                "it."
            )
