from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers.tasks import classification, examples, sentences, tagging
from pydantic import ValidationError

from domainbert.errors import DataError, RecipeError
from domainbert.plugin.components import LoadedTask, OutsidePredictions
from domainbert.plugin.records import Example, Sentence
from domainbert.recipe.tasks import TaskSection
from domainbert.storage.files import sha256_file
from domainbert.tasks.metrics.score import kind_of
from domainbert.tasks.outside import load_outside

Rows = Sequence[dict[str, Any]]
ABOUT = {"file": "made.jsonl", "name": "some-llm", "date": "2026-05-01"}
TEXTS = tuple(Example(f"text {n}", ("person" if n % 2 else "place",)) for n in range(4))
GOOD = [{"text": one.text, "label": one.labels[0]} for one in TEXTS]
TAGS = ["O", "B-ROLE", "O", "B-PLACE", "I-PLACE", "O", "O"]


def write(folder: Path, rows: Rows, name: str = "made.jsonl") -> None:
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / name).write_text(text, encoding="utf-8")


def read(
    folder: Path, loaded: LoadedTask, rows: Rows, *more: dict[str, Any], **about: Any
) -> tuple[OutsidePredictions, ...]:
    write(folder, rows)
    given = [{**ABOUT, **about}, *more]
    section = TaskSection.model_validate({"name": "town", "predictions": given})
    task, records = loaded.task, loaded.splits["test"]
    return load_outside(section, kind_of(task), task, records, folder)


def refusal(folder: Path, loaded: LoadedTask, rows: Rows) -> str:
    with pytest.raises(DataError) as caught:
        read(folder, loaded, rows)
    return str(caught.value).replace(f"{folder}/", "")


def texts(*test: Example, several: bool = False) -> LoadedTask:
    return classification(several, test=test or TEXTS)


def test_rows_find_their_records_by_text_or_number(tmp_path: Path) -> None:
    wrong = [{**row, "label": "place"} for row in GOOD]
    by_number = [{"number": n, "label": "place"} for n in (3, 1, 4, 2)]
    by_words = [{"words": row["text"].split(), "labels": ["place"]} for row in reversed(wrong)]
    both = [{**row, "text": f" {row['text']}\n", "number": n} for n, row in enumerate(wrong, 1)]
    for rows in (wrong, by_number, by_words, both):
        (made,) = read(tmp_path, texts(), rows, source="a prompt")
        assert [row.gold for row in made.predictions] == [one.labels for one in TEXTS]
        assert {row.predicted for row in made.predictions} == {("place",)}
    assert (made.name, made.run, made.date, made.source) == (
        "some-llm", 0, "2026-05-01", "a prompt",
    )  # fmt: skip
    assert made.sha256 == sha256_file(tmp_path / "made.jsonl")


def test_a_table_will_do(tmp_path: Path) -> None:
    lines = ["number,label", *(f"{n},person" for n in range(1, 5))]
    (tmp_path / "made.csv").write_text("\n".join(lines) + "\n")
    made = read(tmp_path, texts(), [], file="made.csv")[0].predictions
    assert [row.predicted for row in made] == [("person",)] * 4


def test_records_of_one_text_share_a_row_or_have_one_each(tmp_path: Path) -> None:
    loaded = texts(*TEXTS, *TEXTS[:1])
    assert len({row.predicted for row in read(tmp_path, loaded, GOOD)[0].predictions[::4]}) == 1
    (made,) = read(tmp_path, loaded, [*GOOD, {"text": "text 0", "label": "person"}])
    assert [row.predicted for row in made.predictions[::4]] == [("place",), ("person",)]


def test_a_text_is_its_own_before_it_is_that_of_another_without_blanks(tmp_path: Path) -> None:
    test = tuple(Example(text, ("place",)) for text in ("every day", "everyday", "cafe\u0301"))
    rows = [
        {"text": text, "label": label}
        for text, label in (("everyday", "place"), ("every day", "person"), ("caf\xe9", "place"))
    ]
    (made,) = read(tmp_path, texts(*test), rows)
    assert [row.predicted[0] for row in made.predictions] == ["person", "place", "place"]
    assert refusal(tmp_path, texts(*test), rows[::2]).startswith(
        "made.jsonl: 1 of 3 records of test have no prediction; the first is record 1: 'every day'."
    )


