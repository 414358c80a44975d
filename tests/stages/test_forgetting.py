from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from domainbert.errors import RunFailed
from domainbert.recipe.schema import Recipe
from domainbert.stages.blend import Blend, Point
from domainbert.stages.forgetting import check_forgetting
from domainbert.stages.held_out import Measured
from domainbert.training.held_out import HeldOutScore

GENERAL = {"general": {"path": "general.txt"}}


def recipe(**changes: Any) -> Recipe:
    made = {
        "name": "x",
        "base": "x",
        "corpus": [{"path": "x.txt"}],
        "train": {"steps": 1},
        "held_out": GENERAL,
        "forgetting": {"max_bits": 0.05},
    }
    return Recipe.model_validate(made | changes)


def measured(general: float | None) -> Measured:
    def score(bits: float) -> HeldOutScore:
        return HeldOutScore(bits, 0.5, 10, 100, 50, 200)

    return Measured(score(2.0), None if general is None else score(general))


def test_a_model_that_lost_more_than_allowed_ends_the_run() -> None:
    check_forgetting(recipe(), measured(2.0), measured(2.04))
    with pytest.raises(RunFailed) as caught:
        check_forgetting(recipe(), measured(2.0), measured(2.07))
    assert caught.value.exit_code == 1
    assert "forgetting.max_bits: 0.05, but the model has 2.070 bits" in str(caught.value)
    assert "0.070 more than its base" in str(caught.value)
    check_forgetting(recipe(forgetting=None), measured(2.0), measured(3.0))


def test_of_a_blend_the_point_that_is_handed_over_counts() -> None:
    blended = recipe(blend={"points": [0.5], "choose": 0.5})
    curve = (Point(0.0, 2.0, 2.0), Point(0.5, 2.0, 2.02), Point(1.0, 2.0, 2.3))
    ends = measured(2.0), measured(2.3)
    check_forgetting(blended, *ends)  # nothing is chosen yet
    check_forgetting(blended, *ends, Blend(0.5, curve=curve))
    with pytest.raises(RunFailed, match=r"2\.300 bits"):
        check_forgetting(blended, *ends, Blend(1.0, curve=curve))


def test_a_limit_needs_a_general_text() -> None:
    with pytest.raises(ValidationError, match=r"needs a general text: give `held_out\.general`"):
        recipe(held_out={})
