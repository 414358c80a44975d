from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from domainbert import DataError, DataFile, Question, UserError
from domainbert.pipeline.choose import load_registry
from domainbert.readers import split_by_hash
from domainbert.recipe.tasks import TaskSection
from domainbert.tasks.load import load_task
from domainbert_legal.cuad import LABELS, METADATA
from domainbert_legal.cuad_questions import TEST, TRAIN, questions, read_questions
from domainbert_legal.domain import LEGAL

Write = Callable[[str, bytes | str], Path]
Answer = tuple[str, int]
TASK = next(task for task in LEGAL.tasks if task.name == "cuad")
TEXT = "This is the Agreement. The law of Tarn governs. Tarn Mills may audit."
LAW, AUDIT = "The law of Tarn governs.", "Tarn Mills may audit."
COUNTED = (
    "answers_read_at_nearest_place",
    "answers_not_in_contract",
    "questions_without_their_answers",
)


def asked(name: str, *answers: Answer, about: str = "Governing Law") -> dict[str, Any]:
    return {
        "id": name,
        "question": f'Highlight the parts (if any) of this contract related to "{about}".',
        "answers": [{"text": text, "answer_start": start} for text, start in answers],
        "is_impossible": not answers,
    }


def contract(title: str, *qas: dict[str, Any], context: str = TEXT) -> dict[str, Any]:
    return {"title": title, "paragraphs": [{"context": context, "qas": list(qas)}]}


def squad(*contracts: dict[str, Any]) -> dict[str, Any]:
    return {"version": "aok_v1.0", "data": list(contracts)}


def archive(**members: Any) -> bytes:
    """Return an archive with files by name; a text is their content, all else becomes JSON."""
    names, made = {"train": TRAIN, "test": TEST}, io.BytesIO()
    with zipfile.ZipFile(made, "w") as packed:
        for name, content in members.items():
            text = content if isinstance(content, str) else json.dumps(content)
            # An entry without the time, so that equal archives have equal bytes.
            packed.writestr(zipfile.ZipInfo(names.get(name, name)), text)
    return made.getvalue()


def read(*contracts: dict[str, Any]) -> tuple[list[Question], Counter[str]]:
    counts = Counter[str]()
    found = list(questions(json.loads(json.dumps(squad(*contracts))), "q.json", counts))
    return found, +counts


def test_a_question_has_the_answers_of_its_contract_or_none() -> None:
    (law, none), counts = read(contract("a", asked("a_1", (LAW, 23)), asked("a_2")))
    assert (law.answers, law.starts, law.id, law.document) == ((LAW,), (23,), "a_1", "a")
    assert (law.context, none.answers, none.starts) == (TEXT, (), ())
    assert counts == {}


@pytest.mark.parametrize(
    ("answer", "start", "counted"),
    [
        (("Tarn", 34), 34, 0),  # at its place
        (("Tarn", 40), 34, 1),  # nearer to the first of two
        (("Tarn", 45), 48, 1),  # nearer to the second
        (("Tarn", -5), 34, 1),
        (("Tarn", 9_999), 48, 1),
        ((LAW, 0), 23, 1),
    ],
)
def test_an_answer_at_another_place_is_moved_to_the_nearest_and_counted(
    answer: Answer, start: int, counted: int
) -> None:
    (question,), counts = read(contract("a", asked("a_1", answer)))
    assert question.starts == (start,)
    assert counts["answers_read_at_nearest_place"] == counted


def test_an_answer_that_is_not_in_the_contract_is_left_out_and_counted() -> None:
    found, counts = read(
        contract("a", asked("a_1", ("Ontario", 3), (LAW, 23)), asked("a_2", ("Ontario", 3))),
        contract("b", asked("b_1")),
    )
    # A question of which no answer is left would say that the contract has none.
    assert [(question.id, question.answers) for question in found] == [("a_1", (LAW,)), ("b_1", ())]
    assert counts == {"answers_not_in_contract": 2, "questions_without_their_answers": 1}


def test_answers_that_cannot_be_found_are_shown_for_own_files(write: Write) -> None:
    load_registry(())
    whole = squad(*(contract(f"{n}", asked(f"{n}_1", (LAW, 23)), asked(f"{n}_2")) for n in "abc"))
    less = squad(contract("d", asked("d_1", ("Ontario", 3), (LAW, 0)), asked("d_2", ("Nil", 1))))
    less["data"] += [contract("e", asked("e_1", (AUDIT, 48)), asked("e_2"))]
    files = {
        split: str(write(f"{split}.json", json.dumps(less if split == "test" else whole)))
        for split in ("train", "validation", "test")
    }
    section = TaskSection(name="mine", kind="question-answering", format="cuad", **files)
    task = load_task(section, None, Path())
    assert [question.id for question in task.splits["test"]] == ["d_1", "e_1", "e_2"]
    assert {name: task.counts[name] for name in COUNTED} == dict(
        zip(COUNTED, (1, 2, 1), strict=True)
    )


