"""Whether the files of a corpus are still those that a token store was made from."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from domainbert.corpus.sources import Source
from domainbert.errors import DataError
from domainbert.run.heartbeat import heartbeat
from domainbert.storage.files import sha256_file


def describe_sources(sources: Iterable[Source]) -> list[dict[str, Any]]:
    """Return what a store remembers of the files it is made from."""
    return [
        {
            "corpus": source.name,
            "licence": source.licence,
            "file": source.path.name,
            "bytes": source.path.stat().st_size,
            "mtime_ns": source.path.stat().st_mtime_ns,
            "sha256": _hashed(source.path),
        }
        for source in sources
    ]


def _hashed(path: Path) -> str:
    heartbeat(f"reading {path.name}")
    return sha256_file(path)


def refuse_changed(folder: Path, told: list[dict[str, Any]], sources: Iterable[Source]) -> None:
    """Refuse a store whose corpus is no longer what it was made from.

    Args:
        folder: The store.
        told: From `describe_sources`, when it was made.
        sources: The files now, in the same order.

    Raises:
        DataError: Files were added, removed or changed.
    """
    found = tuple(sources)
    before, now = {item["file"] for item in told}, {source.path.name for source in found}
    parts = [f"{name} was added" for name in sorted(now - before)]
    parts += [f"{name} is gone" for name in sorted(before - now)]
    if not parts and len(told) == len(found):
        pairs = zip(told, found, strict=True)
        parts = [f"{s.path} was changed" for item, s in pairs if _changed(item, s.path)]
    elif not parts:
        parts = [f"{len(found)} files instead of {len(told)}"]
    if parts:
        raise DataError(
            f"{folder}: was made from another corpus ({', '.join(parts)}). Restore the files, or "
            "name another --out."
        )


def _changed(told: dict[str, Any], path: Path) -> bool:
    stat = path.stat()
    if stat.st_size != told["bytes"]:
        return True
    # A file of the same time need not be read again; a large corpus takes minutes. An older one may
    # be another, put in its place with the time that it had.
    return stat.st_mtime_ns != told.get("mtime_ns") and _hashed(path) != told["sha256"]
