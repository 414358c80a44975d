"""Budgets become steps; batches may grow."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domainbert.errors import RecipeError
from domainbert.recipe.train import TrainSection
from domainbert.training.phases import (
    MOST_STEPS,
    Phase,
    batch_places,
    check_shares,
    count_steps,
    full_phase,
    head_phase,
    places_before,
    steps_to_read,
)

SIZE = (100, 2550)


def section(**values: Any) -> TrainSection:
    budget = {} if values.keys() & {"epochs", "tokens", "minutes"} else {"steps": 1}
    return TrainSection.model_validate({"learning_rate": 1e-4, **budget, **values})


def ramped(start: int, times: int, steps: int) -> TrainSection:
    return section(batch_size=start * times, batch_ramp={"start": start, "steps": steps})


RAMPS = st.builds(ramped, st.integers(1, 16), st.integers(1, 40), st.integers(1, 200))


def sizes(settings: TrainSection, count: int) -> list[int]:
    return [stop - start for start, stop in (batch_places(settings, n) for n in range(count))]


def test_a_new_head_learns_first_and_its_steps_come_on_top() -> None:
    train = section(steps=30, head_steps=5)
    assert head_phase(train) == Phase("head", 0, 5, 1e-3)
    assert full_phase(train, 5, 30) == Phase("full", 5, 30, 1e-4)
    assert full_phase(train, 5, 30).stop == 35


@pytest.mark.parametrize(
    ("budget", "sequences", "batch", "steps"),
    [
        *(({"epochs": e}, n, b, s) for e, n, b, s in
          [(1, 100, 32, 4), (2, 100, 25, 8), (0.5, 100, 32, 2), (0.001, 10, 32, 1), (3, 1, 32, 1)]),
        # A batch of 10 sequences has 255 tokens in the mean.
        *(({"tokens": t}, 100, 10, s) for t, s in
          [(1, 1), (255, 1), (256, 2), (510, 2), (2550, 10), (2551, 11), (25_500_000, 100_000)]),
    ],
)  # fmt: skip
def test_a_budget_becomes_the_fewest_steps_that_reach_it(
    budget: dict[str, float], sequences: int, batch: int, steps: int
) -> None:
    size = (sequences, sequences * 51 // 2)
    assert count_steps(section(**budget, batch_size=batch), size, 0) == steps


@pytest.mark.parametrize(
    "budget",
    [{"tokens": 10**400}, {"tokens": 10**15}, {"epochs": 1e308}, {"epochs": 1e8},
     {"minutes": 1e300}],
)  # fmt: skip
def test_more_steps_than_a_checkpoint_can_be_named_after_are_refused(budget: Any) -> None:
    with pytest.raises(RecipeError) as caught:
        count_steps(section(**budget, batch_size=10), SIZE, 0, 0.01)
    assert str(caught.value) == (
        f"train.{next(iter(budget))}: comes to more than 99,999,999 steps. Train for less, or "
        "raise `train.batch_size`."
    )


def test_the_most_steps_include_those_of_the_head() -> None:
    train = section(steps=MOST_STEPS)
    assert full_phase(train, 0, MOST_STEPS).stop == MOST_STEPS
    with pytest.raises(RecipeError, match=r"train\.steps: comes to more than 99,999,999 steps"):
        full_phase(train, 1, MOST_STEPS)


def test_a_batch_that_processes_cannot_share_is_refused() -> None:
    check_shares(section(batch_size=6), 3)
    with pytest.raises(RecipeError, match=r"batch_size: 6 is not a multiple of the 4 processes"):
        check_shares(section(batch_size=6), 4)
    with pytest.raises(RecipeError, match=r"batch_ramp\.start: 2 is not a multiple of the 3"):
        check_shares(ramped(2, 3, 3), 3)


def test_the_batch_ramp_is_respected_from_the_step_after_the_head_phase() -> None:
    train = section(epochs=1, batch_size=20, batch_ramp={"start": 5, "steps": 4})
    assert [places_before(train, n) for n in range(7)] == [0, 5, 10, 20, 35, 55, 75]
    # After step 3: 15 sequences, then five times 20.
    assert [count_steps(train, SIZE, first) for first in (0, 3, 4)] == [8, 6, 5]


def test_a_ramp_by_hand() -> None:
    # From 8 to 32 in 6 steps: 8 · (1 + floor(3t/6)).
    assert sizes(ramped(8, 4, 6), 9) == [8, 8, 16, 16, 24, 24, 32, 32, 32]


@given(settings=RAMPS, first=st.integers(0, 250), wanted=st.integers(1, 5000))
def test_places_are_the_sum_of_the_sizes_and_steps_to_read_the_fewest(
    settings: TrainSection, first: int, wanted: int
) -> None:
    ramp = settings.batch_ramp
    assert ramp is not None
    rise = settings.batch_size // ramp.start - 1
    by_hand = [ramp.start * (1 + t * rise // ramp.steps) for t in range(ramp.steps)]
    assert sizes(settings, first) == (by_hand + [settings.batch_size] * first)[:first]
    assert places_before(settings, first) == sum(sizes(settings, first))
    steps, before = steps_to_read(settings, first, wanted), places_before(settings, first)
    assert places_before(settings, first + steps) - before >= wanted
    assert steps == 1 or places_before(settings, first + steps - 1) - before < wanted


def test_a_far_step_costs_what_a_near_one_does() -> None:
    settings = ramped(8, 512, 100_000)
    started = time.perf_counter()
    for step in range(10**12, 10**12 + 200):
        batch_places(settings, step)
    assert time.perf_counter() - started < 2  # a sum over 100,000 steps would take longer
