"""Signs of life are read as they were given, whatever is named in them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from domainbert.launch import attempt
from domainbert.launch.attempt import Patience
from domainbert.run import heartbeat as pulse
from domainbert.run.heartbeat import Heartbeat, heartbeat, read_heartbeats


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of a supervisor, of whose run this process is rank 3."""
    monkeypatch.setenv(pulse.FOLDER, str(tmp_path))
    monkeypatch.setenv("RANK", "3")
    pulse._Writer.mine.cache_clear()
    yield tmp_path
    pulse._Writer.mine.cache_clear()


@pytest.mark.parametrize("name", ["漢", "🙂", "\0", "\udcff", '"', "a"], ids=ascii)
def test_a_long_name_leaves_nothing_behind(folder: Path, name: str) -> None:
    heartbeat(name * 100)
    assert read_heartbeats(folder)[3].where == name * 80
    heartbeat("step 2")
    assert (read_heartbeats(folder)[3].where, read_heartbeats(folder)[3].count) == ("step 2", 2)


def test_ranks_that_are_silent_together_are_named_and_one_that_moves_is_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, count = [0.0], [1]
    ranks = {0: Heartbeat(0, 10, "1", 5, "step 7"), 1: Heartbeat(1, 11, "1", 5, "step 8")}
    monkeypatch.setattr(attempt, "process_state", lambda _pid: ("S", "1"))
    monkeypatch.setattr(attempt, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    monkeypatch.setattr(
        attempt,
        "read_heartbeats",
        lambda _: {**ranks, 1: Heartbeat(1, 11, "1", count[0], "step 8")},
    )
    watch = attempt._Watch(tmp_path, Patience(stopped=1, silent=3), seen=0.0)

    def look(moves: bool) -> str:
        clock[0] += 0.5
        count[0] += moves
        watch.look()
        return watch.hanging

    assert [look(moves=True) for _ in range(20)] == [""] * 20
    told = [look(moves=False) for _ in range(7)]
    assert told[:-1] == [""] * 6
    assert told[-1] == (
        "rank 0 (pid 10) has not moved for 3 s, in step 7; "
        "rank 1 (pid 11) has not moved for 3 s, in step 8"
    )
