from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers.pairs import pairs, ratings
from helpers.tasks import (
    SETTINGS,
    classification,
    examples,
    question_answering,
    sentences,
    tagging,
    tune,
)
from sklearn.utils.class_weight import compute_class_weight
from torch.nn import functional

from domainbert.errors import DataError
from domainbert.plugin.domain import Window
from domainbert.recipe.evaluate import EvaluateSection
from domainbert.run.session import Session
from domainbert.tasks.candidate import predict
from domainbert.tasks.check import check_evaluation
from domainbert.tasks.kinds.classification import CLASSIFICATION
from domainbert.tasks.kinds.tagging import TAGGING
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


@pytest.mark.parametrize("length", [16, 6])  # sentences in one window, and in several
def test_class_weights_of_tags_are_those_of_scikit_learn_and_torch(
    tokenizer_of: Callable[[str], Any], length: int
) -> None:
    loaded = tagging()
    train = loaded.splits["train"]
    settings = SETTINGS.model_copy(update={"max_seq_length": length})
    windows = TAGGING.encode(train, tokenizer_of("bert"), settings)
    assert (len(windows) > len(train)) == (length == 6)
    weighted = with_class_weights(windows, TAGGING, loaded)
    targets = TAGGING.targets(loaded.task, train)
    every = np.array([tag for record in targets for tag in record])
    names = TAGGING.outputs(loaded.task)
    seen = np.unique(every)  # of five tags one never occurs
    assert (len(names), len(seen)) == (5, 4)
    weight_C = torch.ones(len(names))
    weight_C[seen] = torch.tensor(
        compute_class_weight("balanced", classes=seen, y=every), dtype=torch.float32
    )
    gold = torch.tensor([targets[w.record][word] for w in windows for word in w.words])
    scores = torch.randn(len(gold), len(names), generator=torch.Generator().manual_seed(0))
    mine = TAGGING.loss(scores, weighted, targets)
    theirs = functional.cross_entropy(scores, gold, weight=weight_C)
    assert float(mine) == pytest.approx(float(theirs), rel=1e-6)
    plain = TAGGING.loss(scores, windows, targets)
    assert float(plain) == float(functional.cross_entropy(scores, gold)) != float(mine)


def test_weights_find_more_of_a_rare_tag(
    family_folder: Callable[[str], Path], session: Session
) -> None:
    # A third of the sentences is tagged: without weights O is the better guess for every word.
    train = tuple(
        replace(s, tags=s.tags if n % 3 == 0 else ("O",) * len(s.tags))
        for n, s in enumerate(sentences(0, 36))
    )
    loaded = tagging(train=train)
    found = {}
    for weights in ("none", "balanced"):
        tuned = tune(family_folder("bert"), loaded, session, epochs=6, class_weights=weights)
        tags = [tag for p in predict(tuned)["test"] for tag in p.predicted]
        found[weights] = sum(tag != "O" for tag in tags)
    assert found["balanced"] > found["none"]


def test_class_weights_need_tags_or_one_label_per_record() -> None:
    check_evaluation([classification(), tagging(), pairs()], BALANCED)
    for loaded in (classification(True), ratings(), question_answering()):
        check_evaluation([loaded], EvaluateSection())
        with pytest.raises(DataError, match=r"balanced is for tagging, and for tasks with one"):
            check_evaluation([loaded], BALANCED)
