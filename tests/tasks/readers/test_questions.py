from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from helpers.tasks import labelled

from domainbert.errors import DataError
from domainbert.plugin.records import Question
from domainbert.recipe.tasks import TaskSection
from domainbert.tasks.kinds.question_answering import QUESTION_ANSWERING
from domainbert.tasks.load import SPLITS, load_task
from domainbert.tasks.read import read_records

CONTEXT = "The baker moved the boat at dawn. The miller slept."
WHO = {"text": "The baker", "answer_start": 0}
BAKER = {"text": "baker", "answer_start": 4}
EXPECTED = Question("Who moved it?", CONTEXT, ("The baker", "baker"), (0, 4), "q1")
NONE = Question("Who swam?", CONTEXT, (), (), "q2")


def squad(*questions: dict[str, Any], context: Any = CONTEXT) -> dict[str, Any]:
    paragraph = {"context": context, "qas": list(questions)}
    return {"version": "v2.0", "data": [{"title": "Boats", "paragraphs": [paragraph]}]}


def asked(*answers: Any, **more: Any) -> dict[str, Any]:
    return {"id": "q1", "question": "Who moved it?", "answers": list(answers), **more}


def read(path: Path, content: Any, counts: Counter[str] | None = None, **how: Any) -> Any:
    text = content if isinstance(content, str) else json.dumps(content)
    path.write_text(text, encoding="utf-8")
    task = labelled("question-answering", **how)
    counts = Counter() if counts is None else counts
    return read_records(QUESTION_ANSWERING, task, path, counts)


def refused(path: Path, content: Any, **how: Any) -> str:
    with pytest.raises(DataError) as caught:
        read(path, content, **how)
    return str(caught.value).replace(f"{path.parent}/", "")


def test_both_versions_of_squad_are_read(tmp_path: Path) -> None:
    none = {"id": "q2", "question": "Who swam?", "answers": [], "is_impossible": True,
            "plausible_answers": [BAKER]}  # fmt: skip
    old = read(tmp_path / "v1.json", squad(asked(WHO, BAKER)))
    new = read(tmp_path / "v2.json", squad(asked(WHO, BAKER, is_impossible=False), none))
    assert (old, new) == ([EXPECTED], [EXPECTED, NONE])
    assert [question.document for question in new] == ["Boats", "Boats"]
    (tmp_path / "v1.json.gz").write_bytes(gzip.compress((tmp_path / "v1.json").read_bytes()))
    task = labelled("question-answering")
    assert read_records(QUESTION_ANSWERING, task, tmp_path / "v1.json.gz", Counter()) == old
    (tmp_path / "train-v1").write_bytes((tmp_path / "v1.json").read_bytes())
    named = labelled("question-answering", format="squad")
    assert read_records(QUESTION_ANSWERING, named, tmp_path / "train-v1", Counter()) == old


LISTS = {"text": ["The baker", "baker"], "answer_start": [0, 4]}
EMPTY: dict[str, list[Any]] = {"text": [], "answer_start": []}


def rows(answers: Any, none: Any) -> list[dict[str, Any]]:
    return [
        {"id": "q1", "question": "Who moved it?", "context": CONTEXT, "answers": answers},
        {"id": "q2", "question": "Who swam?", "context": CONTEXT, "answers": none},
    ]


@pytest.mark.parametrize(("answers", "none"), [(LISTS, EMPTY), ([WHO, BAKER, WHO], [])])
@pytest.mark.parametrize("form", ["json", "jsonl", "parquet"])
def test_rows_have_answers_as_the_hub_or_as_objects(
    tmp_path: Path, answers: Any, none: Any, form: str
) -> None:
    made = rows(answers, none)
    if form == "parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.Table.from_pylist(made), tmp_path / "a.parquet")
        task = labelled("question-answering")
        found = read_records(QUESTION_ANSWERING, task, tmp_path / "a.parquet", Counter())
    elif form == "jsonl":
        found = read(tmp_path / "a.jsonl", "\n".join(map(json.dumps, made)))
    else:
        found = read(tmp_path / "a.json", made)
    assert found == [EXPECTED, NONE]
    assert [question.document for question in found] == [CONTEXT, CONTEXT]


def test_a_table_has_one_answer_in_a_row(tmp_path: Path) -> None:
    table = (
        "nr,q,passage,answer,answer_start\n"
        f"1,Who moved it?,{CONTEXT},The baker,0\n2,Who moved it?,{CONTEXT},baker,\n"
        f"3,Who swam?,{CONTEXT},,\n"
    )
    columns = {"id": "nr", "question": "q", "context": "passage"}
    found = read(tmp_path / "a.csv", table, columns=columns)
    assert [question.answers for question in found] == [("The baker",), ("baker",), ()]
    assert [question.starts for question in found] == [(0,), (4,), ()]
    assert [question.id for question in found] == ["1", "2", "3"]


