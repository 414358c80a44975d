"""Questions whose answer is a part of a text, or that have none there: SQuAD 1.1 and 2.0.

As in BERT (Devlin et al. 2019, arXiv 1810.04805, sections 4.2 and 4.3): the question and a piece of
the context are one sequence, each token is scored as start and as end of the answer, and the first
token of the sequence stands for no answer. An answer is cut out of the context by offsets; no token
is ever turned into text.

Legend: B windows of a batch, L length, X tokens of all windows, N questions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from domainbert.plugin.components import Annotation, Passage, Predictions, Scores, TaskKind
from domainbert.plugin.domain import Prediction, Task, Window
from domainbert.plugin.records import Question
from domainbert.tasks.answers import MAX_ANSWER, Found, best_threshold, find_answers, gold_of
from domainbert.tasks.check import Splits
from domainbert.tasks.pair_windows import framing, token_types
from domainbert.tasks.readers.questions import answer_of_row, questions_of_rows, unlabelled_question
from domainbert.tokenizer.load import encode_texts, encode_with_offsets, special_tokens

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Tokens; `max_query_length` of BERT's run_squad.py.
_MAX_QUESTION = 64
_NOWHERE = (0, 0)


def encode(questions: Sequence[Question], tokenizer: Any, settings: Any) -> list[Window]:
    """Return windows of the question and a piece of the context; pieces overlap by a third.

    A question keeps its first 64 tokens, and half of a window at most.

    Args:
        questions: With their contexts.
        tokenizer: A fast tokenizer.
        settings: `max_seq_length` counts special tokens, too.
    """
    specials, join = special_tokens(tokenizer), framing(tokenizer)
    room, suffix = specials.room(settings.max_seq_length, paired=True), len(specials.suffix)
    asked = encode_texts(tokenizer, [question.question for question in questions])
    # Each context once: questions share it, and their windows its offsets.
    texts = list(dict.fromkeys(question.context for question in questions))
    contexts = dict(zip(texts, encode_with_offsets(tokenizer, texts), strict=True))
    windows = []
    for number, (question, ids) in enumerate(zip(questions, asked, strict=True)):
        first = ids[: min(_MAX_QUESTION, room // 2)]
        tokens, spans = contexts[question.context]
        for start, stop in _pieces(len(tokens), room - len(first)):
            framed, types = join(first, tokens[start:stop])
            before = len(framed) - suffix - (stop - start)
            places = (*[_NOWHERE] * before, *spans[start:stop], *[_NOWHERE] * suffix)
            windows.append(Window(number, framed, token_types=types, spans=places))
    return windows


def _pieces(size: int, room: int) -> list[tuple[int, int]]:
    """Return overlapping ranges that cover all tokens of a context; one where it has none."""
    step = room - room // 3
    count = max(0, -(-(size - room) // step)) + 1
    return [(step * piece, min(step * piece + room, size)) for piece in range(count)]


def forward(model: Any, input_ids_BL: Any, mask_BL: Any, windows: Sequence[Window]) -> Any:
    """Return scores of all tokens as start and end of the answer, float32, shape (X, 2)."""
    types_BL = token_types(model, input_ids_BL, windows)
    return model.score_tokens(input_ids_BL, mask_BL, types_BL)[mask_BL > 0]


def targets(_task: Task, questions: Sequence[Question]) -> list[tuple[int, int] | None]:
    """Return the range of the first answer in the context; None where there is none."""
    return [
        (q.starts[0], q.starts[0] + len(q.answers[0])) if q.answers else None for q in questions
    ]


def places_of(window: Window, target: tuple[int, int] | None) -> tuple[int, int]:
    """Return the tokens on which an answer starts and ends; (0, 0) if it is not whole here."""
    if target is None:
        return 0, 0
    start, end = target
    shown = [n for n, (first, last) in enumerate(window.spans) if last > first]
    inside = [n for n in shown if window.spans[n][0] < end and window.spans[n][1] > start]
    if not inside:
        return 0, 0
    # At an edge of the window, the next token of the context may belong to the answer.
    cut = inside[0] == shown[0] and window.spans[inside[0]][0] > start
    cut |= inside[-1] == shown[-1] and window.spans[inside[-1]][1] < end
    return (0, 0) if cut else (inside[0], inside[-1])


def loss(scores_XC: Any, windows: Sequence[Window], targets: Sequence[Any]) -> Any:
    """Return the mean cross-entropy of start and end over the tokens of each window."""
    import torch
    from torch.nn import functional
    from torch.nn.utils.rnn import pad_sequence

    rows = scores_XC.split([len(window.input_ids) for window in windows])
    scores_BLC = pad_sequence(list(rows), batch_first=True, padding_value=float("-inf"))
    gold = [places_of(window, targets[window.record]) for window in windows]
    gold_BC = torch.tensor(gold, device=scores_XC.device)
    return functional.cross_entropy(scores_BLC, gold_BC)


def decode(task: Task, splits: Splits, scores: Scores) -> Predictions:
    """Return the best answer, or none above the threshold of the validation split.

    `gold` has every gold answer, an empty text where there is none; `ranking` the best answers, no
    answer among them, with their scores.
    """
    found = {split: find_answers(splits[split], rows) for split, rows in scores.items()}
    threshold = best_threshold(splits["validation"], found["validation"])
    return {
        split: tuple(
            _prediction(question, answer, threshold)
            for question, answer in zip(splits[split], answers, strict=True)
        )
        for split, answers in found.items()
    }


def _prediction(question: Question, found: Found, threshold: float) -> Prediction:
    guess = "" if not found.best or found.doubt > threshold else found.best[0][0]
    ranked = sorted([*found.best, ("", found.none)], key=lambda item: -item[1])
    texts, scores = tuple(text for text, _ in ranked), tuple(round(s, 4) for _, s in ranked)
    return Prediction(gold_of(question), (guess,), texts, scores=scores)


def _threshold(_task: Task, questions: Sequence[Question], rows: Any) -> float | None:
    threshold = best_threshold(questions, find_answers(questions, rows))
    return None if threshold == float("inf") else threshold


def annotate(
    _task: Task, texts: list[list[Passage]], rows: Any, threshold: float | None
) -> list[Annotation]:
    """Return `answer`, `start` and `end` in the context, and `score`, of each question.

    The answer is empty, and has no place, where the context has none. The score is the share of the
    answer among the best ones and none, a softmax of their scores as in BERT's run_squad.py.
    """
    from scipy.special import softmax

    questions, made = [record for ((record, _),) in texts], []
    limit = float("inf") if threshold is None else threshold
    for question, found in zip(questions, find_answers(questions, rows), strict=True):
        given = _prediction(question, found, limit)
        (answer,), start = given.predicted, found.starts[0] if given.predicted[0] else None
        share = softmax(given.scores)[given.ranking.index(answer)]
        end = None if start is None else start + len(answer)
        said = {"answer": answer, "start": start, "end": end}
        made.append({**said, "score": round(float(share), 4)})
    return made


def perfect(windows: Sequence[Window], targets: Sequence[Any]) -> NDArray[np.float32]:
    """Return scores (X, 2) of a model that knows where the answers are."""
    import numpy as np

    scores = []
    for window in windows:
        scores_LC = np.zeros((len(window.input_ids), 2), np.float32)
        for side, place in enumerate(places_of(window, targets[window.record])):
            scores_LC[place, side] = 10.0
        scores.append(scores_LC)
    return np.concatenate(scores)


def _count_long(questions: Sequence[Question], tokenizer: Any, max_length: int) -> dict[str, int]:
    """Return how many contexts need several windows, questions are cut, and answers too long."""
    room = special_tokens(tokenizer).room(max_length, paired=True)
    asked = encode_texts(tokenizer, [question.question for question in questions])
    texts = list(dict.fromkeys(question.context for question in questions))
    sizes = dict(zip(texts, map(len, encode_texts(tokenizer, texts)), strict=True))
    most = min(_MAX_QUESTION, room // 2)
    n_long = sum(
        min(len(ids), most) + sizes[question.context] > room
        for ids, question in zip(asked, questions, strict=True)
    )
    answered = [question for question in questions if question.answers]
    lengths = iter(map(len, encode_texts(tokenizer, [a for q in answered for a in q.answers])))
    shortest = [min(next(lengths) for _ in question.answers) for question in answered]
    return {
        "long_texts": n_long,
        "long_questions": sum(len(ids) > most for ids in asked),
        "long_answers": sum(length > MAX_ANSWER for length in shortest),
    }


def _check_task(task: Task) -> str:
    wrong = task.multi_label or task.levels or task.labels or task.null_label
    return "labels, levels and multi_label are for classification" if wrong else ""


def _check(question: Question, _task: Task) -> str:
    for name, text in (("question", question.question), ("context", question.context)):
        if not text.strip():
            return f"a {name} without text"
    if len(question.answers) != len(question.starts):
        return f"{len(question.answers)} answers, {len(question.starts)} offsets"
    for answer, start in zip(question.answers, question.starts, strict=True):
        if not answer.strip():
            return "an empty answer; expected none"
        if start < 0 or not question.context.startswith(answer, start):
            return f"the answer {answer[:60]!r} does not stand at {start}"
    return ""


def _predicted(cells: Mapping[str, Any], question: Question, task: Task) -> Prediction:
    """Return a prediction made elsewhere: `answer`, an empty text for none.

    The context need not have it: SQuAD's script compares texts, too.
    """
    return Prediction(gold_of(question), (answer_of_row(cells, task),))


def _misfit(prediction: Prediction, _task: Task) -> str:
    if len(prediction.predicted) != 1:
        return "exactly one predicted answer was expected, an empty text for none"
    if not prediction.gold or ("" in prediction.gold and len(prediction.gold) > 1):
        return "gold answers were expected, or an empty text for none"
    if prediction.ranking and len(prediction.ranking) != len(prediction.scores):
        return "as many scores as ranked answers were expected"
    twice = len({*prediction.ranking}) < len(prediction.ranking)
    return "an answer is ranked twice" if twice else ""


def _check_splits(_task: Task, splits: Splits) -> tuple[str, str] | None:
    for split in ("train", "test"):
        if not any(question.answers for question in splits[split]):
            return split, "has no question with an answer, so nothing can be learned or scored"
    return None


QUESTION_ANSWERING = TaskKind(
    name="question-answering",
    record=Question,
    noun="question",
    read=None,
    head=lambda _settings: "answers",
    unread=("pooling", "long_texts"),
    from_rows=questions_of_rows,
    columns=("question", "context", "answers", "answer", "answer_start", "id", "title"),
    inputs=("question", "context"),
    parts=lambda question: (question.question, question.context),
    unlabelled=unlabelled_question,
    text=lambda question: f"{question.question} {question.context}",
    labels=lambda _question: (),
    outputs=lambda _task: ("start", "end"),
    encode=encode,
    forward=forward,
    targets=targets,
    loss=loss,
    decode=decode,
    metrics=lambda _task: ("f1_answer", "exact_match"),
    baselines=lambda loaded: (
        "closest-sentence",
        *(["no-answer"] if any(not q.answers for q in loaded.splits["test"]) else []),
    ),
    threshold=_threshold,
    has_threshold=lambda _task: True,
    perfect=perfect,
    check_task=_check_task,
    check=_check,
    check_splits=_check_splits,
    annotate=annotate,
    says="answer",
    pipeline="question-answering",
    predicted=_predicted,
    misfit=_misfit,
    count_long=_count_long,
)
