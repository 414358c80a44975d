from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers.tasks import tagging, tune
from pydantic import ValidationError
from torch import nn

from domainbert.recipe.evaluate import EvaluateSection
from domainbert.run.session import Session
from domainbert.tasks import finetune as module
from domainbert.tasks.best_epoch import BestEpoch

Folder = Callable[[str], Path]


def looked(scores: list[float], patience: int | None) -> tuple[int, int, float]:
    """Epochs that were run, the one taken, and the weight it had."""
    model, best = nn.Linear(1, 1, bias=False), BestEpoch(3, 3 * len(scores), patience)
    for epoch, value in enumerate(scores, start=1):
        nn.init.constant_(model.weight, epoch)
        best.look(value, model)
        if best.is_over:
            break
    return epoch, best.restore(model), float(model.weight.detach())


def test_the_first_of_the_best_epochs_is_taken() -> None:
    assert looked([0.1, 0.5, 0.5, 0.4], None) == (4, 2, 2.0)
    assert looked([0.0, 0.0], None) == (2, 1, 1.0)


def test_patience_ends_a_run_that_does_not_get_better() -> None:
    assert looked([0.1, 0.5, 0.5, 0.4, 0.9], 2) == (4, 2, 2.0)
    assert looked([0.1, 0.5, 0.4, 0.6, 0.5], 2) == (5, 4, 4.0)


def test_an_epoch_ends_with_the_last_step_too() -> None:
    best = BestEpoch(3, 8, None)
    assert [step for step in range(1, 9) if best.is_due(step)] == [3, 6, 8]


def test_the_weights_are_those_that_had_the_best_score(
    family_folder: Folder, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, states, scores = family_folder("bert"), list[Any](), iter([0.2, 0.9, 0.3])

    def measured(tuned: Any) -> float:
        states.append({key: value.clone() for key, value in tuned.model.state_dict().items()})
        return next(scores)

    monkeypatch.setattr(module, "validation_score", measured)
    tuned = tune(folder, tagging(), session, epochs=3, epoch="best")
    assert (tuned.epoch, len(states)) == (2, 3)
    tokens = "encoder.embeddings.word_embeddings.weight"  # of which some rows learn, apart
    own = {k: v for k, v in tuned.model.state_dict().items() if k != tokens}
    assert all(torch.equal(v, states[1][k]) for k, v in own.items())
    last = tune(folder, tagging(), session, epochs=3)
    assert last.epoch is None
    # Looking at validation changes nothing of what is learned.
    for name in own:
        torch.testing.assert_close(last.model.state_dict()[name], states[2][name])


def test_patience_without_the_best_epoch_is_refused() -> None:
    with pytest.raises(ValidationError, match="`patience` is for `epoch: best`"):
        EvaluateSection(patience=2)
