"""Answers to questions from scores of tokens, and the threshold below which none is given.

Legend: L length of a window, K lengths of an answer, C start and end, X tokens of all windows, N
questions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from domainbert.plugin.domain import Window
from domainbert.plugin.records import Question
from domainbert.tasks.metrics.answers import best_of, overlap_f1

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_ANSWER = 30
"""Tokens of the longest answer; `max_answer_length` of BERT's run_squad.py."""
_RANKED = 10
# Spans of a window that are looked at: some are the same text.
_SPANS = 20


class Found(NamedTuple):
    """Answers to one question: distinct texts with their scores, best first, and that of none.

    `starts` are the offsets of the texts in the context.
    """

    best: tuple[tuple[str, float], ...]
    none: float
    starts: tuple[int, ...] = ()

    @property
    def doubt(self) -> float:
        """By how much no answer scores more than the best one."""
        return self.none - self.best[0][1] if self.best else float("inf")


def find_answers(questions: Sequence[Question], rows: Any) -> list[Found]:
    """Return the best answers to each question over all its windows.

    The score of an answer is the sum of those of its first token as start and its last as end, of
    no answer the lowest such sum of the first tokens of its windows.

    Args:
        questions: In the order of the records.
        rows: Windows, and the scores of their tokens (X, 2).
    """
    best: list[dict[str, tuple[float, int]]] = [{} for _ in questions]
    none, first = [float("inf")] * len(questions), 0
    windows, scores_XC = rows
    for window in windows:
        scores_LC = scores_XC[first : first + len(window.input_ids)]
        first += len(window.input_ids)
        record = window.record
        none[record] = min(none[record], float(scores_LC[0].sum()))
        for start, end, score in _spans(window, scores_LC):
            text = (whole := questions[record].context[start:end]).strip()
            if text and score > best[record].get(text, (float("-inf"), 0))[0]:
                best[record][text] = score, start + whole.index(text)
    return [_ranked(texts, score) for texts, score in zip(best, none, strict=True)]


def _ranked(texts: Mapping[str, tuple[float, int]], none: float) -> Found:
    order = sorted(texts, key=lambda text: (-texts[text][0], text))[: _RANKED - 1]
    best = tuple((text, texts[text][0]) for text in order)
    return Found(best, none, tuple(texts[text][1] for text in order))


def _spans(window: Window, scores_LC: NDArray[np.float32]) -> list[tuple[int, int, float]]:
    """Return start, end and score of the best spans of a window, in characters."""
    import numpy as np

    shown = np.array([last > first for first, last in window.spans])
    starts_L, ends_L = np.where(shown[:, None], scores_LC, -np.inf).T
    padded = np.concatenate([ends_L, np.full(MAX_ANSWER - 1, -np.inf, np.float32)])
    view_LK = np.lib.stride_tricks.sliding_window_view(padded, MAX_ANSWER)
    sums = (starts_L[:, None] + view_LK).ravel()
    order = np.argsort(-sums, kind="stable")[:_SPANS]
    found = []
    for place in order[np.isfinite(sums[order])].tolist():
        first, more = divmod(place, MAX_ANSWER)
        span = window.spans[first][0], window.spans[first + more][1]
        found.append((*span, float(sums[place])))
    return found


def best_threshold(questions: Sequence[Question], found: Sequence[Found]) -> float:
    """Return the doubt above which no answer is given: that with the highest F1.

    Of several the lowest, as in SQuAD's evaluation script. Where every question has an answer it is
    infinite.
    """
    import numpy as np

    if all(question.answers for question in questions):
        return float("inf")
    gains = [
        (best_of(overlap_f1, q.answers, f.best[0][0]) if q.answers else -1.0) if f.best else 0.0
        for q, f in zip(questions, found, strict=True)
    ]
    doubts_N = np.array([answer.doubt for answer in found])
    order_N = np.argsort(doubts_N, kind="stable")
    # Equal doubts are above a threshold together.
    last_N = np.append(np.diff(doubts_N[order_N]) > 0, True)
    total_N = np.where(last_N, np.cumsum(np.array(gains)[order_N]), -np.inf)
    top = int(np.argmax(total_N))
    if total_N[top] <= 0:
        return float(doubts_N.min()) - 1.0
    return float(doubts_N[order_N][top])


def gold_of(question: Question) -> tuple[str, ...]:
    """Return the gold answers, each once; the empty text where there is none."""
    return tuple(dict.fromkeys(question.answers)) or ("",)
