from __future__ import annotations

import pytest

from domainbert.planning.dry_run import PhaseEstimate, _estimate
from domainbert.recipe.train import TrainSection
from domainbert.training.phases import CorpusSize, Phase


def test_a_phase_by_hand() -> None:
    train = TrainSection.model_validate(
        {"steps": 1, "batch_size": 20, "batch_ramp": {"start": 5, "steps": 4}}
    )
    size = CorpusSize(n_sequences=100, n_tokens=2550)
    found = _estimate(train, Phase("full", 3, 6, 1e-4), size, 0.01)
    # 15 sequences in step 3, then five times 20.
    assert found == PhaseEstimate("full", 6, 115, 2932, 1.15, pytest.approx(29.32))
