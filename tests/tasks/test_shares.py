from __future__ import annotations

import random
from collections import Counter
from itertools import chain
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from domainbert.recipe.tasks import TaskSection
from domainbert.tasks.load import load_task
from domainbert.tasks.shares import label_budget, share_out

SHARES = {"train": 0.8, "validation": 0.1, "test": 0.1}


@given(st.lists(st.text(max_size=3)), st.randoms())
def test_every_record_is_in_one_split_whatever_the_order(
    texts: list[str], chance: random.Random
) -> None:
    parts = share_out(texts, texts, SHARES)
    assert sorted(chain(*parts.values())) == sorted(texts)
    mixed = list(texts)
    chance.shuffle(mixed)
    again = share_out(mixed, mixed, SHARES)
    assert {split: sorted(part) for split, part in parts.items()} == {
        split: sorted(part) for split, part in again.items()
    }
    assert not {*map(str.casefold, parts["train"])} & {*map(str.casefold, parts["test"])}


def test_shares_of_distinct_texts() -> None:
    texts = [f"text {n}" for n in range(1000)]
    parts = share_out(texts, texts, SHARES)
    assert {split: len(part) for split, part in parts.items()} == {
        "train": 800, "validation": 100, "test": 100,
    }  # fmt: skip


def test_one_file_becomes_a_task_called_after_it(tmp_path: Path) -> None:
    rows = "".join(f"note {n},{'low' if n % 2 else 'high'}\n" for n in range(100))
    (tmp_path / "My notes.csv").write_text("body,urgency\n" + rows)
    section = TaskSection.model_validate({
        "file": "My notes.csv", "kind": "classification", "splits": SHARES,
        "text_field": "body", "label_field": "urgency",
    })  # fmt: skip
    loaded = load_task(section, None, tmp_path)
    assert {split: len(records) for split, records in loaded.splits.items()} == {
        "train": 80, "validation": 10, "test": 10,
    }  # fmt: skip
    assert (loaded.task.name, loaded.task.labels) == ("my-notes", ("high", "low"))
    shares = "own, train 0.8, validation 0.1, test 0.1"
    assert loaded.task.version == f"{shares}, text_field body, label_field urgency"


def test_labels_that_look_alike_are_one(tmp_path: Path) -> None:
    forms = ["caf\u00e9", "cafe\u0301", "caf\u00e9\u200b", "tea"]
    rows = "".join(f"text {n},{forms[n % 4]}\n" for n in range(40))
    (tmp_path / "a.csv").write_text("text,label\n" + rows, encoding="utf-8")
    files = dict.fromkeys(("train", "validation", "test"), "a.csv")
    section = TaskSection.model_validate({"name": "a", "kind": "classification", **files})
    loaded = load_task(section, None, tmp_path)
    assert (loaded.task.labels, loaded.counts["label_forms"]) == (("caf\u00e9", "tea"), 60)


LABELLED = st.lists(st.tuples(st.text(max_size=2), st.sampled_from("ab") | st.text(max_size=1)))


def budget(records: list[tuple[str, str]], n_records: int) -> list[tuple[str, str]]:
    return list(label_budget(records, lambda r: r[0], lambda r: {r[1]} - {""}, n_records))


@given(LABELLED, st.integers(0, 9), st.integers(0, 9), st.randoms())
def test_label_budgets_are_nested_and_a_function_of_the_texts(
    records: list[tuple[str, str]], first: int, second: int, chance: random.Random
) -> None:
    small, large = (budget(records, n) for n in sorted((first, second)))
    assert len(small) == min(first, second, len(records))
    assert not Counter(small) - Counter(large)
    alone = {" ".join(text.casefold().split()): (text, label) for text, label in records}
    ordered = list(alone.values())
    mixed = chance.sample(ordered, len(ordered))
    assert Counter(budget(mixed, first)) == Counter(budget(ordered, first))


@given(st.lists(st.text(max_size=2)), st.integers(0, 9), st.integers(0, 9), st.randoms())
def test_label_budgets_of_copies_are_a_function_of_the_texts(
    texts: list[str], first: int, second: int, chance: random.Random
) -> None:
    small, large = (label_budget(texts, str, lambda _: "", n) for n in sorted((first, second)))
    assert len(small) == min(first, second, len(texts))
    assert not Counter(small) - Counter(large)
    mixed = chance.sample(texts, len(texts))
    folded = Counter(" ".join(text.casefold().split()) for text in large)
    again = label_budget(mixed, str, lambda _: "", max(first, second))
    assert Counter(" ".join(text.casefold().split()) for text in again) == folded


@given(LABELLED, st.integers(0, 9))
def test_a_label_budget_has_every_label_that_it_has_room_for(
    records: list[tuple[str, str]], n_records: int
) -> None:
    every = {label for _, label in records} - {""}
    kept = budget(records, n_records)
    assert len({label for _, label in kept} - {""}) == min(len(every), n_records)
    by_hash = list(label_budget(records, lambda r: r[0], lambda r: "", n_records))
    if {label for _, label in by_hash} >= every:
        assert kept == by_hash
