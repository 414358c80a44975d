"""What differs between systems; Windows is imitated by taking the modules of POSIX away."""

from __future__ import annotations

import importlib.util
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import psutil
import pytest
import torch

from domainbert import system
from domainbert.launch import supervisor
from domainbert.run.device import device_has_bf16
from domainbert.training.distributed import sum_dtype

LOCKED = """
import sys
from domainbert.system import lock
lock(open(sys.argv[1], "ab"))
"""


def test_a_lock_keeps_another_process_out_until_the_file_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    other = [sys.executable, "-c", LOCKED, str(path)]
    with path.open("ab") as stream:
        system.lock(stream)
        done = subprocess.run(other, capture_output=True, check=False)
        assert b"BlockingIOError" in done.stderr
    subprocess.run(other, check=True)


def test_peak_memory_is_that_of_this_process() -> None:
    assert 0.5 < system.peak_memory_bytes() / psutil.Process().memory_info().rss < 50


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The module as it is without POSIX, and with a `msvcrt` that knows of locked files."""
    locked: list[int] = []

    def locking(number: int, _mode: int, size: int) -> None:
        if number in locked:
            raise PermissionError(13, "Permission denied")
        locked.append(number)
        assert size == 1

    for name in ("fcntl", "resource"):
        monkeypatch.setitem(sys.modules, name, None)
    fake = SimpleNamespace(locking=locking, LK_NBLCK=2)
    monkeypatch.setitem(sys.modules, "msvcrt", fake)  # type: ignore[arg-type]
    for name in ("SIGUSR1", "SIGHUP"):
        monkeypatch.delattr(signal, name)
    spec = importlib.util.spec_from_file_location("system_of_windows", system.__file__)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module


def test_without_posix_files_are_locked_by_msvcrt(windows: Any, tmp_path: Path) -> None:
    with (tmp_path / "lock").open("a+b") as stream:
        stream.write(b"owner")
        windows.lock(stream)
        assert stream.tell() == 5
        with pytest.raises(BlockingIOError):
            windows.lock(stream)


def test_without_posix_folders_are_not_flushed_and_files_are(windows: Any, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"content")
    windows.fsync_path(path)
    windows.fsync_path(tmp_path)
    assert path.read_bytes() == b"content"


def test_without_posix_memory_and_signals_are_those_of_the_system(
    windows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = SimpleNamespace(memory_info=lambda: SimpleNamespace(peak_wset=7))
    monkeypatch.setattr(psutil, "Process", lambda: process)
    assert windows.peak_memory_bytes() == 7
    assert windows.WATCHED == (signal.SIGINT, signal.SIGTERM)


def test_without_posix_several_processes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "IS_POSIX", False)
    with pytest.raises(supervisor.UserError, match="works on Linux and macOS"):
        supervisor.check_supervision()


def test_a_gpu_of_apple_computes_in_fp32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": True}, raising=False)
    assert not device_has_bf16()
    types = [sum_dtype(SimpleNamespace(device=torch.device(name))) for name in ("cpu", "mps")]
    assert types == [torch.float64, torch.float32]
