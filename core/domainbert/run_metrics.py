"""The lines of `metrics.jsonl`: appended while training, cut back to where it goes on."""

from __future__ import annotations

import json
from typing import Any

from domainbert.files import fsync_path, storage_errors, write_text
from domainbert.run import RunFolder


def append_metrics(run: RunFolder, entry: dict[str, Any]) -> None:
    """Append one line to `metrics.jsonl`."""
    with storage_errors(run.metrics), run.metrics.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(entry, sort_keys=True) + "\n")


def read_metrics(run: RunFolder) -> list[dict[str, Any]]:
    """Return the metrics lines; a last line that was cut short is left out."""
    entries = []
    if run.metrics.exists():
        for line in run.metrics.read_text(encoding="utf-8").splitlines():
            try:
                entries.append(json.loads(line))
            except ValueError:
                break
    return entries


def rewind_metrics(run: RunFolder, step: int) -> None:
    """Drop the metrics after a step, which training is about to repeat."""
    kept = [json.dumps(e, sort_keys=True) for e in read_metrics(run) if e["step"] <= step]
    if run.metrics.exists():
        write_text(run.metrics, "".join(line + "\n" for line in kept))


def sync_metrics(run: RunFolder) -> None:
    """Flush the metrics to the device, so that no checkpoint is ahead of them."""
    if run.metrics.exists():
        with storage_errors(run.metrics):
            fsync_path(run.metrics)
