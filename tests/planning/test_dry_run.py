from __future__ import annotations

import pytest

from domainbert.planning.dry_run import _estimate
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
