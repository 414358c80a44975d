from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from domainbert import DataError, Pair, Rating, Task
from domainbert.plugin.domain import Domain
from domainbert.recipe.tasks import TaskSection
from domainbert.tasks.load import load_task
from domainbert_finance.domain import FINANCE
from domainbert_finance.fiqa import class_of, read_fiqa, read_fiqa_classes
from domainbert_finance.shares import is_of_split

Write = Callable[..., Path]
TASKS = {task.name: task for task in FINANCE.tasks}
TITLE = "Vale Pumps lifts its dividend as Orrin Steel cuts jobs"


def target(name: str, score: object, **more: object) -> dict[str, object]:
    about = {"snippets": "['lifts its dividend']", "aspects": "['Corporate/Dividend Policy']"}
    return {**about, "target": name, "sentiment_score": score, **more}


def entry(sentence: str, *targets: object) -> dict[str, object]:
    return {"sentence": sentence, "info": list(targets)}


def titles(count: int) -> dict[str, Any]:
    """Return titles with scores from -1 to 1."""
    return {
        str(n): entry(
            f"Vale Pumps opens plant {n}", target("Vale Pumps", f"{n / count * 2 - 1:.3f}")
        )
        for n in range(count)
    }


def test_a_sentence_has_a_record_per_target(write: Write) -> None:
    entries = {
        "8": entry(TITLE, target("Vale Pumps", "0.446"), target("Orrin Steel", "-0.4")),
        "9": entry("$vpmp  back over\u00a0its trend", target("VPMP", "0.0")),
    }
    counts = Counter[str]()
    path = write("a.json", json.dumps(entries))
    found = list(read_fiqa(path, "test", counts))
    assert found == [
        Rating(TITLE, 0.446, "Vale Pumps"),
        Rating(TITLE, -0.4, "Orrin Steel"),
        Rating("$vpmp back over its trend", 0.0, "VPMP"),
    ]
    assert [rating.document for rating in found] == ["8", "8", "9"]
    assert +counts == {}
    assert list(read_fiqa_classes(path, "test", counts)) == [
        Pair(TITLE, "Vale Pumps", ("positive",)),
        Pair(TITLE, "Orrin Steel", ("negative",)),
        Pair("$vpmp back over its trend", "VPMP", ("neutral",)),
    ]


def test_a_target_that_is_not_in_the_sentence_is_read_and_counted(write: Write) -> None:
    both = entry("VP lifts its dividend", target("Vale Pumps", "0.5"), target("VP", "0.5"))
    counts = Counter[str]()
    read = list(read_fiqa(write("a.json", json.dumps({"1": both})), "test", counts))
    assert [rating.second for rating in read] == ["Vale Pumps", "VP"]
    assert +counts == {"targets_not_in_the_text": 1}


@pytest.mark.parametrize(
    ("name", "sentence", "there"),
    [
        ("art", "BP starts well", False),
        ("BP", "BPI falls, as does ABP", False),
        ("Arm", "Arms and the alarm", False),
        ("Shell", "Shell-led bid, ex-Shell", True),
        ("shell", "SHELL", True),
        ("BP", "UPDATE 1-BP rises", True),
        ("AAPL", "$AAPL rises", True),
        ("AAPL", "$aapl rises", True),
        ("$AAPL", "$AAPL rises", True),
        ("$AAPL", "AAPL rises", True),
        ("$AAPL", "$AAPLX rises", False),
        ("A", "$AAPL rises", False),
        ("BRK.B", "Buy $BRK.B now", True),
        ("Tesco", "Tesco's sales grow", True),
        ("Tesco's", "Tesco sales grow", True),
        ("Cadbury's", "Kraft, Cadbury\u2019s and Britvic", True),
        ("Sainsburys'", "Sainsburys sales grow", True),
        ("L&G", "L&G still pays", True),
        ("L&G", "AL&G still pays", False),
        ("Yahoo!", "Yahoo! falls", True),
        ("Royal Dutch Shell", "Royal Dutch  Shell, BP", True),
        ("Royal Dutch", "Royal Dutchman", False),
        ("Stra\u00dfe AG", "STRASSE AG rises", True),
        ("Nestl\u00e9", "Nestle\u0301 rises", True),
        ("3i", "13i falls", False),
        ("$", "$ falls", True),
        ("C++ (x", "C++ (x rises", True),
    ],
)
def test_a_target_is_in_the_sentence_as_whole_words(
    write: Write, name: str, sentence: str, there: bool
) -> None:
    counts = Counter[str]()
    path = write("a.json", json.dumps({"1": entry(sentence, target(name, "0.5"))}))
    assert len(list(read_fiqa(path, "test", counts))) == 1
    assert counts["targets_not_in_the_text"] == (not there)


