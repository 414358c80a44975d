"""What a step leaves behind, and what becomes of it if one process cannot write."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from domainbert.errors import StorageError
from domainbert.run.folder import RunFolder
from domainbert.run.progress import Reporter
from domainbert.run.session import Session
from domainbert.run.signals import StopFlag
from domainbert.training import loop
from domainbert.training.checkpoint import TrainState
from domainbert.training.phases import Phase

PHASE = Phase("full", 0, 10, 1e-4)
STATE = TrainState(7, "full", 900, 1.5, 12.0, 4, {}, skipped={"8": "why", "10": "why"})


class Rank(Session):
    """A session of a thread; `RANK` in the environment is one for all threads."""

    @property
    def is_main(self) -> bool:
        return bool(self.accelerator.is_main_process)


class Ranks:
    """Processes that are threads: each has an accelerator, and they count how often they meet."""

    def __init__(self, number: int) -> None:
        self.number, self.met = number, 0
        self.shelf: list[Tensor] = [torch.empty(0)] * number
        self.barrier = threading.Barrier(number, timeout=10)

    def accelerator(self, rank: int) -> Any:
        def meet(tensor: Tensor) -> list[Tensor]:
            self.shelf[rank] = tensor
            self.met += rank == 0
            self.barrier.wait()
            found = list(self.shelf)
            self.barrier.wait()
            return found

        return SimpleNamespace(
            num_processes=self.number,
            is_main_process=rank == 0,
            trackers=[],
            device=torch.device("cpu"),
            gather=lambda tensor: torch.cat(meet(tensor)),
            reduce=lambda tensor, reduction: torch.stack(meet(tensor)).sum(dim=0),
        )


@pytest.fixture
def finish(session: Session) -> Callable[..., tuple[list[Exception | None], int]]:
    """Finish a step in several processes at once; what each raised, and how often they met."""
    session.run.path.mkdir()

    def run(number: int, entry: dict[str, Any] | None) -> tuple[list[Exception | None], int]:
        ranks = Ranks(number)

        def one(rank: int) -> Exception | None:
            place = Rank(
                ranks.accelerator(rank), session.run, Reporter(enabled=False), StopFlag(), "again"
            )
            settings: Any = SimpleNamespace(save_steps=100, save_total_limit=1)
            job: Any = SimpleNamespace(session=place, settings=settings, model=None)
            try:
                loop._finish_step(job, PHASE, STATE, None, entry)  # type: ignore[arg-type]
            except Exception as error:
                return error
            return None

        with ThreadPoolExecutor(number) as pool:
            return list(pool.map(one, range(number))), ranks.met

    return run


def metrics(run: RunFolder) -> list[dict[str, Any]]:
    return [json.loads(line) for line in run.metrics.read_text(encoding="utf-8").splitlines()]


Finish = Callable[..., tuple[list[Exception | None], int]]


def test_a_line_is_written_once_and_processes_meet_once(finish: Finish, session: Session) -> None:
    assert finish(3, {"step": 7}) == ([None, None, None], 1)
    assert finish(3, None) == ([None, None, None], 1)
    assert metrics(session.run) == [{"step": 7}]


@pytest.mark.parametrize("failing", ["append_metrics", "track"])
@pytest.mark.parametrize(
    ("error", "kind"),
    [(StorageError("disk gone"), StorageError), (OSError(5, "Input/output error"), OSError)],
)
def test_what_one_process_cannot_write_ends_all(
    finish: Finish,
    monkeypatch: pytest.MonkeyPatch,
    failing: str,
    error: Exception,
    kind: type[Exception],
) -> None:
    def refuse(*_: Any) -> None:
        raise error

    monkeypatch.setattr(loop, failing, refuse)
    raised, _ = finish(3, {"step": 7})
    assert [str(each) for each in raised] == [str(error)] * 3
    assert type(raised[0]) is kind


def test_losses_before_a_phase_that_ends_with_a_skip_are_in_its_line() -> None:
    last = replace(STATE, step=9)
    state, entry = loop._pass_over(PHASE, last)
    assert entry == {"step": 10, "phase": "full", "skipped": "why", "loss": 3.0}
    assert (state.step, state.window_nats, state.window_masked) == (10, 0.0, 0)
    _, entry = loop._pass_over(PHASE, replace(last, window_nats=0.0, window_masked=0))
    assert entry == {"step": 10, "phase": "full", "skipped": "why"}


def test_losses_before_another_skip_wait_for_the_next_line() -> None:
    state, entry = loop._pass_over(PHASE, STATE)
    assert entry == {"step": 8, "phase": "full", "skipped": "why"}
    assert (state.step, state.window_nats, state.window_masked) == (8, 12.0, 4)