def test_several_labels(tmp_path: Path) -> None:
    loaded = texts(*(replace(one, labels=("person",)) for one in TEXTS), several=True)
    given = [["place", "person"], "person|place", [], ""]
    rows = [{"number": n, "labels": labels} for n, labels in enumerate(given, 1)]
    made = read(tmp_path, loaded, rows)[0].predictions
    assert [row.predicted for row in made] == [("place", "person"), ("person", "place"), (), ()]
    assert made[0].ranking == made[0].predicted


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (GOOD[:1] + GOOD[3:],
         "made.jsonl: 2 of 4 records of test have no prediction; the first is record 2: 'text 1'."),
        ([], "made.jsonl: 4 of 4 records of test have no prediction; the first is record 1: "),
        ([*GOOD, {"text": "other", "label": "place"}],
         "made.jsonl:5: no record of test has this text: 'other'."),
        ([*GOOD, GOOD[2]], "made.jsonl:5: record 3 has a prediction already, in made.jsonl:3."),
        ([*GOOD, {"number": 3, "label": "place"}],
         "made.jsonl:5: record 3 has a prediction already, in made.jsonl:3."),
        ([{"number": 0, "label": "place"}], "made.jsonl:1: number 0; expected 1 to 4."),
        ([{"number": 5, "label": "place"}], "made.jsonl:1: number 5; expected 1 to 4."),
        ([{"number": True, "label": "place"}], "made.jsonl:1: number: True; expected a whole"),
        ([{"number": 2, "text": "text 2", "label": "place"}],
         "made.jsonl:1: record 2 of test has another text: 'text 1'."),
        ([{"label": "place"}], "made.jsonl:1: expected `text` or `number` of a test record; it "),
        ([{**GOOD[0], "label": "town"}, *GOOD[1:]],
         "made.jsonl:1: 'town' is no label of the task (person, place)."),
        ([{**GOOD[0], "label": ["place", "person"]}, *GOOD[1:]],
         "made.jsonl:1: exactly one gold and one predicted label were expected."),
        ([{"text": "text 0"}, *GOOD[1:]],
         "made.jsonl:1: expected `label`, or a list `labels`, one of the two; it has text."),
        ([{**GOOD[0], "label": None}, *GOOD[1:]],
         "made.jsonl:1: expected `label` as text or whole numbers, found None."),
    ],
)  # fmt: skip
def test_what_does_not_suit_the_records_is_refused(
    tmp_path: Path, rows: Rows, message: str
) -> None:
    assert refusal(tmp_path, texts(), rows).startswith(message)


def test_tags_and_entities(tmp_path: Path) -> None:
    (record,) = sentences(0, 1)
    loaded = tagging(test=(record,))
    joined, dense = " ".join(record.words), "  ".join(record.words[:4]) + "".join(record.words[4:])
    place = record.words[4]  # a place of two tagged words: `the PLACE`
    for text in (joined, dense):
        role = text.index(record.words[1])
        first = text.index("the", role)
        spans = [
            {"start": first, "end": text.index(place) + 2, "label": "PLACE"},  # cuts a word
            [role, role + len(record.words[1]), "ROLE"],
        ]
        for key in ("entities", "spans"):
            (made,) = read(tmp_path, loaded, [{"text": text, key: spans}])
            assert made.predictions[0].predicted == tuple(TAGS)
    (made,) = read(tmp_path, loaded, [{"number": 1, "tags": TAGS}])
    assert made.predictions[0].predicted == made.predictions[0].gold == record.tags
    assert made.predictions[0].words == record.words
    (made,) = read(tmp_path, loaded, [{"text": joined, "entities": []}])
    assert set(made.predictions[0].predicted) == {"O"}


@pytest.mark.parametrize("prefixes", ["II", "SBE", "UBL"])
def test_tags_of_any_scheme_are_those_of_the_files(tmp_path: Path, prefixes: str) -> None:
    one, first, last = prefixes[0], prefixes[-2], prefixes[-1]
    tags = ["O", f"{one}-ROLE", "O", f"{first}-PLACE", f"{last}-PLACE", "O", "O"]
    (made,) = read(tmp_path, tagging(test=sentences(0, 1)), [{"number": 1, "tags": tags}])
    assert made.predictions[0].predicted == tuple(TAGS)