def marked(said: Any, *answers: Answer) -> dict[str, Any]:
    return contract("a", asked("a_1", *answers) | {"is_impossible": said})


@pytest.mark.parametrize("said", [True, 1, "True", "true", "1"])
def test_a_question_that_is_impossible_and_has_answers_is_refused(said: Any) -> None:
    place = r"q\.json: data\[0\]\.paragraphs\[0\]\.qas\[0\] \(id 'a_1'\)"
    with pytest.raises(DataError, match=rf"{place}: `is_impossible` is true, and `answers` has 1"):
        read(marked(said, (LAW, 23)))
    # Also where the contract lacks the answers, since the file says two things.
    with pytest.raises(DataError, match=r"is true, and `answers` has 2.* Remove the answers"):
        read(marked(said, ("Ontario", 3), ("Nil", 1)))
    ((question,), counts) = read(marked(said))
    assert (question.answers, counts) == ((), {})


@pytest.mark.parametrize("said", [False, 0, "False", "false", "0"])
def test_a_question_that_is_not_impossible_and_has_no_answers_is_refused(said: Any) -> None:
    with pytest.raises(
        DataError, match=r"qas\[0\] .*: `is_impossible` is false, and `answers` is e"
    ):
        read(marked(said))
    ((question,), counts) = read(marked(said, (LAW, 23)))
    assert (question.answers, counts) == ((LAW,), {})


@pytest.mark.parametrize("said", ["maybe", 2, [], {}, "", 0.5])
def test_other_values_of_is_impossible_are_refused(said: Any) -> None:
    with pytest.raises(DataError, match="expected `is_impossible` as true or false, found"):
        read(marked(said))


def test_is_impossible_may_be_missing_as_in_squad_1() -> None:
    one, none = asked("1", (LAW, 23)), asked("2") | {"is_impossible": None}
    del one["is_impossible"]
    found, _ = read(contract("a", one, none))
    assert [question.answers for question in found] == [(LAW,), ()]


def test_contradictions_are_refused_in_the_archive_and_in_own_files(write: Write) -> None:
    bad = squad(marked(True, (LAW, 23)))
    path = write("data.zip", archive(train=bad, test=bad))
    for split in ("train", "validation", "test"):
        with pytest.raises(DataError, match="`is_impossible` is true"):
            list(read_questions(path, split, Counter()))
    load_registry(())
    files = {
        split: str(write("q.json", json.dumps(bad))) for split in ("train", "validation", "test")
    }
    section = TaskSection(name="mine", kind="question-answering", format="cuad", **files)
    with pytest.raises(DataError, match=r"q\.json: .*`is_impossible` is true"):
        load_task(section, None, Path())


def two_splits() -> tuple[str, str]:
    """Return a contract's name whose hash is of train, and one whose hash is of validation."""
    names = [f"contract {n}x" for n in range(100)]
    splits = [split_by_hash(name, 0.0, 0.1) for name in names]
    return names[splits.index("train")], names[splits.index("validation")]


def test_train_and_validation_share_out_whole_contracts(write: Write) -> None:
    path = write("data.zip", archive(
        train=squad(*(contract(f"contract {n}x", asked(f"{n}")) for n in range(200))),
        test=squad(contract("t", asked("t_1"))),
    ))  # fmt: skip
    found = {s: list(read_questions(path, s, Counter())) for s in ("train", "validation", "test")}
    assert {s: {q.document for q in qs} for s, qs in found.items() if s != "test"} == {
        s: {f"contract {n}x" for n in range(200) if split_by_hash(f"contract {n}x", 0.0, 0.1) == s}
        for s in ("train", "validation")
    }
    assert [len(found["train"]) + len(found["validation"]), len(found["test"])] == [200, 1]


