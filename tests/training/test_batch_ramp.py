from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domainbert.errors import RecipeError
from domainbert.recipe.train import TrainSection
from domainbert.training.batch_ramp import batch_places, places_before, steps_to_read
from domainbert.training.data.order import global_batch, index_sequences


def ramped(start: int, times: int, steps: int) -> TrainSection:
    ramp = {"start": start, "steps": steps}
    return TrainSection.model_validate(
        {"steps": 1, "batch_size": start * times, "batch_ramp": ramp}
    )


RAMPS = st.builds(ramped, st.integers(1, 16), st.integers(1, 40), st.integers(1, 200))


def sizes(settings: TrainSection, count: int) -> list[int]:
    return [stop - start for start, stop in (batch_places(settings, n) for n in range(count))]


def test_without_a_ramp_all_batches_are_equal() -> None:
    settings = TrainSection(steps=1, batch_size=7)
    assert [batch_places(settings, step) for step in (0, 1, 1000)] == [
        (0, 7), (7, 14), (7000, 7007),
    ]  # fmt: skip


def test_a_ramp_by_hand() -> None:
    # From 8 to 32 in 6 steps: 8 · (1 + floor(3t/6)).
    settings = ramped(8, 4, 6)
    assert sizes(settings, 9) == [8, 8, 16, 16, 24, 24, 32, 32, 32]
    assert batch_places(settings, 6) == (96, 128)


def test_a_ramp_shorter_than_its_rise_leaves_sizes_out() -> None:
    assert sizes(ramped(2, 5, 2), 4) == [2, 6, 10, 10]


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


@given(settings=RAMPS, n=st.integers(1, 60))
def test_every_sequence_is_read_once_an_epoch_and_epochs_have_no_gap(
    settings: TrainSection, n: int
) -> None:
    store: Any = SimpleNamespace(lengths_D=np.ones(n, dtype=np.int64))
    index = index_sequences(store, np.arange(n), 4)
    steps = steps_to_read(settings, 0, 2 * n)
    read = [
        key for step in range(steps) for key in global_batch(index, 5, batch_places(settings, step))
    ]
    assert [key.epoch for key in read] == [place // n for place in range(len(read))]
    assert Counter((k.epoch, k.sequence) for k in read[: 2 * n]) == Counter(
        (epoch, sequence) for epoch in range(2) for sequence in range(n)
    )


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


def test_the_smallest_batch_must_be_shared_by_the_processes(
    make_job: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make_job(steps=2, batch_size=4, batch_ramp={"start": 2, "steps": 2})
    assert job.settings.batch_ramp.start == 2
    monkeypatch.setattr(type(job.session.accelerator), "num_processes", 4)
    with pytest.raises(RecipeError, match="2 cannot be shared by 4 processes"):
        make_job(steps=2, batch_size=4, batch_ramp={"start": 2, "steps": 2})