def test_words_are_those_of_the_record(tmp_path: Path) -> None:
    record = Sentence(("do", "n't", "go", "Bob"), ("O", "O", "O", "B-ROLE"))
    loaded = tagging(test=(record,))
    said = refusal(tmp_path, loaded, [{"words": ["don", "'t", "go", "Bob"], "tags": record.tags}])
    assert said == 'made.jsonl:1: expected tags of "do n\'t go Bob", found other words.'
    # Offsets are those of the row's own words.
    row = {"words": ["don't", "goBob"], "entities": [[8, 11, "ROLE"]]}
    (made,) = read(tmp_path, loaded, [row])
    assert made.predictions[0].predicted == record.tags
    # Of its text, whose accents may be letters of their own.
    record = Sentence(("caf\xe9", "Bob"), ("O", "B-ROLE"))
    row = {"text": "cafe\u0301 Bob", "entities": [[6, 9, "ROLE"]]}
    (made,) = read(tmp_path, tagging(test=(record,)), [row])
    assert made.predictions[0].predicted == record.tags


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ({"tags": TAGS[:6]}, "expected 7 tags, one per word; found 6."),
        ({"tags": [*TAGS[:6], "B-TOWN"]}, "'B-TOWN' is no label of the task (PLACE, ROLE)."),
        ({"tags": [*TAGS[:6], "PLACE"]}, "unknown tag 'PLACE'; "),
        ({"label": "PLACE"}, "expected a list of `tags` or of `entities`; it has number, label."),
        ({}, "expected a list of `tags` or of `entities`; it has number."),
        ({"entities": [[0, 900, "PLACE"]]}, "offsets 0 to 900 lie outside the text of "),
        ({"entities": [[0, 6, "PLACE"], [4, 9, "ROLE"]]}, "two entities share the word "),
        ({"entities": [{"start": 0, "end": 3, "label": "TOWN"}]}, "'B-TOWN' is no label of "),
        ({"entities": [{"start": 0, "label": "ROLE"}]}, "expected start and end as whole numbers"),
    ],
)
def test_what_does_not_suit_the_words_is_refused(
    tmp_path: Path, cells: dict[str, Any], message: str
) -> None:
    said = refusal(tmp_path, tagging(test=sentences(0, 1)), [{"number": 1, **cells}])
    assert said.startswith(f"made.jsonl:1: {message}")


def test_files_of_one_name_are_runs(tmp_path: Path) -> None:
    write(tmp_path, GOOD, "second.jsonl")
    made = read(tmp_path, texts(), GOOD, {**ABOUT, "file": "second.jsonl"})
    assert [(one.name, one.run) for one in made] == [("some-llm", 0), ("some-llm", 1)]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([{"file": "a", "name": "b"}], "predictions.0.date\n  Field required"),
        ([{"file": "a", "date": "2026-05-01"}], "predictions.0.name\n  Field required"),
        ([{"name": "b", "date": "2026-05-01"}], "predictions.0.file\n  Field required"),
        ([{**ABOUT, "date": "last May"}], "expected a day, such as 2026-05-01"),
        ([{**ABOUT, "date": 2026}], "expected a day, such as 2026-05-01"),
        ([{**ABOUT, "name": "Some LLM"}], "should match pattern"),
        ([ABOUT, {**ABOUT, "file": "b", "date": "2026-05-02"}], "some-llm has two dates or source"),
        ([ABOUT, ABOUT], "made.jsonl: twice; give each run once"),
    ],
)
def test_name_and_date_are_needed(given: list[dict[str, str]], message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        TaskSection.model_validate({"name": "town", "predictions": given})
    assert message in str(caught.value)


@pytest.mark.parametrize("name", ["base", "adapted", "tfidf-svm", "frozen"])
def test_the_name_of_another_row_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(RecipeError, match=f"predictions.0.name: '{name}' is another row"):
        read(tmp_path, texts(), GOOD, name=name)


def test_a_missing_file_and_a_kind_without_predictions_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"predictions\.0\.file: .*lost\.jsonl: no such file"):
        read(tmp_path, texts(), GOOD, file="lost.jsonl")
    section = TaskSection.model_validate({"name": "town", "predictions": [ABOUT]})
    loaded = texts(*examples(0, 1))
    kind = replace(kind_of(loaded.task), predicted=None)
    with pytest.raises(RecipeError, match="the kind 'classification' reads no predictions"):
        load_outside(section, kind, loaded.task, loaded.splits["test"], tmp_path)
