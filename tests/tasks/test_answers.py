from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from domainbert.plugin.domain import Window
from domainbert.plugin.records import Question
from domainbert.tasks.answers import MAX_ANSWER, Found, best_threshold, find_answers
from domainbert.tasks.metrics.answers import best_of, overlap_f1

REFERENCE = Path(__file__).parent / "metrics" / "squad_reference.json"


def question(*answers: str) -> Question:
    return Question("who", "x", answers, (0,) * len(answers))


def gained(questions: list[Question], found: list[Found], threshold: float) -> float:
    """Return the summed F1 if no answer is given above a threshold."""
    return sum(
        best_of(overlap_f1, q.answers or ("",), "" if f.doubt > threshold else f.best[0][0])
        for q, f in zip(questions, found, strict=True)
    )


def test_the_threshold_is_that_of_the_official_script() -> None:
    cases = json.loads(REFERENCE.read_text("utf-8"))["thresholds"]
    assert len(cases) > 40
    for rows, best, threshold in cases:
        questions = [question(*gold) for gold, _, _ in rows]
        found = [Found(((guess, 0.0),), doubt) for _, guess, doubt in rows]
        chosen = best_threshold(questions, found)
        assert 100 * gained(questions, found, chosen) / len(rows) == pytest.approx(best)
        # Where answering gains nothing, the script says 0, whatever the scores are.
        if threshold != 0.0:
            assert chosen == threshold


def test_no_other_threshold_is_better() -> None:
    random = np.random.default_rng(4)
    for _ in range(200):
        size = random.integers(1, 12)
        questions = [question(*(["cat"] if random.random() < 0.6 else [])) for _ in range(size)]
        # Few different doubts, so that some are equal.
        found = [
            Found(((str(random.choice(["cat", "cat mat", "dog"])), 0.0),), float(doubt))
            for doubt in random.integers(-2, 3, size)
        ]
        best = gained(questions, found, best_threshold(questions, found))
        assert best >= max(gained(questions, found, at) for at in np.arange(-3, 4, 0.5)) - 1e-9


def test_where_every_question_has_an_answer_one_is_given() -> None:
    assert best_threshold([question("cat")], [Found((("dog", 1.0),), 9.0)]) == float("inf")


def slowly(window: Window, scores: Any, context: str) -> dict[str, float]:
    """Return every possible answer of a window with its score, by two loops."""
    found: dict[str, float] = {}
    for first, (start, stop) in enumerate(window.spans):
        for last in range(first, min(first + MAX_ANSWER, len(window.spans))):
            end = window.spans[last][1]
            if stop > start and window.spans[last][1] > window.spans[last][0]:
                text, value = context[start:end].strip(), float(scores[first, 0] + scores[last, 1])
                if text:
                    found[text] = max(value, found.get(text, value))
    return found


def test_the_best_answers_are_those_of_two_loops_over_all_spans() -> None:
    random = np.random.default_rng(8)
    for _ in range(40):
        letters = random.choice(list("abcdefghij"), 50)
        context = " ".join(letters)
        question = Question("who", context, (), ())
        windows, rows, everything, none = [], [], dict[str, float](), []
        for first in (0, 20):
            stop = min(first + 40, 50)
            spans = [(2 * n, 2 * n + 1) for n in range(first, stop)]
            spans[3] = (spans[3][0], spans[3][0])  # a token of no character
            places = ((0, 0), (0, 0), *spans, (0, 0))
            window = Window(0, (1,) * len(places), spans=places)
            scores = random.normal(size=(len(places), 2)).astype(np.float32)
            windows.append(window)
            rows.append(scores)
            none.append(float(scores[0].sum()))
            for text, value in slowly(window, scores, context).items():
                everything[text] = max(value, everything.get(text, value))
        (found,) = find_answers([question], (windows, np.concatenate(rows)))
        expected = sorted(everything.items(), key=lambda item: -item[1])[:9]
        assert [text for text, _ in found.best] == [text for text, _ in expected]
        assert [s for _, s in found.best] == pytest.approx([s for _, s in expected])
        assert found.none == min(none)
        assert found.doubt == pytest.approx(min(none) - expected[0][1])


def test_a_context_without_a_token_has_no_answer() -> None:
    window = Window(0, (1, 2), spans=((0, 0), (0, 0)))
    (found,) = find_answers([question("x")], ([window], np.ones((2, 2), np.float32)))
    assert found == Found((), 2.0)
    assert found.doubt == float("inf")
