from __future__ import annotations

import numpy as np
import pytest
import torch
from helpers.tasks import classification, examples, tagging
from sklearn.utils.class_weight import compute_class_weight
from torch.nn import functional

from domainbert.errors import DataError
from domainbert.plugin.domain import Window
from domainbert.recipe.evaluate import EvaluateSection
from domainbert.tasks.check import check_evaluation
from domainbert.tasks.kinds.classification import CLASSIFICATION
from domainbert.tasks.learning import with_class_weights

BALANCED = EvaluateSection(class_weights="balanced")


def test_class_weights_are_those_of_scikit_learn_and_torch() -> None:
    one, other = (examples(first, 48) for first in (0, 100))
    train = (*(e for e in one if e.labels == ("person",)), *other[:5])
    loaded = classification(train=train)
    windows = [Window(number, (1, 2)) for number in range(len(train))]
    weighted = with_class_weights(windows, CLASSIFICATION, loaded)
    gold = [e.labels[0] for e in train]
    names = loaded.task.labels
    weight_C = compute_class_weight("balanced", classes=np.array(names), y=np.array(gold))
    of_class = dict(zip(names, weight_C, strict=True))
    assert [w.weight for w in weighted] == pytest.approx([of_class[name] for name in gold])
    assert np.mean([w.weight for w in weighted]) == pytest.approx(1.0)
    scores_BC = torch.randn(len(train), 2, generator=torch.Generator().manual_seed(0))
    targets = CLASSIFICATION.targets(loaded.task, train)
    mine = CLASSIFICATION.loss(scores_BC, weighted, targets)
    theirs = functional.cross_entropy(
        scores_BC, torch.stack(list(targets)), weight=torch.tensor(weight_C, dtype=torch.float32)
    )
    assert float(mine) == pytest.approx(float(theirs), rel=1e-5)


def test_class_weights_need_one_label_per_record() -> None:
    check_evaluation([classification()], BALANCED)
    check_evaluation([tagging()], EvaluateSection())
    for loaded in (tagging(), classification(True)):
        with pytest.raises(DataError, match=r"class_weights: balanced .* one label per record"):
            check_evaluation([loaded], BALANCED)
