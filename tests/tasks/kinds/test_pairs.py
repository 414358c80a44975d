from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers.pairs import pairs
from helpers.tasks import labelled, tune
from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef

from domainbert.plugin.domain import Prediction
from domainbert.plugin.records import Pair
from domainbert.run.session import Session
from domainbert.tasks.baselines.classification import predict_majority, predict_tfidf_svm
from domainbert.tasks.candidate import predict, score_batch
from domainbert.tasks.kinds.pairs import PAIRS
from domainbert.tasks.metrics.score import score
from domainbert.testing import FAMILIES

Folder = Callable[[str], Path]
TASK = labelled("pairs", "no", "yes")


def test_a_trivial_task_is_learned_without_a_mistake(
    family_folder: Folder, session: Session
) -> None:
    loaded = pairs()
    tuned = tune(family_folder("bert"), loaded, session, epochs=12, learning_rate=1e-2)
    made = predict(tuned)["test"]
    assert score(loaded.task, made) == {"accuracy": 1.0, "f1_macro": 1.0, "mcc": 1.0}
    assert [p.gold for p in made] == [pair.labels for pair in loaded.splits["test"]]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("pooling", ["mean", "head"])
def test_scores_are_those_of_transformers(
    family_folder: Folder, session: Session, family: str, pooling: str
) -> None:
    tuned = tune(family_folder(family), pairs(), session, steps=1, pooling=pooling)
    records = tuned.loaded.splits["test"][:3]
    windows = PAIRS.encode(records, tuned.tokenizer, tuned.settings)
    given = tuned.tokenizer(
        [p.text for p in records], [p.second for p in records], padding=True,
        truncation="longest_first", max_length=16, return_tensors="pt",
    )  # fmt: skip
    types = given.get("token_type_ids")
    if getattr(tuned.model.encoder.config, "type_vocab_size", 0) <= 1:
        types = None  # a model without types refuses them, or reads over them
    with torch.inference_mode():
        made = score_batch(tuned, windows)
        expected = tuned.model.score_texts(given["input_ids"], given["attention_mask"], types)
    torch.testing.assert_close(made, expected, atol=1e-5, rtol=1e-5)


def test_the_token_types_decide_which_text_is_which(
    family_folder: Folder, session: Session
) -> None:
    tuned = tune(family_folder("bert"), pairs(), session, steps=1)
    windows = PAIRS.encode(tuned.loaded.splits["test"][:1], tuned.tokenizer, tuned.settings)
    from dataclasses import replace

    with torch.inference_mode():
        typed, plain = (
            score_batch(tuned, [w]) for w in (windows[0], replace(windows[0], token_types=()))
        )
    assert not torch.equal(typed, plain)


def test_metrics_are_those_of_scikit_learn() -> None:
    gold, guess = list("aabbc"), list("abbcc")
    task = labelled("pairs", "a", "b", "c")
    made = score(task, [Prediction((g,), (p,)) for g, p in zip(gold, guess, strict=True)])
    assert made["accuracy"] == accuracy_score(gold, guess)
    assert made["f1_macro"] == pytest.approx(f1_score(gold, guess, average="macro"))
    assert made["mcc"] == pytest.approx(matthews_corrcoef(gold, guess))


def test_baselines_read_both_texts() -> None:
    loaded = pairs()
    assert score(loaded.task, predict_majority(loaded, 0)["test"])["accuracy"] == 0.5
    assert score(loaded.task, predict_tfidf_svm(loaded, 0)["test"])["accuracy"] == 1.0


def test_the_corpus_is_searched_for_each_text() -> None:
    pair = Pair("the barn", "the baker", ("yes",))
    assert PAIRS.parts is not None
    assert (PAIRS.text(pair), PAIRS.parts(pair)) == (
        "the barn\nthe baker",
        ("the barn", "the baker"),
    )


@pytest.mark.parametrize(
    ("pair", "message"),
    [
        (Pair("a", " ", ("yes",)), "a text is empty"),
        (Pair("a", "b", ()), "0 labels (); expected one"),
        (Pair("a", "b", ("no", "yes")), "2 labels ('no', 'yes'); expected one"),
        (Pair("a", "b", ("\u200b",)), "a label has invisible characters: ('\\u200b',)"),
        (Pair("a", "b", ("yes",)), ""),
    ],
)
def test_records_that_do_not_suit(pair: Pair, message: str) -> None:
    assert PAIRS.check(pair, TASK) == message


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"multi_label": True}, "multi_label and levels are for classification"),
        ({"null_label": "none"}, "null_label is for relations"),
        ({"columns": {"second": "x"}}, ""),
    ],
)
def test_declarations_that_do_not_suit(changes: Any, message: str) -> None:
    assert PAIRS.check_task(labelled("pairs", **changes)) == message