def test_a_question_of_validation_has_all_its_answers_wherever_it_stands(write: Write) -> None:
    train, validation = two_splits()
    both = [asked("1_0", (LAW, 23)), asked("1_1", (AUDIT, 48)), asked("1_2", about="Insurance")]
    made = archive(train=squad(contract(train, *both), contract(validation, *both)))
    path = write("data.zip", made)
    own = [question.answers for question in read_questions(path, "train", Counter())]
    every = [(q.answers, q.starts) for q in read_questions(path, "validation", Counter())]
    assert own == [(LAW,), (AUDIT,), ()]
    # The number of records stays, and a record's own answer is its first.
    assert every == [((LAW, AUDIT), (23, 48)), ((AUDIT, LAW), (48, 23)), ((), ())]


def test_the_declared_archive_and_its_counts() -> None:
    assert len({*TASK.splits.values()}) == 1
    assert len({*LABELS, *METADATA}) == 41
    assert TASK.counts == {"train+validation": {"records": 22450}, "test": {"records": 4182}}


def test_the_archive_is_fetched_and_its_counts_compared(
    file_server: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("DOMAINBERT_DATA", raising=False)
    monkeypatch.setenv("DOMAINBERT_CACHE", str(tmp_path))
    # 408 and 102 contracts; 55 questions each, and 10 more, make the 22,450 of training.
    sizes = [55] * 398 + [56] * 10
    train = squad(
        *(contract(f"c {n}x", *(asked(f"{n} {q}", (LAW, 23)) for q in range(size)))
          for n, size in enumerate(sizes))
    )  # fmt: skip
    test = squad(
        *(contract(f"t {n}", *(asked(f"{n} {q}", (LAW, 23)) for q in range(41)))
          for n in range(102))
    )  # fmt: skip

    def loaded(content: bytes) -> Any:
        file = TASK.splits["test"]
        assert isinstance(file, DataFile)
        sha256, url = hashlib.sha256(content).hexdigest(), f"{file_server.address}/{file.name}"
        file_server.files[f"/{file.name}"] = content
        served = dict.fromkeys(
            TASK.splits, replace(file, sha256=sha256, size=len(content), url=url)
        )
        domain = replace(LEGAL, tasks=(replace(TASK, splits=served),))
        return load_task(TaskSection(name="cuad"), domain, Path())

    task = loaded(archive(train=train, test=test))
    assert len(task.splits["train"]) + len(task.splits["validation"]) == 22450
    assert len(task.splits["test"]) == 4182
    test["data"][0]["paragraphs"][0]["qas"].pop()
    with pytest.raises(DataError, match="test: records: 4,181 were read, 4,182 are declared"):
        loaded(archive(train=train, test=test))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (archive(test=squad()), "holds no 'train_separate_questions.json'"),
        (archive(train="{"), "train_separate_questions.json: not valid JSON"),
        (archive(train='{"data": [], "data": []}'), "not valid JSON: the key 'data' stands twice"),
        (archive(train=[1]), "expected `data` as a list, found [1] around it"),
        (archive(train=squad({"title": " "})), "data[0]: expected `title` as a text, found ' '"),
        (archive(train=squad({"title": "a"})), "data[0]: expected `paragraphs` as a list"),
        (archive(train=squad(contract("a", {"id": 3}))), "qas[0]: expected `id` as a text, found"),
        (
            archive(train=squad(contract("a", asked("1") | {"answers": None}))),
            "data[0].paragraphs[0].qas[0]: expected `answers` as a list, found None",
        ),
        (
            archive(
                train=squad(contract("a", asked("1", ("x", 0)) | {"answers": [{"text": "x"}]}))
            ),
            "answers[0]: expected `answer_start` as a whole number, found None",
        ),
        (archive(train=squad())[:40], "cannot be read: File is not a zip file"),
    ],
)
def test_what_is_refused(write: Write, content: bytes, message: str) -> None:
    path = write("data.zip", content)
    with pytest.raises(DataError, match=re.escape(str(path))) as error:
        list(read_questions(path, "train", Counter()))
    assert message in str(error.value)
    assert isinstance(error.value, UserError)


def test_a_damaged_member_is_refused(write: Write) -> None:
    made = bytearray(archive(train=squad(contract("a", asked("1")))))
    made[made.index(b'"title"')] ^= 1
    with pytest.raises(DataError, match="cannot be read: Bad CRC-32"):
        list(read_questions(write("data.zip", bytes(made)), "train", Counter()))


def test_a_question_on_a_contract_of_100_000_words() -> None:
    context = "word " * 100_000 + LAW
    (question,), counts = read(contract("a", asked("1", (LAW, 500_000)), context=context))
    assert (question.starts, counts) == ((500_000,), {})
