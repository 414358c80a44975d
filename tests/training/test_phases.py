from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domainbert.errors import RecipeError
from domainbert.recipe.train import TrainSection
from domainbert.training.phases import (
    MOST_STEPS,
    CorpusSize,
    Phase,
    check_shares,
    count_steps,
    full_phase,
    head_phase,
    places_before,
)

SIZE = CorpusSize(n_sequences=100, n_tokens=2550)


def section(**values: Any) -> TrainSection:
    return TrainSection(**{"learning_rate": 1e-4, **values})


def test_a_new_head_learns_first_and_its_steps_come_on_top() -> None:
    train = section(steps=30, head_steps=5)
    assert head_phase(train) == Phase("head", 0, 5, 1e-3)
    assert full_phase(train, 5, 30) == Phase("full", 5, 30, 1e-4)
    assert full_phase(train, 5, 30).stop == 35


@pytest.mark.parametrize(
    ("epochs", "sequences", "batch", "steps"),
    [(1, 100, 32, 4), (2, 100, 25, 8), (0.5, 100, 32, 2), (0.001, 10, 32, 1), (3, 1, 32, 1)],
)
def test_epochs_become_steps_rounded_up_to_one_at_least(
    epochs: float, sequences: int, batch: int, steps: int
) -> None:
    size = CorpusSize(sequences, sequences * 9)
    assert count_steps(section(epochs=epochs, batch_size=batch), size, 0) == steps


@pytest.mark.parametrize(
    ("tokens", "steps"),
    # A batch of 10 sequences has 255 tokens in the mean.
    [(1, 1), (255, 1), (256, 2), (510, 2), (2550, 10), (2551, 11), (25_500_000, 100_000)],
)
def test_tokens_become_the_first_step_at_which_as_many_are_expected(
    tokens: int, steps: int
) -> None:
    assert count_steps(section(tokens=tokens, batch_size=10), SIZE, 0) == steps


@pytest.mark.parametrize(
    "budget",
    [
        {"tokens": 10**400},
        {"tokens": 10**15},
        {"epochs": 1e308},
        {"epochs": 1e8},
        {"minutes": 1e300},
    ],
)
def test_more_steps_than_a_checkpoint_can_be_named_after_are_refused(budget: Any) -> None:
    (key,) = budget
    with pytest.raises(RecipeError) as caught:
        count_steps(section(**budget, batch_size=10), SIZE, 0, 0.01)
    assert str(caught.value) == (
        f"train.{key}: comes to more than 99,999,999 steps. Train for less, or raise "
        "`train.batch_size`."
    )


def test_the_most_steps_include_those_of_the_head() -> None:
    train = section(steps=MOST_STEPS)
    assert full_phase(train, 0, MOST_STEPS).stop == MOST_STEPS
    with pytest.raises(RecipeError, match=r"train\.steps: comes to more than 99,999,999 steps"):
        full_phase(train, 1, MOST_STEPS)


def test_a_batch_that_processes_cannot_share_is_refused() -> None:
    check_shares(section(steps=1, batch_size=6), 3)
    with pytest.raises(RecipeError, match=r"train\.batch_size: 6 cannot be shared by 4 processes"):
        check_shares(section(steps=1, batch_size=6), 4)
    ramp = {"start": 2, "steps": 3}
    with pytest.raises(RecipeError, match=r"train\.batch_ramp\.start: 2 cannot be shared by 3"):
        check_shares(section(steps=1, batch_size=6, batch_ramp=ramp), 3)


def test_the_batch_ramp_is_respected_from_the_step_after_the_head_phase() -> None:
    ramp = {"start": 5, "steps": 4}  # 5 5 10 15 | 20 20 20 …
    train = section(epochs=1, batch_size=20, batch_ramp=ramp)
    assert [places_before(train, n) for n in range(7)] == [0, 5, 10, 20, 35, 55, 75]
    assert count_steps(train, SIZE, 0) == 8
    assert count_steps(train, SIZE, 3) == 6  # 15 sequences, then five times 20
    assert count_steps(train, SIZE, 4) == 5


@given(
    epochs=st.integers(1, 20),
    sequences=st.integers(1, 10_000),
    batch=st.integers(1, 512),
    first=st.integers(0, 300),
)
def test_an_epoch_reads_every_sequence(epochs: int, sequences: int, batch: int, first: int) -> None:
    train = section(epochs=epochs, batch_size=batch)
    steps = count_steps(train, CorpusSize(sequences, sequences), first)
    assert steps == math.ceil(epochs * sequences / batch)


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({}, "none"),
        ({"steps": 1, "minutes": 2}, "`steps` and `minutes`"),
        ({"epochs": 1, "tokens": 5, "minutes": 2}, "`epochs` and `tokens` and `minutes`"),
    ],
)
def test_a_recipe_has_one_budget(given: dict[str, float], found: str) -> None:
    with pytest.raises(ValueError, match=f"`tokens` and `minutes`, found {found}"):
        section(**given)
