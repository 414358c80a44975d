"""Trackers get what `metrics.jsonl` has, each step once, over any number of stops."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from accelerate.tracking import GeneralTracker
from helpers.runs import back_to, metrics

from domainbert.run.folder import RunFolder
from domainbert.training import trackers as tracking

pytestmark = pytest.mark.slow

Adapt = Callable[..., Any]
MakeTown = Callable[[], Any]


class Fake(GeneralTracker):
    """Remembers what it was told."""

    name = "fake"
    requires_logging_directory = False

    def __init__(self) -> None:
        super().__init__()
        self.told: list[tuple[str, Any]] = []

    @property
    def tracker(self) -> list[tuple[str, Any]]:
        return self.told

    def start(self) -> None:
        self.told.append(("start", None))

    def store_init_configuration(self, values: dict[str, Any]) -> None:
        self.told.append(("config", values))

    def log(self, values: dict[str, Any], step: int | None = None, **_: Any) -> None:
        self.told.append(("log", {"step": step, **values}))

    def finish(self) -> None:
        self.told.append(("finish", None))


@pytest.fixture
def town(make_town: MakeTown) -> Any:
    made = make_town()
    made.write(steps=12, logging_steps=2, save_steps=5, trackers=["tensorboard"])
    return made


def use(monkeypatch: pytest.MonkeyPatch, fake: Fake) -> None:
    """Start a tracker object in the place of those that are named."""
    start = tracking._start
    monkeypatch.setattr(tracking, "_start", lambda session, _: start(session, (fake,)))


def test_a_tracker_is_told_every_line_once(
    town: Any, adapt: Adapt, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = Fake()
    use(monkeypatch, fake)
    adapt(town, "town.yaml", "--out", "run")
    run = RunFolder(town.folder / "run")
    expected = [("log", json.loads(line)) for line in run.metrics.read_text("utf-8").splitlines()]
    assert len(expected) == 6
    assert fake.told == [("start", None), *expected, ("finish", None)]

    fake.told.clear()
    back_to(run, 10)
    adapt(town, "run")
    # The line of step 12 was sent before.
    assert fake.told == [("start", None), ("finish", None)]


def test_tensorboard_has_the_numbers_at_their_steps_after_a_kill(town: Any, adapt: Adapt) -> None:
    pytest.importorskip("tensorboard")
    adapt(town, "town.yaml", "--out", "run")
    run = RunFolder(town.folder / "run")
    back_to(run, 10)
    # As if killed between sending step 12 and noting it.
    path = run.path / "trackers" / "state.json"
    state = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**state, "step": 10}), encoding="utf-8")
    told = adapt(town, "run")
    assert "http" not in told.err
    found = scalars(run.path / "trackers" / "domainbert")
    for name in ("loss", "learning_rate", "gradient_norm", "tokens"):
        steps = [(entry["step"], pytest.approx(entry[name], rel=1e-6)) for entry in metrics(run)]
        assert found[name] == steps


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder))
    events.Reload()
    return {
        name: [(event.step, event.value) for event in events.Scalars(name)]
        for name in events.Tags()["scalars"]
    }


def test_a_tracker_that_is_not_installed_is_refused_before_any_work(
    town: Any, adapt: Adapt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracking.importlib.util, "find_spec", lambda *_: None)
    given = ("--set", "train.trackers=[trackio]", "--set", "base.source=./nowhere")
    err = adapt(town, "town.yaml", *given, "--out", "run", code=2).err
    assert "train.trackers: 'trackio' is not installed: pip install trackio" in err
    assert not (town.folder / "run").exists()
