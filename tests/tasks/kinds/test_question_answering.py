from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers.tasks import SETTINGS, labelled, question_answering, tune

from domainbert.model.load import BaseFolder
from domainbert.pipeline.annotate import open_annotator
from domainbert.pipeline.evaluate import ModelUnderTest, evaluate
from domainbert.plugin.domain import Prediction, Window
from domainbert.plugin.records import Question
from domainbert.run.session import Session
from domainbert.storage.files import sha256_file
from domainbert.tasks.answers import best_threshold, find_answers
from domainbert.tasks.candidate import predict, prepare, score_batch, score_windows
from domainbert.tasks.kinds.question_answering import (
    QUESTION_ANSWERING,
    encode,
    loss,
    perfect,
    places_of,
    targets,
)
from domainbert.tasks.metrics.score import score
from domainbert.testing import FAMILIES, sample_texts
from domainbert.tokenizer.load import encode_texts, special_tokens

TokenizerOf = Callable[[str], Any]
Folder = Callable[[str], Path]
TASK = labelled("question-answering")


def room(n: int) -> Any:
    return SETTINGS.model_copy(update={"max_seq_length": n})


def made_questions(count: int, seed: int = 0) -> list[Question]:
    """Return questions about made-up texts whose answers are up to four words of theirs."""
    random = np.random.default_rng(seed)
    made = []
    for number, context in enumerate(sample_texts(count)):
        words = context.split(" ")
        first = int(random.integers(len(words)))
        start = len(" ".join(words[:first])) + (first > 0)
        answer = " ".join(words[first : first + int(random.integers(1, 5))])
        found = ((answer,), (start,)) if number % 4 else ((), ())
        made.append(Question("who moved the boat", context, *found))
    return made


@pytest.mark.parametrize("family", FAMILIES)
def test_perfect_scores_give_perfect_answers_in_windows_of_any_length(
    tokenizer_of: TokenizerOf, family: str
) -> None:
    questions, tokenizer = made_questions(40), tokenizer_of(family)
    for length in (64, 128):
        windows = encode(questions, tokenizer, room(length))
        assert max(len(window.input_ids) for window in windows) <= length
        scores = perfect(windows, targets(TASK, questions))
        splits = {"validation": questions, "test": questions}
        made = QUESTION_ANSWERING.decode(TASK, splits, dict.fromkeys(splits, (windows, scores)))
        assert score(TASK, made["test"])["f1_answer"] == 1.0
        assert [QUESTION_ANSWERING.misfit(prediction, TASK) for prediction in made["test"]] == [
            ""
        ] * len(questions)


@pytest.mark.parametrize("family", FAMILIES)
def test_windows_are_those_of_transformers(tokenizer_of: TokenizerOf, family: str) -> None:
    tokenizer, length = tokenizer_of(family), 40
    for question in made_questions(12):
        windows = encode([question], tokenizer, room(length))
        free = special_tokens(tokenizer).room(length, paired=True)
        overlap = (free - len(encode_texts(tokenizer, [question.question])[0])) // 3
        expected = tokenizer(
            question.question, question.context, truncation="only_second", max_length=length,
            stride=overlap, return_overflowing_tokens=True, return_offsets_mapping=True,
        )  # fmt: skip
        assert [list(window.input_ids) for window in windows] == expected["input_ids"]
        given = expected.get("token_type_ids") or [[]] * len(windows)
        assert [list(window.token_types) for window in windows] == given
        for number, window in enumerate(windows):
            inside = [part == 1 for part in expected.sequence_ids(number)]
            offsets = zip(expected["offset_mapping"][number], inside, strict=True)
            assert list(window.spans) == [tuple(o) if there else (0, 0) for o, there in offsets]


