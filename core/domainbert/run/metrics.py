"""The lines of `metrics.jsonl`: appended while training, cut back to where it goes on."""

from __future__ import annotations

import json
from typing import Any

from domainbert.run.folder import RunFolder
from domainbert.storage.files import check_folder, fsync_path, storage_errors, write_text

_PHASES = {"head": "head", "pretrain": "full"}
"""Phase of the lines that each training stage writes, in the order of the stages."""


def append_metrics(run: RunFolder, entry: dict[str, Any]) -> None:
    """Append one line to `metrics.jsonl`.

    Raises:
        StorageError: The run folder is gone, or the system refuses.
    """
    check_folder(run.path)
    with storage_errors(run.metrics), run.metrics.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(entry, sort_keys=True) + "\n")


def read_metrics(run: RunFolder) -> list[dict[str, Any]]:
    """Return the metrics lines up to the first that is damaged, as one that was cut short is."""
    entries: list[dict[str, Any]] = []
    if run.metrics.exists():
        for line in run.metrics.read_bytes().splitlines():
            entry = _entry(line)
            if entry is None:
                break
            entries.append(entry)
    return entries


def _entry(line: bytes) -> dict[str, Any] | None:
    try:
        entry = json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError):
        return None
    known = isinstance(entry, dict) and type(entry.get("step")) is int and "phase" in entry
    return entry if known else None


def rewind_metrics(run: RunFolder, step: int) -> None:
    """Drop the metrics after a step of the training stage, which is about to repeat them."""
    stages = list(_PHASES)
    later = {_PHASES[name] for name in stages[stages.index(run.training) + 1 :]}
    kept = [
        json.dumps(entry, sort_keys=True)
        for entry in read_metrics(run)
        if entry["phase"] not in later
        and (entry["phase"] != _PHASES[run.training] or entry["step"] <= step)
    ]
    if run.metrics.exists():
        write_text(run.metrics, "".join(line + "\n" for line in kept))


def sync_metrics(run: RunFolder) -> None:
    """Flush the metrics to the device, so that no checkpoint is ahead of them."""
    if run.metrics.exists():
        with storage_errors(run.metrics):
            fsync_path(run.metrics)
