"""Scores of answers equal those of SQuAD's script.

`squad_reference.json` has made-up answers with the values that `squad_metrics.py` of transformers 4
(`compute_exact`, `compute_f1`, `get_raw_scores`, `find_best_thresh`) gave them.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from helpers.tasks import labelled

from domainbert.plugin.domain import Prediction
from domainbert.tasks.metrics.answers import best_of, exact, overlap_f1, plain_answer
from domainbert.tasks.metrics.score import score

REFERENCE = json.loads(Path(__file__).with_name("squad_reference.json").read_text("utf-8"))


def test_exact_match_and_f1_are_those_of_the_official_script() -> None:
    assert len(REFERENCE["answers"]) == 400
    for gold, guess, equal, f1 in REFERENCE["answers"]:
        assert best_of(exact, gold, guess) == equal
        assert best_of(overlap_f1, gold, guess) == pytest.approx(f1, abs=1e-9)


def test_the_metrics_are_means_over_questions() -> None:
    rows = REFERENCE["answers"]
    made = [Prediction(tuple(gold), (guess,)) for gold, guess, _, _ in rows]
    found = score(labelled("question-answering"), made)
    assert list(found) == ["f1_answer", "exact_match"]
    assert found["exact_match"] == pytest.approx(sum(row[2] for row in rows) / len(rows))
    assert found["f1_answer"] == pytest.approx(sum(row[3] for row in rows) / len(rows))


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("The  Cat's\tmat.", "cats mat"), ("a-n", ""), ("an", ""), ("Theory", "theory"),
        ("the-end", "theend"), ("« the »", "« »"), ("", ""),
    ],
)  # fmt: skip
def test_plain_answers(text: str, plain: str) -> None:
    # Signs go before articles, so that `a-n` is the article `an`.
    assert plain_answer(text) == plain


def test_no_answer_is_right_only_where_there_is_none() -> None:
    assert (best_of(overlap_f1, [""], ""), best_of(overlap_f1, [""], "the")) == (1.0, 1.0)
    assert (best_of(exact, ["", "x"], ""), best_of(exact, ["the"], "")) == (0.0, 1.0)
