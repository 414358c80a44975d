from __future__ import annotations

import random
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from helpers.tasks import labelled, sentences
from hypothesis import given
from hypothesis import strategies as st
from nervaluate import Evaluator
from seqeval.metrics import classification_report, f1_score, precision_score, recall_score
from seqeval.scheme import IOB2
from sklearn.metrics import f1_score as f1_of_classes

from domainbert.errors import RunFailed
from domainbert.plugin.domain import Prediction
from domainbert.plugin.records import Sentence
from domainbert.report.statistics import bootstrap, records_of
from domainbert.tasks.metrics.entities import (
    default_counts,
    mark_seen,
    overlap_counts,
    strict_counts,
    strict_mentions,
)
from domainbert.tasks.metrics.score import metric_of, score

TAGS = ("O", "B-X", "I-X", "B-Y", "I-Y", "B-X-1", "I-X-1")
TAG = st.sampled_from(TAGS)
PAIR = st.integers(1, 10).flatmap(
    lambda n: st.tuples(*[st.lists(TAG, min_size=n, max_size=n).map(tuple)] * 2)
)
STRICT: dict[str, Any] = {"mode": "strict", "scheme": IOB2}
MEASURES = {"f1": f1_score, "precision": precision_score, "recall": recall_score}
REFERENCES: dict[str, Any] = {f"{name}_strict": (m, STRICT) for name, m in MEASURES.items()}
REFERENCES["f1_default"] = (f1_score, {})
TASK = labelled("tagging", "X", "Y", "X-1")
SEEN = ("recall_seen", "recall_unseen")


def values(predictions: Sequence[Prediction], *metrics: str) -> dict[str, float]:
    return score(labelled("tagging", *TASK.labels, metrics=metrics), predictions)


def tag_files(number: int) -> Iterator[list[Prediction]]:
    """Yield random predictions, many of them near the gold tags, malformed mentions among both."""
    draw = random.Random(7)
    for _ in range(number):
        rows = []
        for _ in range(draw.randint(1, 8)):
            gold = draw.choices(TAGS, (6, 2, 2, 1, 1, 1, 1), k=draw.randint(1, 14))
            changed = draw.choice((0.1, 0.4, 1.0))
            guess = [draw.choice(TAGS) if draw.random() < changed else tag for tag in gold]
            rows.append(Prediction(tuple(gold), tuple(guess)))
        yield rows


def sides(predictions: Sequence[Prediction]) -> tuple[list[list[str]], list[list[str]]]:
    return [list(p.gold) for p in predictions], [list(p.predicted) for p in predictions]


def chunks(tags: Sequence[str], opened_by: str = "BI") -> set[tuple[int, int, str]]:
    """Return the chunks of a sentence by the rules of conlleval.

    A chunk ends before O, before B, and before a tag of another type. A tag that is not O begins a
    chunk after O, where it is B, and after a tag of another type. With `opened_by="B"`: only the
    chunks whose first tag is B, which are those of strict IOB2.
    """
    found, first = set(), 0
    before, type_before = "O", ""
    for place, tag in enumerate([*tags, "O"]):
        part, _, label = tag.partition("-")
        ends = before != "O" and (part in "OB" or label != type_before)
        begins = part != "O" and (part == "B" or before == "O" or label != type_before)
        if ends and tags[first][0] in opened_by:
            found.add((first, place, type_before))
        first = place if begins else first
        before, type_before = part, label
    return found


def conlleval(predictions: Sequence[Prediction], opened_by: str = "BI") -> list[int]:
    pairs = [(chunks(p.gold, opened_by), chunks(p.predicted, opened_by)) for p in predictions]
    right = sum(len(gold & guess) for gold, guess in pairs)
    return [right, sum(len(guess) for _, guess in pairs), sum(len(gold) for gold, _ in pairs)]


def f1_of(right: int, predicted: int, gold: int) -> float:
    precision, recall = right / max(predicted, 1), right / max(gold, 1)
    return 2 * precision * recall / (precision + recall) if right else 0.0


