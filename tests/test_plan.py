from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domainbert.plan import Phase, plan_phases
from domainbert.recipe_train import TrainSection


def section(**values: Any) -> TrainSection:
    return TrainSection(**{"learning_rate": 1e-4, "head_learning_rate": 1e-3, **values})


def test_steps_with_a_trained_head_are_one_phase() -> None:
    assert plan_phases(section(steps=30), 7, new_head=False) == (Phase("full", 0, 30, 1e-4),)


def test_a_new_head_learns_first_and_its_steps_come_on_top() -> None:
    assert plan_phases(section(steps=30, head_steps=5), 7, new_head=True) == (
        Phase("head", 0, 5, 1e-3),
        Phase("full", 5, 30, 1e-4),
    )


def test_a_new_head_without_head_steps_has_no_phase_of_its_own() -> None:
    found = plan_phases(section(steps=30, head_steps=0), 7, new_head=True)
    assert found == (Phase("full", 0, 30, 1e-4),)


@pytest.mark.parametrize(
    ("epochs", "sequences", "batch", "steps"),
    [(1, 100, 32, 4), (2, 100, 25, 8), (0.5, 100, 32, 2), (0.001, 10, 32, 1), (3, 1, 32, 1)],
)
def test_epochs_become_steps_rounded_up_to_one_at_least(
    epochs: float, sequences: int, batch: int, steps: int
) -> None:
    (full,) = plan_phases(section(epochs=epochs, batch_size=batch), sequences, new_head=False)
    assert full.steps == steps


@given(
    epochs=st.integers(1, 20),
    sequences=st.integers(1, 10_000),
    batch=st.integers(1, 512),
    head_steps=st.integers(0, 300),
    new_head=st.booleans(),
)
def test_phases_follow_each_other_and_read_every_sequence_of_every_epoch(
    epochs: int, sequences: int, batch: int, head_steps: int, new_head: bool
) -> None:
    train = section(epochs=epochs, batch_size=batch, head_steps=head_steps)
    phases = plan_phases(train, sequences, new_head)
    assert [phase.start for phase in phases] == [0, *(phase.stop for phase in phases[:-1])]
    assert phases[-1].name == "full"
    assert phases[-1].steps == math.ceil(epochs * sequences / batch)
