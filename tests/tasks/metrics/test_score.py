from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval.metrics import f1_score, precision_score, recall_score
from seqeval.scheme import IOB2, Entities

from domainbert.tasks.metrics.entities import entity_counts, score_entities, spans
from domainbert.tasks.metrics.score import primary_of_counts

TAG = st.sampled_from(["O", "B-X", "I-X", "B-Y", "I-Y", "B-X-1", "I-X-1"])
TAGS = st.lists(TAG, min_size=1, max_size=10)
PAIRS = st.lists(
    st.integers(1, 10).flatmap(
        lambda n: st.tuples(
            st.lists(TAG, min_size=n, max_size=n), st.lists(TAG, min_size=n, max_size=n)
        )
    ),
    min_size=1,
    max_size=6,
)


def strict(measure: object, gold: list[list[str]], guess: list[list[str]]) -> float:
    """A measure of seqeval, strict IOB2, zero where it is undefined."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return float(measure(gold, guess, mode="strict", scheme=IOB2, zero_division=0))  # type: ignore[operator]


@given(TAGS)
def test_spans_are_the_entities_of_seqeval(tags: list[str]) -> None:
    expected = {(e.start, e.end, e.tag) for e in Entities([tags], IOB2).entities[0]}
    assert spans(tags) == expected


@given(PAIRS)
@settings(deadline=None)
def test_scores_are_those_of_seqeval(pairs: list[tuple[list[str], list[str]]]) -> None:
    gold, guess = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    scores = score_entities(gold, guess)
    assert scores["f1_strict"] == pytest.approx(strict(f1_score, gold, guess))
    assert scores["precision_strict"] == pytest.approx(strict(precision_score, gold, guess))
    assert scores["recall_strict"] == pytest.approx(strict(recall_score, gold, guess))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert scores["f1_default"] == pytest.approx(f1_score(gold, guess, zero_division=0))


@given(PAIRS)
@settings(deadline=None)
def test_f1_of_the_summed_counts_is_strict_f1(pairs: list[tuple[list[str], list[str]]]) -> None:
    gold, guess = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    counts = entity_counts(gold, guess)
    assert counts.shape == (len(pairs), 3)
    assert float(primary_of_counts(counts.sum(axis=0)[None])) == pytest.approx(
        strict(f1_score, gold, guess)
    )


@given(PAIRS)
def test_counts_of_a_sentence_do_not_depend_on_the_others(
    pairs: list[tuple[list[str], list[str]]],
) -> None:
    gold, guess = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    alone = [entity_counts([true], [said])[0].tolist() for true, said in pairs]
    assert entity_counts(gold, guess).tolist() == alone


def test_spans_by_hand() -> None:
    tags = ["B-X", "I-X", "O", "I-X", "B-Y", "B-Y", "I-X", "I-Y", "B-X"]
    assert spans(tags) == {(0, 2, "X"), (4, 5, "Y"), (5, 6, "Y"), (8, 9, "X")}


def test_counts_and_scores_by_hand() -> None:
    gold = [["B-X", "I-X", "O", "B-Y"], ["O", "O"], ["B-X"]]
    guess = [["B-X", "I-X", "O", "B-X"], ["B-X", "O"], ["B-X"]]
    assert entity_counts(gold, guess).tolist() == [[1, 2, 2], [0, 1, 0], [1, 1, 1]]
    scores = score_entities(gold, guess)
    assert (scores["precision_strict"], scores["recall_strict"]) == (2 / 4, 2 / 3)
    assert scores["f1_strict"] == pytest.approx(4 / 7)


def test_strict_and_default_differ_where_a_mention_begins_with_i() -> None:
    scores = score_entities([["O", "B-X", "I-X", "O"]], [["O", "I-X", "I-X", "O"]])
    assert (scores["f1_strict"], scores["f1_default"]) == (0.0, 1.0)


def test_without_any_mention_scores_are_zero() -> None:
    scores = score_entities([["O", "O"]], [["O", "O"]])
    assert set(scores.values()) == {0.0}


def test_the_headline_of_counts_is_the_mean_over_classes_that_occur() -> None:
    counts = np.array([[[1, 2, 2], [0, 0, 0]], [[3, 3, 3], [0, 5, 1]]])
    assert primary_of_counts(counts).tolist() == [0.5, 0.5]
    assert float(primary_of_counts(np.zeros((2, 3)))) == 0.0


def test_unequal_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="2 gold sentences, 1 predicted"):
        score_entities([["O"], ["O"]], [["O"]])
    with pytest.raises(ValueError, match="sentence 1: 2 gold tags, 1 predicted"):
        score_entities([["O"], ["O", "O"]], [["O"], ["O"]])
