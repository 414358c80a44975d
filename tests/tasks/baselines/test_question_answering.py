from __future__ import annotations

from helpers.tasks import question_answering

from domainbert.plugin.components import Baseline
from domainbert.plugin.domain import Prediction
from domainbert.plugin.records import Question
from domainbert.plugin.registry import component
from domainbert.tasks.check import baseline_names
from domainbert.tasks.metrics.score import score

CONTEXT = "The mill was old. The baker moved it at dawn. Nobody saw it."


def test_the_sentence_with_most_words_of_the_question() -> None:
    records = (
        Question("When did the baker move?", CONTEXT, ("dawn", "at dawn", "dawn"), (38, 35, 38)),
        Question("Why?", CONTEXT, (), ()),
    )
    loaded = question_answering(validation=records, test=records)
    made = component(Baseline, "closest-sentence").predict(loaded, 0)["test"]
    assert made == (
        Prediction(("dawn", "at dawn"), ("The baker moved it at dawn.",)),
        Prediction(("",), ("The mill was old.",)),
    )
    none = component(Baseline, "no-answer").predict(loaded, 0)["validation"]
    assert [p.predicted for p in none] == [("",), ("",)]
    assert score(loaded.task, none) == {"f1_answer": 0.5, "exact_match": 0.5}


def test_no_answer_is_a_baseline_where_some_have_none() -> None:
    assert baseline_names(question_answering()) == ("closest-sentence",)
    assert baseline_names(question_answering(True)) == ("closest-sentence", "no-answer")