@given(st.lists(PAIR, min_size=1, max_size=6))
def test_scores_are_those_of_seqeval(pairs: list[tuple[tuple[str, ...], ...]]) -> None:
    gold, guess = [list(pair[0]) for pair in pairs], [list(pair[1]) for pair in pairs]
    made = values([Prediction(*pair) for pair in pairs])
    with warnings.catch_warnings(action="ignore"):  # undefined scores are zero
        for name, (measure, options) in REFERENCES.items():
            expected = measure(gold, guess, zero_division=0, **options)
            assert made[name] == pytest.approx(expected, abs=1e-12)


def test_a_thousand_files_have_the_scores_of_seqeval_and_of_conlleval() -> None:
    malformed = 0
    for predictions in tag_files(1000):
        gold, guess = sides(predictions)
        made = values(predictions)
        default, strict = conlleval(predictions), conlleval(predictions, "B")
        malformed += default != strict
        assert default_counts(predictions).sum(axis=0).tolist() == default
        assert strict_counts(predictions).sum(axis=0).tolist() == strict
        assert made["f1_default"] == pytest.approx(f1_of(*default), abs=1e-12)
        assert made["f1_strict"] == pytest.approx(f1_of(*strict), abs=1e-12)
        with warnings.catch_warnings(action="ignore"):
            assert made["f1_default"] == pytest.approx(f1_score(gold, guess), abs=1e-12)
            assert made["f1_strict"] == pytest.approx(f1_score(gold, guess, **STRICT), abs=1e-12)
    assert malformed > 500


def test_counts_of_overlaps_are_those_of_nervaluate() -> None:
    schemes = {"strict": "strict", "exact": "exact", "partial": "partial", "type": "ent_type"}
    columns = ("correct", "incorrect", "partial", "missed", "spurious")
    used = np.zeros(5, dtype=int)
    for predictions in tag_files(300):
        found = Evaluator(*sides(predictions), tags=list(TASK.labels), loader="list").evaluate()
        made = values(predictions, "f1_exact", "f1_partial", "f1_type", "f1_type/Y")
        for scheme, name in schemes.items():
            expected = found["overall"][name]
            counts = overlap_counts(scheme, predictions).sum(axis=0)
            used += counts
            assert counts.tolist() == [getattr(expected, column) for column in columns]
            key = {"strict": "f1_default"}.get(scheme, f"f1_{scheme}")
            assert made[key] == pytest.approx(expected.f1, abs=1e-12)
        of_type = found["entities"].get("Y", {}).get("ent_type")
        assert made["f1_type/Y"] == pytest.approx(of_type.f1 if of_type else 0.0, abs=1e-12)
    assert (used > 100).all()


def test_an_overlap_of_less_than_one_percent_is_none() -> None:
    for words, expected in ((100, [0, 0, 1, 0, 0]), (101, [0, 0, 0, 1, 1])):
        gold = ("B-X", *["I-X"] * (words - 1))
        one = [Prediction(gold, ("B-X", *["O"] * (words - 1)))]
        found = Evaluator(*sides(one), tags=["X"], loader="list").evaluate()["overall"]["partial"]
        assert overlap_counts("partial", one)[0].tolist() == expected
        assert (found.partial, found.spurious) == (expected[2], expected[4])


def test_f1_of_tokens_is_that_of_scikit_learn() -> None:
    for predictions in tag_files(200):
        gold, guess = ([tag[2:] for row in rows for tag in row] for rows in sides(predictions))
        options: Any = {"labels": [*TASK.labels], "average": "micro", "zero_division": 0}
        expected = f1_of_classes(gold, guess, **options)
        assert values(predictions, "f1_token")["f1_token"] == pytest.approx(expected, abs=1e-12)


def test_scores_per_type_are_those_of_seqeval() -> None:
    for predictions in tag_files(100):
        made = values(predictions, *(f"recall_strict/{label}" for label in TASK.labels))
        with warnings.catch_warnings(action="ignore"):
            rows = classification_report(*sides(predictions), output_dict=True, **STRICT)
        for label in TASK.labels:
            for name, column in (("f1_strict", "f1-score"), ("recall_strict", "recall")):
                expected = rows.get(label, {}).get(column, 0.0)
                assert made[f"{name}/{label}"] == pytest.approx(expected, abs=1e-12)
        parts = [metric_of(TASK, f"f1_strict/{label}").counts for label in TASK.labels]
        total = sum(part(predictions) for part in parts if part)
        assert np.array_equal(total, strict_counts(predictions))


