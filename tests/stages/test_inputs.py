from __future__ import annotations

from helpers.pairs import pairs, questions
from helpers.tasks import classification, question_answering

from domainbert.corpus.steps import find_steps, run_steps
from domainbert.plugin.domain import Document
from domainbert.stages.inputs import step_context


def test_corpus_steps_see_each_text_of_a_pair_and_each_choice() -> None:
    loaded = pairs(), questions(), classification()
    context = step_context(loaded, None)
    pair, question, example = (one.splits["test"][0] for one in loaded)
    wanted = {pair.text, pair.second, question.text, *question.choices, example.text}
    assert wanted <= {*context.evaluation}
    assert f"{pair.text}\n{pair.second}" not in context.evaluation
    n_train = [len(one.splits["train"]) for one in loaded]
    assert len(context.training) == 2 * n_train[0] + 4 * n_train[1] + n_train[2]


def test_corpus_steps_see_questions_and_contexts() -> None:
    loaded = question_answering()
    context, question = step_context([loaded], None), loaded.splits["test"][0]
    assert {question.question, question.context} <= {*context.evaluation}
    assert f"{question.question} {question.context}" not in context.evaluation
    # A short context alone in a document: question and context together would not be found.
    documents = [Document("a", f"So {question.context}, it is said.", "a"), Document("b", "x", "b")]
    steps = find_steps(["decontaminate"], context)
    assert [document.id for document in run_steps(documents, steps, {})] == ["b"]
