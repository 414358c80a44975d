from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from domainbert.run import heartbeat as module
from domainbert.run.heartbeat import heartbeat, read_heartbeats


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of a supervisor, of whose run this process is rank 3."""
    monkeypatch.setenv(module.FOLDER, str(tmp_path))
    monkeypatch.setenv("RANK", "3")
    module._open_file.cache_clear()
    yield tmp_path
    module._open_file.cache_clear()


@pytest.mark.parametrize("name", ["漢", "🙂", "\0", "\udcff", '"', "a"], ids=ascii)
def test_a_heartbeat_is_read_as_written_and_leaves_nothing_behind(folder: Path, name: str) -> None:
    heartbeat(name * 100)
    assert read_heartbeats(folder)[3].where == name * 80
    heartbeat("step 2")
    assert (read_heartbeats(folder)[3].where, read_heartbeats(folder)[3].count) == ("step 2", 2)
    (folder / "rank-4").write_text("{")  # being written
    assert set(read_heartbeats(folder)) == {3}
