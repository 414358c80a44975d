from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers.pairs import ratings
from helpers.tasks import SETTINGS, labelled, tune

from domainbert.model.classifier import in_units
from domainbert.plugin.domain import Prediction, Window
from domainbert.plugin.records import Rating
from domainbert.run.session import Session
from domainbert.tasks.candidate import predict, score_batch
from domainbert.tasks.kinds.regression import REGRESSION, units
from domainbert.tasks.metrics.score import check_predictions, score
from domainbert.testing import FAMILIES

Folder = Callable[[str], Path]
TASK = labelled("regression")


@pytest.mark.parametrize("paired", [False, True])
def test_a_trivial_task_is_learned_in_its_units(
    family_folder: Folder, session: Session, paired: bool
) -> None:
    loaded = ratings(paired)
    tuned = tune(family_folder("bert"), loaded, session, epochs=8, learning_rate=5e-3)
    made = predict(tuned)
    check_predictions(REGRESSION, loaded, made)
    scores = score(loaded.task, made["test"])
    assert list(scores) == ["pearson", "spearman", "r2", "mse"]
    assert min(scores["pearson"], scores["r2"]) > 0.95
    assert [float(p.gold[0]) for p in made["test"]] == [r.score for r in loaded.splits["test"]]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("pooling", ["mean", "head"])
def test_mean_and_deviation_become_part_of_the_weights(
    family_folder: Folder, session: Session, family: str, pooling: str
) -> None:
    tuned = tune(family_folder(family), ratings(), session, steps=1, pooling=pooling)
    windows = tuned.windows["test"]
    with torch.inference_mode():
        plain = score_batch(tuned, windows)
        from dataclasses import replace

        made = score_batch(replace(tuned, model=in_units(tuned.model, 200.5, 50.0)), windows)
    torch.testing.assert_close(made, plain * 50.0 + 200.5, atol=1e-3, rtol=1e-5)


def test_targets_are_standardised_and_windows_share_the_loss() -> None:
    records = [Rating("a", 1.0), Rating("b", 3.0), Rating("c", 8.0)]
    mean, spread = units(TASK, records)
    assert (mean, spread) == (4.0, pytest.approx(np.std([1, 3, 8])))
    targets = REGRESSION.targets(TASK, records)
    assert (np.mean(targets), np.std(targets)) == (pytest.approx(0), pytest.approx(1))
    windows = [Window(0, (), weight=0.5), Window(0, (), weight=0.5), Window(2, ())]
    scores = torch.tensor([[0.5], [1.5], [0.0]])
    errors = [(s - targets[w.record]) ** 2 for s, w in zip((0.5, 1.5, 0.0), windows, strict=True)]
    expected = (0.5 * errors[0] + 0.5 * errors[1] + errors[2]) / 2
    assert float(REGRESSION.loss(scores, windows, targets)) == pytest.approx(expected)


def test_scores_of_windows_are_averaged_and_numbers_are_read_again_exactly() -> None:
    windows = [Window(1, (), weight=0.5), Window(0, ()), Window(1, (), weight=0.5)]
    scores = np.array([[1.5], [0.1], [2.0]], dtype=np.float32)
    splits = {"test": [Rating("a", 0.1), Rating("b", 1 / 3)]}
    made = REGRESSION.decode(TASK, splits, {"test": (windows, scores)})["test"]
    assert [float(p.gold[0]) for p in made] == [0.1, 1 / 3]
    assert [float(p.predicted[0]) for p in made] == [float(np.float32(0.1)), 1.75]
    assert [REGRESSION.misfit(p, TASK) for p in made] == ["", ""]


@pytest.mark.parametrize("paired", [False, True])
def test_long_texts_are_counted(tokenizer_of: Callable[[str], Any], paired: bool) -> None:
    second = "the " * 6 if paired else ""
    records = [Rating("the " * n, 1.0, second) for n in (3, 14, 15)]
    tokenizer = tokenizer_of("bert")
    assert REGRESSION.count_long(records, tokenizer, 16) == (2 if paired else 1)
    assert len(REGRESSION.encode(records, tokenizer, SETTINGS)) == 3


@pytest.mark.parametrize(
    ("rating", "message"),
    [
        (Rating(" ", 1.0), "a text is empty"),
        (Rating("a", 1.0, "\t"), "a text is empty"),
        (Rating("a", float("nan")), "score nan; expected a finite number"),
        (Rating("a", float("-inf")), "score -inf; expected a finite number"),
        (Rating("a", "3"), "score '3'; expected a finite number"),  # type: ignore[arg-type]
        (Rating("a", True), "score True; expected a finite number"),
        (Rating("a", 3, "b"), ""),
    ],
)
def test_records_that_do_not_suit(rating: Rating, message: str) -> None:
    assert REGRESSION.check(rating, TASK) == message


@pytest.mark.parametrize(
    ("train", "test", "wrong"),
    [
        ([1, 1], [1, 2],
         ("train", "has one score only, 1, so nothing can be learned")),
        ([1, 2], [3], ("test", "has one score only, 3, so nothing can be compared")),
        ([1, 2], [1, 2], None),
    ],
)  # fmt: skip
def test_splits_of_one_score_are_refused(train: list[int], test: list[int], wrong: Any) -> None:
    splits = {s: [Rating("a", n) for n in given] for s, given in (("train", train), ("test", test))}
    assert REGRESSION.check_splits(TASK, splits) == wrong


def test_texts_and_pairs_are_not_mixed() -> None:
    ones, twos = [Rating("a", 1), Rating("b", 2)], [Rating("a", 1, "b"), Rating("b", 2, "c")]
    wrong = "has texts and pairs of texts; expected one or the other in all splits"
    assert REGRESSION.check_splits(TASK, {"train": ones, "test": twos}) == ("train", wrong)
    assert REGRESSION.check_splits(TASK, {"train": twos, "test": [*ones, *twos]}) is not None
    assert REGRESSION.check_splits(TASK, {"train": twos, "test": twos}) is None


@pytest.mark.parametrize("text", ["nan", "inf", "1e999", "1_0", " 1.0", "1", "one", ""])
def test_predictions_are_finite_numbers_in_one_form(text: str) -> None:
    wrong = "one finite number was expected as gold and one as predicted"
    assert REGRESSION.misfit(Prediction(("1.0",), (text,)), TASK) == wrong
    assert REGRESSION.misfit(Prediction((text,), ("1.0",)), TASK) == wrong


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"label_names": ("a", "b")},
         "labels, label_names, multi_label and levels are for classes, not for numbers"),
        ({"null_label": "none"}, "null_label is for relations"),
        ({"columns": {"second": "x"}}, ""),
    ],
)  # fmt: skip
def test_declarations_that_do_not_suit(changes: Any, message: str) -> None:
    assert REGRESSION.check_task(labelled("regression", **changes)) == message
