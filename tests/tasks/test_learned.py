from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from helpers.tasks import classification, tune

from domainbert.plugin.domain import Prediction
from domainbert.run.session import Session
from domainbert.tasks.candidate import predict
from domainbert.tasks.learned import learned_nothing, says_one_thing

A, B = ("a",), ("b",)


def test_a_model_that_says_one_thing_of_all_has_not_learned() -> None:
    assert says_one_thing([Prediction(A, A), Prediction(B, A)])
    assert not says_one_thing([Prediction(A, A), Prediction(B, B)])
    # Where gold says one thing, too, nothing is known.
    assert not says_one_thing([Prediction(A, A), Prediction(A, A)])
    # A tagger that finds no mention, and a model that gives no label at all.
    tags = ("O", "B-X", "O")
    assert says_one_thing([Prediction(tags, ("O", "O", "O"), words=("x", "y", "z"))])
    assert says_one_thing([Prediction(A, ()), Prediction((*A, *B), ())])
    assert not says_one_thing([Prediction(tags, tags, words=("x", "y", "z"))])


def test_the_notice_says_what_to_change(
    family_folder: Callable[[str], Path], session: Session
) -> None:
    tuned = tune(family_folder("bert"), classification(), session, learning_rate=1e-8, epochs=1)
    assert says_one_thing(predict(tuned)["test"])
    said = learned_nothing(tuned)
    assert "9 steps at rate 1e-08 on 36 examples" in said
    assert "Raise `evaluate.epochs` or `evaluate.min_steps`, then `evaluate.learning_rate`" in said