def test_every_answer_that_is_short_enough_is_whole_in_some_window(
    tokenizer_of: TokenizerOf,
) -> None:
    context = "the mill " * 200
    for first in range(0, 390, 7):
        start = 9 * (first // 2) + 4 * (first % 2)
        answer = context[start : start + 40].strip()
        question = Question("who", context, (answer,), (start,))
        windows = encode([question], tokenizer_of("bert"), room(48))
        assert any(places_of(window, (start, start + len(answer))) != (0, 0) for window in windows)


def test_a_long_context_is_read_whole_and_a_long_question_is_cut(
    tokenizer_of: TokenizerOf,
) -> None:
    tokenizer = tokenizer_of("bert")
    context = "the mill " * 50_000
    record = Question("the boat " * 200, context, ("mill",), (len(context) - 5,))
    windows = encode([record], tokenizer, room(64))
    assert max(len(window.input_ids) for window in windows) == 64
    covered = {span for window in windows for span in window.spans if span != (0, 0)}
    assert len(covered) == 100_000
    # Half of the 61 tokens beside the special ones.
    assert {window.spans.index(window.spans[40]) for window in windows} == {40}
    assert [window.spans[:32] for window in windows[:2]] == [((0, 0),) * 32] * 2
    short = Question("who", "the mill", ("mill",), (4,))
    long_answer = Question("who", context, (context[: 9 * 20].strip(),), (0,))
    counts = QUESTION_ANSWERING.count_long([record, short, long_answer], tokenizer, 64)
    assert counts == {"long_texts": 2, "long_questions": 1, "long_answers": 1}


def test_odd_contexts_have_a_window(tokenizer_of: TokenizerOf) -> None:
    record = Question("who", "\u200b", (), ())
    for family in FAMILIES:
        (window,) = encode([record], tokenizer_of(family), room(16))
        assert len(window.spans) == len(window.input_ids)


SPANS = ((0, 0), (0, 0), (4, 6), (6, 9), (10, 12), (0, 0))
WINDOW = Window(0, (1,) * 6, spans=SPANS)


@pytest.mark.parametrize(
    ("target", "places"),
    [
        ((4, 6), (2, 2)), ((6, 12), (3, 4)), ((7, 8), (3, 3)), ((5, 11), (2, 4)),
        (None, (0, 0)), ((0, 3), (0, 0)), ((0, 6), (0, 0)), ((10, 14), (0, 0)), ((9, 10), (0, 0)),
        ((9, 12), (4, 4)),
    ],
)  # fmt: skip
def test_the_places_of_an_answer(target: Any, places: tuple[int, int]) -> None:
    assert places_of(WINDOW, target) == places


def test_the_loss_is_that_of_transformers(family_folder: Folder, session: Session) -> None:
    loaded = question_answering(True)
    candidate = prepare(family_folder("bert"), loaded, room(32), session)
    windows = candidate.windows["train"][:8]
    gold = targets(loaded.task, loaded.splits["train"])
    _, scores = score_windows(candidate, windows)
    ordered = sorted(windows, key=lambda window: len(window.input_ids))
    for window in ordered:
        with torch.inference_mode():
            found = loss(score_batch(candidate, [window]), [window], gold)
            places = torch.tensor([places_of(window, gold[window.record])])
            plain = candidate.model.model(
                torch.tensor([window.input_ids]), token_type_ids=torch.tensor([window.token_types]),
                start_positions=places[:, 0], end_positions=places[:, 1],
            )  # fmt: skip
        torch.testing.assert_close(found, plain.loss, atol=1e-5, rtol=0)
    several = loss(torch.from_numpy(scores), ordered, gold)
    alone, first = [], 0
    for window in ordered:
        rows = torch.from_numpy(scores[first : first + len(window.input_ids)])
        alone.append(loss(rows, [window], gold))
        first += len(window.input_ids)
    torch.testing.assert_close(several, torch.stack(alone).mean())


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (Question(" ", "the mill", (), ()), "a question without text"),
        (Question("who", "\n", (), ()), "a context without text"),
        (Question("who", "the mill", ("mill",), ()), "1 answers, 0 offsets"),
        (Question("who", "the mill", ("mill",), (3,)), "the answer 'mill' does not stand at 3"),
        (Question("who", "the mill", ("mill",), (-4,)), "the answer 'mill' does not stand at -4"),
        (Question("who", "the mill", ("",), (0,)), "an empty answer; expected none"),
    ],
)
def test_records_of_another_shape_are_refused(record: Question, said: str) -> None:
    assert QUESTION_ANSWERING.check(record, TASK) == said


