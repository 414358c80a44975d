"""The lines of `metrics.jsonl`: appended while training, cut back to where it goes on."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from domainbert.run.folder import RunFolder
from domainbert.storage.files import check_folder, storage_errors, write_text
from domainbert.system import fsync_path

_PHASES = {"head": "head", "pretrain": "full"}
"""Phase of the lines that each training stage writes."""


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
    lines = run.metrics.read_bytes().splitlines() if run.metrics.is_file() else []
    with suppress(ValueError, RecursionError, TypeError, KeyError):
        for line in lines:
            entry = json.loads(line.decode("utf-8"))
            if type(entry["step"]) is not int or not entry["phase"]:
                break
            entries.append(entry)
    return entries


def rewind_metrics(run: RunFolder, step: int) -> None:
    """Drop the metrics after a step of the training stage, and put those of the head first.

    A head that is trained again, since its folder was deleted, leaves those of pretraining.
    """
    phase = _PHASES[run.training]
    kept = [e for e in read_metrics(run) if e["phase"] != phase or e["step"] <= step]
    kept.sort(key=lambda entry: entry["phase"] != "head")
    if run.metrics.is_file():
        lines = (json.dumps(entry, sort_keys=True) + "\n" for entry in kept)
        write_text(run.metrics, "".join(lines))


def sync_metrics(run: RunFolder) -> None:
    """Flush the metrics to the device, so that no checkpoint is ahead of them."""
    if run.metrics.is_file():
        with storage_errors(run.metrics):
            fsync_path(run.metrics)
