"""Scores of answers: whether the best gold answer is met, whole or in part.

Written after the description of SQuAD (Rajpurkar et al. 2016, arXiv 1606.05250, section 6.1; 2018,
arXiv 1806.03822): case, ASCII punctuation, articles and white space do not count, and F1 is over
the words of both answers. A question without an answer has the empty text as its only gold answer.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any

from domainbert.plugin.domain import Prediction
from domainbert.plugin.metric import Metric
from domainbert.tasks.metrics.labels import share

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_NO_SIGNS = str.maketrans("", "", string.punctuation)


@lru_cache(maxsize=1 << 16)
def plain_answer(text: str) -> str:
    """Return an answer in lower case, without punctuation and articles, blanks single."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_NO_SIGNS)).split())


def exact(gold: str, guess: str) -> float:
    """Return 1 if two answers are the same in plain form, else 0."""
    return float(plain_answer(gold) == plain_answer(guess))


def overlap_f1(gold: str, guess: str) -> float:
    """Return F1 of the words of two answers; without any word they agree if both have none."""
    wanted, given = plain_answer(gold).split(), plain_answer(guess).split()
    if not wanted or not given:
        return float(wanted == given)
    shared = sum((Counter(wanted) & Counter(given)).values())
    return 2 * shared / (len(wanted) + len(given))


def best_of(function: Callable[[str, str], float], gold: Sequence[str], guess: str) -> float:
    """Return the score of an answer with the gold answer that it meets best.

    Gold answers that are nothing in plain form, as `"the"`, are left out; without any other, only
    the empty answer is right.
    """
    wanted = [answer for answer in gold if plain_answer(answer)] or [""]
    return max(function(answer, guess) for answer in wanted)


def _counts(function: Callable[[str, str], float], predictions: Sequence[Prediction]) -> Any:
    """Return per question its score, and 1; float64, shape (N, 2)."""
    import numpy as np

    return np.array([(best_of(function, p.gold, p.predicted[0]), 1.0) for p in predictions])


_answers = partial(
    Metric, kinds=("question-answering",), source="SQuAD, arXiv 1606.05250 and 1806.03822",
    checked="`squad_metrics` of transformers 4",
)  # fmt: skip

METRICS = (
    _answers(
        "f1_answer", "F1 of the words of answers", partial(_counts, overlap_f1), share,
        definition="F1 of the words of an answer and of the gold answer that it meets best, "
        "without case, punctuation and articles; mean over questions.",
    ),
    _answers(
        "exact_match", "Share of answers that are right", partial(_counts, exact), share,
        definition="Share of answers that equal a gold answer, without case, punctuation and "
        "articles.",
    ),
)  # fmt: skip
