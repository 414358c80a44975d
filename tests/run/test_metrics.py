from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from domainbert.errors import StorageError
from domainbert.run.folder import RunFolder
from domainbert.run.metrics import append_metrics, read_metrics, rewind_metrics

ONE = b'{"phase": "full", "step": 1}\n'


def entry(step: int, phase: str = "full") -> dict[str, Any]:
    return {"step": step, "phase": phase}


@pytest.mark.parametrize(
    "line",
    [
        b"\xff\xfe", b"5", b"{}", b"[" * 100_000, b'{"phase": "full", "step": "2"}',
    ],
    ids=lambda line: ascii(line[:12]),
)  # fmt: skip
def test_a_damaged_line_ends_the_metrics_and_what_follows_is_dropped(
    tmp_path: Path, line: bytes
) -> None:
    run = RunFolder(tmp_path)
    run.metrics.write_bytes(ONE + line + b"\n" + ONE)
    assert read_metrics(run) == [entry(1)]
    rewind_metrics(run, 9)
    assert run.metrics.read_bytes() == ONE


def test_metrics_of_a_run_that_was_renamed_are_refused(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "mine")
    with pytest.raises(StorageError, match=f"^{run.path}: was moved or removed"):
        append_metrics(run, entry(1))
    assert list(tmp_path.iterdir()) == []
    rewind_metrics(run, 5)
    assert read_metrics(run) == []
