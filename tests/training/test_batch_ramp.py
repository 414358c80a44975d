from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domainbert.recipe.train import TrainSection
from domainbert.training.phases import batch_places, places_before, steps_to_read


def ramped(start: int, times: int, steps: int) -> TrainSection:
    ramp = {"start": start, "steps": steps}
    return TrainSection.model_validate(
        {"steps": 1, "batch_size": start * times, "batch_ramp": ramp}
    )


RAMPS = st.builds(ramped, st.integers(1, 16), st.integers(1, 40), st.integers(1, 200))


def sizes(settings: TrainSection, count: int) -> list[int]:
    return [stop - start for start, stop in (batch_places(settings, n) for n in range(count))]


def test_a_ramp_by_hand() -> None:
    # From 8 to 32 in 6 steps: 8 · (1 + floor(3t/6)).
    settings = ramped(8, 4, 6)
    assert sizes(settings, 9) == [8, 8, 16, 16, 24, 24, 32, 32, 32]
    assert batch_places(settings, 6) == (96, 128)


@given(settings=RAMPS)
def test_sizes_grow_in_multiples_from_the_start_to_the_batch_size(settings: TrainSection) -> None:
    ramp = settings.batch_ramp
    assert ramp is not None
    found = sizes(settings, ramp.steps + 3)
    assert found == sorted(found)
    assert found[0] == ramp.start
    assert {size % ramp.start for size in found} == {0}
    assert found[ramp.steps :] == [settings.batch_size] * 3
    # Never a multiple or more from the straight line.
    rise = settings.batch_size - ramp.start
    for step, size in enumerate(found[: ramp.steps]):
        assert 0 <= ramp.start + rise * step / ramp.steps - size < ramp.start


@given(settings=RAMPS, step=st.integers(0, 300))
def test_places_are_the_sum_of_the_sizes_before(settings: TrainSection, step: int) -> None:
    assert places_before(settings, step) == sum(sizes(settings, step))


@given(settings=RAMPS, first=st.integers(0, 250), wanted=st.integers(1, 5000))
def test_steps_to_read_are_the_fewest(settings: TrainSection, first: int, wanted: int) -> None:
    steps = steps_to_read(settings, first, wanted)
    before = places_before(settings, first)
    assert places_before(settings, first + steps) - before >= wanted
    assert steps == 1 or places_before(settings, first + steps - 1) - before < wanted


def test_a_far_step_costs_what_a_near_one_does() -> None:
    settings = ramped(8, 512, 100_000)
    started = time.perf_counter()
    for step in range(10**12, 10**12 + 1000):
        batch_places(settings, step)
    assert time.perf_counter() - started < 1  # a sum over 100,000 steps would take minutes
    stable = settings.batch_size * (10**12 - 100_000)
    assert places_before(settings, 10**12) == places_before(settings, 100_000) + stable


def test_the_batch_must_be_a_multiple_of_the_start() -> None:
    with pytest.raises(ValueError, match=r"`batch_size` \(32\) must be a multiple of .* \(6\)"):
        TrainSection.model_validate({"steps": 1, "batch_ramp": {"start": 6, "steps": 3}})
