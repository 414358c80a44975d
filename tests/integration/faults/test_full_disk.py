"""A device without space ends a run with a clear error, and the run goes on once there is some."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from domainbert.training.checkpoint import newest_checkpoint

pytestmark = pytest.mark.slow


def mount(folder: Path, *options: str) -> bool:
    asked = ["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", str(folder)]
    return (
        shutil.which("mount") is not None
        and not subprocess.run(asked, capture_output=True, check=False).returncode
    )


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def small(town: Any) -> Iterator[Path]:
    """A device with room for what comes before training and for one checkpoint, not for two."""
    whole = town.run("whole")
    checkpoint = size(sorted(whole.checkpoints.iterdir())[0])
    before = size(whole.corpus) + size(whole.path / "head")
    folder: Path = town.folder / "small"
    folder.mkdir()
    if not mount(folder, f"size={before + 2 * checkpoint}"):
        pytest.skip("mounting is not allowed here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)
    folder.rmdir()


def test_a_full_device_is_told_with_figures_and_nothing_is_lost(
    town: Any, small: Path, same: Callable[..., bool]
) -> None:
    assert town.finish("small/run") == 2
    told = town.told("small/run")
    assert re.search(
        r"\nerror: small/run/pretrain/checkpoints/step-000000\d\d: needs \d\.\d MB, the device has "
        r"\d\.\d MB free\. Nothing was half-written and what was there before is whole: ",
        told,
    )
    assert "Traceback" not in told
    left = small / "run" / "pretrain" / "checkpoints"
    newest, damaged = newest_checkpoint(left)
    assert newest is not None
    assert damaged == []
    assert [path.name for path in left.glob(".*")] == []
    assert mount(small, "remount", "size=50m")
    assert town.finish("small/run") == 0
    assert re.search(
        rf"\ncontinuing after step {int(newest.name[5:])}, bit-exact\n", town.told("small/run")
    )
    assert same(town.run("small/run"), town.run("whole"))
