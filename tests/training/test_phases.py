"""Budgets become steps; batches may grow."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domainbert.errors import RecipeError
from domainbert.recipe.train import TrainSection
from domainbert.training.phases import (
    batch_places,
    check_shares,
    count_steps,
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
    [{"tokens": 10**15}, {"epochs": 1e8}, {"minutes": 1e300}],
)
def test_more_steps_than_a_checkpoint_can_be_named_after_are_refused(budget: Any) -> None:
    with pytest.raises(RecipeError) as caught:
        count_steps(section(**budget, batch_size=10), SIZE, 0, 0.01)
    assert str(caught.value) == (
        f"train.{next(iter(budget))}: comes to more than 99,999,999 steps. Train for less, or "
        "raise `train.batch_size`."
    )


def test_a_batch_that_processes_cannot_share_is_refused() -> None:
    check_shares(section(batch_size=6), 3)
    with pytest.raises(RecipeError, match=r"batch_size: 6 is not a multiple of the 4 processes"):
        check_shares(section(batch_size=6), 4)
    with pytest.raises(RecipeError, match=r"batch_ramp\.start: 2 is not a multiple of the 3"):
        check_shares(ramped(2, 3, 3), 3)


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
