from __future__ import annotations

import pytest

from domainbert.planning.dry_run import _estimate, count_trials
from domainbert.recipe.schema import Recipe
from domainbert.recipe.train import TrainSection
from domainbert.training.phases import Phase


def test_a_phase_by_hand() -> None:
    train = TrainSection.model_validate(
        {"steps": 1, "batch_size": 20, "batch_ramp": {"start": 5, "steps": 4}}
    )
    found = _estimate(train, Phase("full", 3, 6, 1e-4), (100, 2550), 0.01)
    # 15 sequences in step 3, then five times 20.
    assert found == {
        "name": "full", "steps": 6, "sequences": 115, "tokens": 2932, "epochs": 1.15,
        "seconds": pytest.approx(29.32),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("blend", "n_points", "trials"),
    [
        (None, 0, 8),
        ({"points": [0.5, 0.7]}, 2, 20),
        ({"choose": 0.5}, 3, 12),
        ({"choose": 1}, 0, 8),
    ],
)
def test_trials_are_counted_before_they_are_run(
    blend: dict[str, object] | None, n_points: int, trials: int
) -> None:
    recipe = Recipe.model_validate(
        {
            "name": "a", "base": "b", "corpus": [{"path": "c.txt"}], "train": {"steps": 1},
            "tasks": ["one", "two@50"], "evaluate": {"seeds": [0, 1]}, "blend": blend,
        }
    )  # fmt: skip
    assert count_trials(recipe, n_points) == trials