def test_an_answer_beside_its_offset_is_moved_to_its_one_place(tmp_path: Path) -> None:
    counts = Counter[str]()
    wrong = {"text": "baker", "answer_start": 3}
    (found,) = read(tmp_path / "a.json", squad(asked(WHO, wrong)), counts)
    assert (found, counts["moved_answers"]) == (EXPECTED, 1)
    (found,) = read(tmp_path / "a.json", squad(asked("baker")), counts)
    assert (found.starts, counts["moved_answers"]) == ((4,), 1)


WHERE = "a.json: data[0].paragraphs[0].qas[0] (id 'q1'): "


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            squad(asked({"text": "the miller", "answer_start": 3})),
            f"{WHERE}at 3 stands ' baker mov', and the context has the answer 'the miller' 0 times",
        ),
        (
            squad(asked({"text": "he", "answer_start": 0})),
            f"{WHERE}at 0 stands 'Th', and the context has the answer 'he' 3 times",
        ),
        (squad(asked({"text": "zebra", "answer_start": -2})), "at -2 stands 'The b'"),
        (squad(asked("he")), "3 times, and no `answer_start` says which is meant"),
        *((squad(asked(WHO, is_impossible=said)), f"{WHERE}`is_impossible`, and 1 answers")
          for said in (True, 1, "True", "true", "1")),
        *((squad(asked(is_impossible=said)), "no answer, and `is_impossible` is false")
          for said in (False, 0, "False")),
        (squad(asked(WHO, question=" ")), f"{WHERE}expected `question` as text, found ' '"),
        (squad(asked(WHO), context=""), "expected `context` as text, found ''"),
        (squad(asked(WHO), context=None), "no `context`; there are id, question, answers"),
        (squad(asked(WHO), asked(WHO)), "qas[1] (id 'q1'): is the id of a.json: data[0]"),
        (squad(asked({"text": "", "answer_start": 0})), "expected an answer as text, and its"),
        (squad(asked({"text": "baker", "answer_start": 1.5})), "expected an answer as text"),
        (squad({"question": "Who?"}), "qas[0]: no answers; expected `answers` as {text: […]"),
        (squad(asked(answers="baker")), "`answers` is 'baker'; expected"),
        (squad(asked(answers={"text": ["baker"], "answer_start": []})), "1 answers, 0 offsets"),
        (squad(asked(answers={"text": "baker"})), "`answers` is {'text': 'baker'}; expected"),
        ({"data": {}}, "a.json: data: expected a list, as in SQuAD's files"),
        ({"data": [{"paragraphs": 3}]}, "a.json: data[0].paragraphs: expected a list"),
        ({"data": ["x"]}, "a.json: data[0]: expected an object, found 'x'"),
        ('{"data": [', "a.json: not valid JSON"),
        ("", "a.json: not valid JSON"),
        ('{"data": [], "data": []}', "the key 'data' stands twice"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_file_and_id(tmp_path: Path, content: Any, said: str) -> None:
    assert said in refused(tmp_path / "a.json", content)


def own(folder: Path, **content: Any) -> TaskSection:
    for split in SPLITS:
        text = json.dumps(content.get(split, squad(asked(WHO))))
        (folder / f"{split}.json").write_text(text, encoding="utf-8")
    files = {split: f"{split}.json" for split in SPLITS}
    return TaskSection.model_validate({"name": "who", "kind": "question-answering", **files})


def test_a_task_of_a_recipe_is_loaded(tmp_path: Path) -> None:
    loaded = load_task(own(tmp_path), None, tmp_path)
    assert (loaded.task.labels, loaded.task.kind) == ((), "question-answering")
    assert loaded.counts == {"test_in_train": 1, "all_in_train": 1}


def test_a_file_without_a_question_is_refused(tmp_path: Path) -> None:
    section = own(tmp_path, test={"data": []})
    with pytest.raises(DataError, match=r"test\.json has no question"):
        load_task(section, None, tmp_path)


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_split_without_any_answer_is_refused(tmp_path: Path, split: str) -> None:
    section = own(tmp_path, **{split: squad(asked(is_impossible=True))})
    with pytest.raises(DataError, match=rf"{split}\.json has no question with an answer, so"):
        load_task(section, None, tmp_path)


def test_questions_on_one_text_are_in_one_split(tmp_path: Path) -> None:
    made = [
        {"question": f"Who is {n}?", "context": f"{CONTEXT} {n % 10}", "answers": LISTS}
        for n in range(40)
    ]
    (tmp_path / "all.jsonl").write_text("\n".join(map(json.dumps, made)), encoding="utf-8")
    section = TaskSection.model_validate(
        {"kind": "question-answering", "path": "all.jsonl",
         "splits": {"validation": 0.2, "test": 0.3}}
    )  # fmt: skip
    splits = load_task(section, None, tmp_path).splits
    assert [len(splits[split]) for split in SPLITS] == [20, 8, 12]
    assert [len({q.context for q in splits[split]}) for split in SPLITS] == [5, 2, 3]