def test_a_target_with_two_scores_is_read_twice_and_counted(write: Write) -> None:
    entries = {
        "1": entry(TITLE, target("Vale Pumps", "0.5"), target("vale  pumps", "-0.5")),
        "2": entry(TITLE, target("Orrin Steel", "-0.4"), target("Vale Pumps", "0.5")),
        "3": entry(TITLE.upper(), target("Orrin Steel", "-0.4")),
        "4": entry("Vale Pumps falls", target("Vale Pumps", "-0.4")),
    }
    counts = Counter[str]()
    path = write("a.json", json.dumps(entries))
    assert [rating.score for rating in read_fiqa(path, "test", counts)] == [
        *(0.5, -0.5, -0.4, 0.5, -0.4, -0.4),
    ]
    assert +counts == {"targets_twice": 3, "targets_with_another_score": 2}
    assert len(list(read_fiqa_classes(path, "test", Counter()))) == 6


@pytest.mark.parametrize(
    ("score", "name"),
    [(-1, "negative"), (-0.101, "negative"), (-0.1, "neutral"), (0, "neutral"),
     (0.099, "neutral"), (0.1, "positive"), (1, "positive")],
)  # fmt: skip
def test_limits_of_the_classes(score: float, name: str) -> None:
    assert class_of(score) == name


def test_train_and_validation_share_sentences_out(write: Write) -> None:
    path = write("a.json", json.dumps(titles(200)))
    read = {s: [r.text for r in read_fiqa(path, s, Counter())] for s in ("train", "validation")}
    assert sorted([*read["train"], *read["validation"]]) == sorted(
        str(item["sentence"]) for item in titles(200).values()
    )
    assert all(is_of_split(text, split) for split, texts in read.items() for text in texts)
    assert len(read["validation"]) > 5


@pytest.mark.parametrize(
    "score",
    ["1.01", "-2", "nan", "NaN", "inf", "", "high", "0,5", "1_0", "0.5.1", None, True, [], {},
     1.5, float("nan")],
)  # fmt: skip
def test_a_score_that_is_no_number_from_minus_1_to_1_is_refused(write: Write, score: Any) -> None:
    path = write("a.json", json.dumps({"7": entry(TITLE, target("Vale Pumps", score))}))
    with pytest.raises(DataError, match=r"a\.json: '7', target 1: `sentiment_score` is .*-1 to 1"):
        list(read_fiqa(path, "test", Counter()))


@pytest.mark.parametrize("score", ["-1", "1", "+0.5", ".5", "-.25", "1e-3", 0.25, 1, -1])
def test_scores_as_text_and_as_numbers(write: Write, score: Any) -> None:
    path = write("a.json", json.dumps({"7": entry(TITLE, target("Vale Pumps", score))}))
    (rating,) = read_fiqa(path, "test", Counter())
    assert rating.score == float(score)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[]", r"a\.json: a JSON list\. Expected by id objects"),
        ("{}", r"a\.json: a JSON dict\. Expected by id objects"),
        ("{'8': 1}", r"a\.json: not valid JSON"),
        ('{"8": {"sentence": "a"}, "8": {}}', r"a\.json: not valid JSON: the key '8' stands twice"),
        ('{"8": []}', r"a\.json: '8': `sentence` is 'None', expected a text"),
        ('{"8": {"sentence": " ", "info": []}}', r"a\.json: '8': `sentence` is ' ', expected"),
        ('{"8": {"sentence": "a", "info": []}}', r"'8': `info` is '\[\]', expected a list"),
        ('{"8": {"sentence": "a"}}', r"a\.json: '8': `info` is 'None', expected a list"),
        ('{"8": {"sentence": "a", "info": [7]}}', r"a\.json: '8', target 1: `target` is 'None'"),
        ('{"8": {"sentence": "a", "info": [{"target": ""}]}}', r"target 1: `target` is ''"),
        (b'{"8": {"sentence": "a\xff"}}', r"a\.json:1:22: not UTF-8"),
        ('{"8": ' * 100_000, r"a\.json: not valid JSON"),
    ],
)  # fmt: skip
def test_what_is_refused(write: Write, content: str | bytes, said: str) -> None:
    with pytest.raises(DataError, match=said):
        list(read_fiqa(write("a.json", content), "test", Counter()))


def on_files(task: Task, train: Path, test: Path, **changes: Any) -> Domain:
    splits = {"train": train, "validation": train, "test": test}
    return Domain("finance", "Finance", tasks=(replace(task, splits=splits, **changes),))


@pytest.mark.parametrize("name", ["fiqa-news", "fiqa-posts-classes"])
def test_the_task_shows_absent_targets_and_checks_its_counts(write: Write, name: str) -> None:
    train, test = write("train.json", json.dumps(titles(60))), titles(12)
    twice = target("Vale Pumps", "0.5"), target("Vale Pumps", "0.1")
    test["12"] = entry("VP lifts its dividend", twice[0])
    test["13"] = entry("Vale Pumps lifts its dividend", *twice)
    paths = train, write("test.json", json.dumps(test))
    section = TaskSection(name=name)
    counts = {"train+validation": {"records": 60}, "test": {"records": 15}}
    loaded = load_task(section, on_files(TASKS[name], *paths, counts=counts), Path())
    assert loaded.counts["targets_not_in_the_text"] == 1
    assert (loaded.counts["targets_twice"], loaded.counts["targets_with_another_score"]) == (1, 1)
    assert len(loaded.splits["test"]) == 15
    with pytest.raises(DataError, match=r"train\+validation: records: 60 were read, (379|575) are"):
        load_task(section, on_files(TASKS[name], *paths), Path())