@pytest.mark.parametrize(
    ("prediction", "said"),
    [
        (Prediction(("a",), ()), "exactly one predicted answer was expected"),
        (Prediction((), ("a",)), "gold answers were expected"),
        (Prediction(("", "a"), ("a",)), "gold answers were expected"),
        (Prediction(("a",), ("a",), ("a", "b"), scores=(1.0,)), "as many scores as ranked"),
        (Prediction(("a",), ("a",), ("a", "a"), scores=(1.0, 1.0)), "an answer is ranked twice"),
    ],
)
def test_misfits(prediction: Prediction, said: str) -> None:
    assert QUESTION_ANSWERING.misfit(prediction, TASK).startswith(said)


@pytest.mark.parametrize("key", ["multi_label", "levels", "labels", "null_label"])
def test_keys_of_other_kinds_are_refused(key: str) -> None:
    value: Any = {"multi_label": True, "levels": {"a": 1}, "labels": ("a",), "null_label": "a"}[key]
    task = labelled("question-answering", **({key: value} if key != "labels" else {}))
    if key == "labels":
        task = labelled("question-answering", "a")
    assert QUESTION_ANSWERING.check_task(task) == (
        "labels, levels and multi_label are for classification"
    )


@pytest.mark.parametrize("unanswered", [False, True])
def test_a_trivial_task_is_learned_without_a_mistake(
    family_folder: Folder, session: Session, unanswered: bool
) -> None:
    loaded = question_answering(unanswered)
    tuned = tune(
        family_folder("bert"), loaded, session, epochs=12, learning_rate=3e-3, max_seq_length=32
    )
    made = predict(tuned)["test"]
    assert score(loaded.task, made) == {"f1_answer": 1.0, "exact_match": 1.0}
    assert sum(p.predicted == ("",) for p in made) == (8 if unanswered else 0)
    assert {len(p.ranking) for p in made} == {10}
    assert all("" in p.ranking and list(p.scores) == sorted(p.scores)[::-1] for p in made)


def test_a_task_is_evaluated_and_its_model_opens_with_transformers(
    family_folder: Folder, session: Session
) -> None:
    from transformers import AutoModelForQuestionAnswering

    loaded, folder = question_answering(True), family_folder("bert")
    model = ModelUnderTest("base", folder, sha256_file(folder / "model.safetensors"))
    settings = room(32).model_copy(update={"seeds": (0,), "epochs": 2})
    (report,) = evaluate([model], [loaded], settings, session)
    assert list(report.scores) == ["base", "closest-sentence", "no-answer"]
    assert report.metric == "f1_answer"
    kept = session.run.kept / "town" / "base-seed-0"
    about = json.loads((kept / "task.json").read_text("utf-8"))
    plain = AutoModelForQuestionAnswering.from_pretrained(kept).eval()
    assert plain.config.id2label == {0: "start", 1: "end"}
    # The plain model and the threshold beside it give the stored answers.
    tuned = tune(folder, loaded, session, epochs=2, max_seq_length=32)
    windows, scores = score_windows(tuned, tuned.windows["validation"])
    rows = []
    for window in windows:
        with torch.inference_mode():
            found = plain(
                torch.tensor([window.input_ids]), token_type_ids=torch.tensor([window.token_types])
            )
        rows.append(torch.stack((found.start_logits[0], found.end_logits[0]), dim=-1).numpy())
    np.testing.assert_allclose(np.concatenate(rows), scores, atol=1e-5)
    answers = find_answers(loaded.splits["validation"], (windows, scores))
    assert about["threshold"] == best_threshold(loaded.splits["validation"], answers)
    # Of a model of somebody else nobody knows the threshold, nor that its outputs have no names.
    place = BaseFolder(str(kept), kept, "0" * 64, None)
    own = open_annotator(place, session)
    config = json.loads((kept / "config.json").read_text("utf-8"))
    config["id2label"] = {"0": "LABEL_0", "1": "LABEL_1"}
    (kept / "config.json").write_text(json.dumps(config), "utf-8")
    (kept / "task.json").unlink()
    foreign, questions = open_annotator(place, session), loaded.splits["test"]
    assert (own.threshold, foreign.threshold) == (about["threshold"], None)
    answers = [[one["answer"] for one in a.annotate(questions)] for a in (own, foreign)]
    assert all(b and a in (b, "") for a, b in zip(*answers, strict=True))