def test_scores_per_type_have_intervals_and_no_place_in_tables() -> None:
    metric = metric_of(TASK, "f1_strict/X")
    predictions = [row for rows in tag_files(20) for row in rows]
    draws = bootstrap(metric, [records_of(metric, predictions)])
    value = values(predictions)["f1_strict/X"]
    assert draws.min() < value < draws.max()
    assert abs(draws.mean() - value) < 0.05
    assert not metric.shown
    assert [name for name in values(predictions) if "/" in name] == [
        "f1_strict/X", "f1_strict/Y", "f1_strict/X-1",
    ]  # fmt: skip
    assert "f1_strict/X" not in score(labelled("tagging", "X"), predictions)  # equals `f1_strict`


def test_strict_and_default_differ_where_a_mention_begins_with_i() -> None:
    one = [Prediction(("O", "B-X", "I-X", "O"), ("O", "I-X", "I-X", "O"))]
    assert strict_counts(one).tolist() == [[0, 0, 1]]
    assert default_counts(one).tolist() == [[1, 1, 1]]
    assert set(values([Prediction(("O", "O"), ("O", "O"))]).values()) == {0.0}


TRAIN = (Sentence(("The", "Old", "Barn", "in", "Arl"), ("O", "B-X", "I-X", "O", "B-Y")),)


def test_mentions_that_training_has_are_scored_apart() -> None:
    words = ("old", "barn", "ARL", "old", "Arl")
    gold = ("B-X", "I-X", "B-X", "B-X", "B-Y")
    guess = ("B-X", "I-X", "O", "B-X", "B-X")
    (made,) = mark_seen(TRAIN, [Prediction(gold, guess, words=words)])
    assert made.seen == (True, True, False, True)
    # Seen: `old barn` is found, `ARL` and `Arl` are not, since the type counts. Unseen: `old`.
    found = values([made], *SEEN, "recall_seen/X", "recall_seen/Y")
    assert [found[name] for name in SEEN] == [1 / 3, 1.0]
    assert [found[f"recall_seen/{label}"] for label in "XY"] == [1 / 2, 0.0]


def test_both_recalls_divide_the_gold_mentions_and_have_intervals() -> None:
    rows = [Prediction(s.tags, s.tags, words=s.words) for s in sentences(0, 64)]
    # Half of the predicted sentences are empty, so that both recalls are about one half.
    rows = [replace(p, predicted=("O",) * 7) if n % 2 else p for n, p in enumerate(rows)]
    made = mark_seen(sentences(0, 2), rows)
    task = labelled("tagging", "PLACE", "ROLE", metrics=SEEN)
    marks = [mark for p in made for mark in p.seen]
    for name in SEEN:
        metric = metric_of(task, name)
        records = records_of(metric, made)
        draws, value = bootstrap(metric, [records]), score(task, made)[name]
        assert records[:, 1].sum() == marks.count(name == "recall_seen") > 10
        assert draws.min() < value < draws.max()
    assert len(marks) == 128


def test_predictions_without_marks_are_refused() -> None:
    for words in ((), ("Arl",)):
        (one,) = mark_seen(TRAIN, [Prediction(("B-Y",), ("O",), words=words)])
        assert one.seen == ((True,) if words else ())
        if not words:
            with pytest.raises(RunFailed) as caught:
                values([one], "recall_seen")
            assert str(caught.value) == (
                "metric 'recall_seen': 1 predictions do not say which gold mentions occur in "
                "training; evaluate again."
            )


def test_each_b_begins_one_strict_mention() -> None:
    for predictions in tag_files(100):
        for p in predictions:
            assert len(strict_mentions(p.gold)) == sum(tag[0] == "B" for tag in p.gold)
