"""Read CUAD's span questions (Hendrycks et al. 2021): which parts of a contract concern a category?

The published archive has three files in the form of SQuAD 2.0: `train_separate_questions.json`,
where a question with several answers stands once for each, `test.json`, and `CUADv1.json` with all
contracts. A question that a contract does not answer has no answers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from domainbert import DataError, Question, TaskReader
from domainbert.readers import split_by_hash
from domainbert_legal.cuad import whole_name
from domainbert_legal.json_files import read_json, read_member, value_of

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from domainbert import Task

TRAIN, TEST = "train_separate_questions.json", "test.json"
VALIDATION_SHARE = 0.1
_SHAPE = "Expected a file of CUAD: {data: [{title, paragraphs: [{context, qas: [{…}]}]}]}."


def read_questions(path: Path, split: str, counts: Counter[str]) -> Iterator[Question]:
    """Yield the questions of a split of the published archive, in file order.

    `train` and `validation` share out one file: the hash of a contract's name assigns it, with all
    its questions, to one. In `validation` a question that stands once for each of its answers has
    all of them each time, as in `test`, so that any of them is right.

    Args:
        path: The ZIP archive as published.
        split: `train`, `validation` or `test`.
        counts: Receives the remarks of `questions`.

    Raises:
        DataError: As of `read_member` and `questions`.
    """
    name = TEST if split == "test" else TRAIN
    found = questions(read_member(path, name), f"{path}: {name}", counts)
    if split == "test":
        yield from found
        return
    own = [question for question in found if _split(question.document) == split]
    yield from _with_all_answers(own) if split == "validation" else own


def _split(contract: str) -> str:
    return split_by_hash(whole_name(contract), 0.0, VALIDATION_SHARE)


def _with_all_answers(asked: list[Question]) -> Iterator[Question]:
    """Yield the questions, each with the answers of all that ask the same of the same contract."""
    answers: dict[tuple[str, str], dict[tuple[str, int], None]] = {}
    for question in asked:
        known = answers.setdefault((question.document, question.question), {})
        known.update(dict.fromkeys(zip(question.answers, question.starts, strict=True)))
    for question in asked:
        own = dict.fromkeys(zip(question.answers, question.starts, strict=True))
        every = own | answers[question.document, question.question]
        yield _question(question, list(every))


def _question(asked: Question, found: list[tuple[str, int]]) -> Question:
    texts, starts = tuple(text for text, _ in found), tuple(start for _, start in found)
    return Question(asked.question, asked.context, texts, starts, asked.id, asked.document)


def _read_all(path: Path, _task: Task, counts: Counter[str]) -> Iterator[Question]:
    yield from questions(read_json(path), str(path), counts)


CUAD = TaskReader("cuad", "question-answering", (), _read_all)
"""Format of own files, such as the published CUADv1.json."""


def questions(content: Any, where: str, counts: Counter[str]) -> Iterator[Question]:
    """Yield the questions of a file, each with the answers that its contract has.

    An answer that is not at its offset is read at the nearest place that has it. One that the
    contract lacks is left out, and so is a question that loses all of its answers: without them it
    would say that the contract has none.

    Args:
        content: Of the JSON file.
        where: The file, for messages.
        counts: Receives `answers_read_at_nearest_place`, `answers_not_in_contract` and
            `questions_without_their_answers`.

    Raises:
        DataError: The content has another shape, or `is_impossible` contradicts the answers.
    """
    for number, article in enumerate(value_of(content, "data", list, where, _SHAPE)):
        place = f"{where}: data[{number}]"
        title = value_of(article, "title", str, place, _SHAPE)
        for part, text in enumerate(value_of(article, "paragraphs", list, place, _SHAPE)):
            inside = f"{place}.paragraphs[{part}]"
            context = value_of(text, "context", str, inside, _SHAPE)
            for nth, item in enumerate(value_of(text, "qas", list, inside, _SHAPE)):
                asked = _asked(item, context, title, f"{inside}.qas[{nth}]")
                given = value_of(item, "answers", list, f"{inside}.qas[{nth}]", _SHAPE)
                _check_impossible(item, given, f"{inside}.qas[{nth}] (id {asked.id[:40]!r})")
                found = _found(given, context, f"{inside}.qas[{nth}]", counts)
                if given and not found:
                    counts["questions_without_their_answers"] += 1
                else:
                    yield _question(asked, found)


def _asked(item: Any, context: str, title: str, where: str) -> Question:
    """Return a question without answers."""
    name = value_of(item, "id", str, where, _SHAPE)
    return Question(value_of(item, "question", str, where, _SHAPE), context, (), (), name, title)


def _check_impossible(item: Mapping[str, Any], given: list[Any], where: str) -> None:
    """Refuse a question whose `is_impossible` contradicts its answers; it may be missing."""
    value = item.get("is_impossible")
    said = str(value).casefold()  # a text where a table was the source
    if value is not None and said not in {"true", "1", "false", "0"}:
        raise DataError(
            f"{where}: expected `is_impossible` as true or false, found {value!r:.40}. {_SHAPE}"
        )
    if said in {"true", "1"} and given:
        raise DataError(
            f"{where}: `is_impossible` is true, and `answers` has {len(given)}. Remove the "
            "answers, or set it to false."
        )
    if said in {"false", "0"} and not given:
        raise DataError(
            f"{where}: `is_impossible` is false, and `answers` is empty. Add the answers, or set "
            "it to true."
        )


def _found(
    given: list[Any], context: str, where: str, counts: Counter[str]
) -> list[tuple[str, int]]:
    """Return the answers that a contract has, with their offsets."""
    found: dict[tuple[str, int], None] = {}
    for number, item in enumerate(given):
        place = f"{where}.answers[{number}]"
        text = value_of(item, "text", str, place, _SHAPE)
        said = value_of(item, "answer_start", int, place, _SHAPE)
        start = _nearest(context, text, said)
        counts["answers_read_at_nearest_place"] += start not in {said, -1}
        counts["answers_not_in_contract"] += start < 0
        if start >= 0:
            found[text, start] = None
    return list(found)


def _nearest(context: str, text: str, start: int) -> int:
    """Return the offset of the place with a text that is nearest to an offset; -1 without any."""
    if start >= 0 and context.startswith(text, start):
        return start
    at = max(0, min(start, len(context)))
    places = (context.rfind(text, 0, at + len(text)), context.find(text, at))
    return min((p for p in places if p >= 0), key=lambda p: abs(p - at), default=-1)
