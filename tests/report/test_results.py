from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domainbert.domain import Sentence
from domainbert.report.results import Result, load_result, result_path, save_result
from domainbert.tasks.metrics import EntityScores

GOLD = (
    Sentence(("The", "keeper", "left"), ("O", "B-ROLE", "O")),
    Sentence(("Arl",), ("B-PLACE",)),
)
RESULT = Result(
    model="adapted",
    model_sha256="a" * 64,
    task="town",
    task_version="3",
    task_sha256={"train": "1", "validation": "2", "test": "3"},
    seed=2,
    settings={"epochs": 4, "learning_rate": 1e-4, "precision": "fp32"},
    test=EntityScores(0.1 + 0.2, 1 / 3, 0.5, 0.25, 2),
    validation=EntityScores(1.0, 1.0, 1.0, 1.0, 7),
    seconds=1.5,
    predictions=(("O", "B-ROLE", "I-ROLE"), ("O",)),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return result_path(tmp_path, "town", "adapted", 2)


def test_a_result_is_read_back_as_it_was(path: Path) -> None:
    save_result(path, RESULT, GOLD)
    assert load_result(path) == RESULT


def test_files_of_a_result(path: Path, tmp_path: Path) -> None:
    save_result(path, RESULT, GOLD)
    found = sorted(item.relative_to(tmp_path).as_posix() for item in tmp_path.rglob("*"))
    assert found == ["town", "town/adapted-seed-2.json", "town/adapted-seed-2.tsv"]
    assert (tmp_path / "town/adapted-seed-2.tsv").read_text(encoding="utf-8") == (
        "The\tO\tO\nkeeper\tB-ROLE\tB-ROLE\nleft\tO\tI-ROLE\n\nArl\tB-PLACE\tO\n"
    )


def test_there_is_no_result(path: Path) -> None:
    assert load_result(path) is None


@pytest.mark.parametrize("harm", ["edited", "shortened", "missing"])
def test_predictions_that_changed_are_not_loaded(path: Path, harm: str) -> None:
    save_result(path, RESULT, GOLD)
    predictions = path.with_suffix(".tsv")
    text = predictions.read_text(encoding="utf-8")
    if harm == "missing":
        predictions.unlink()
    else:
        changed = text.replace("I-ROLE", "O") if harm == "edited" else text[:-1]
        predictions.write_text(changed, encoding="utf-8")
    assert load_result(path) is None
    save_result(path, RESULT, GOLD)
    assert load_result(path) == RESULT


def test_a_result_of_another_schema_is_not_loaded(path: Path) -> None:
    save_result(path, RESULT, GOLD)
    entry = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**entry, "schema": 2}), encoding="utf-8")
    assert load_result(path) is None


def test_predictions_of_another_number_of_words_are_not_written(path: Path) -> None:
    short = replace(RESULT, predictions=(("O", "O"), ("O",)))
    with pytest.raises(ValueError, match="shorter"):
        save_result(path, short, GOLD)
    assert load_result(path) is None


WORDS = st.text(
    st.characters(codec="utf-8", exclude_characters="\t\n"), min_size=1, max_size=6
) | st.sampled_from(["x\ry", "\r", "x\x85y", "x\u2028y", "10\u00a0mg", "O", '"', "\\"])


@given(words=st.lists(st.lists(WORDS, min_size=1, max_size=4), min_size=1, max_size=4))
@settings(deadline=None, max_examples=60)
def test_odd_words_do_not_disturb_the_tags(
    tmp_path_factory: pytest.TempPathFactory, words: list[list[str]]
) -> None:
    path = tmp_path_factory.getbasetemp() / "odd" / "model-seed-0.json"
    gold = [Sentence(tuple(row), ("O",) * len(row)) for row in words]
    tags = tuple(tuple(f"B-{n}" for n in range(len(row))) for row in words)
    result = replace(RESULT, predictions=tags)
    save_result(path, result, gold)
    assert load_result(path) == result
