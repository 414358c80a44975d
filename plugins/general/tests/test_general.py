from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from domainbert import DataError, Task
from domainbert.recipe.tasks import TaskSection
from domainbert.tasks.load import load_task
from domainbert_general.domain import GENERAL
from domainbert_general.sst2 import read_sst2
from domainbert_general.wikigold import read_wikigold

SPLITS = ("train", "validation", "test")


@pytest.mark.parametrize("task", GENERAL.tasks, ids=lambda task: task.name)
def test_published_counts_are_read(real: Callable[[str], Path], task: Task) -> None:
    real("sst2/train.tsv")
    path = real("wikigold.conll.txt")
    # Loading compares the counts.
    assert load_task(TaskSection(name=task.name), GENERAL, Path()).task.counts
    articles = [{sentence.document for sentence in read_wikigold(path, s)} for s in SPLITS]
    assert [len(found) for found in articles] == [99, 9, 37]


def test_articles_stay_together(write: Callable[..., Path]) -> None:
    text = "".join(
        f"-DOCSTART- O\n\nAda{n} I-PER\nLee I-PER\nof O\nArl I-LOC\n\nShe O\nwent O\n\n"
        for n in range(40)
    )
    path = write("wiki.txt", text)
    read = {split: list(read_wikigold(path, split)) for split in SPLITS}
    assert sum(map(len, read.values())) == 80
    assert all(len(found) % 2 == 0 and found for found in read.values())
    assert read["train"][0].tags == ("B-PER", "I-PER", "O", "B-LOC")
    documents = [{sentence.document for sentence in found} for found in read.values()]
    assert not set.intersection(*documents)


@pytest.mark.parametrize("line", ["Ada B-PER", "Ada NNP I-PER", "Ada", "Ada I-TIME"])
def test_another_column_order_or_tag_is_refused(write: Callable[..., Path], line: str) -> None:
    path = write("wiki.txt", f"the O\n{line}\n")
    with pytest.raises(DataError, match=r"wiki\.txt:2: expected a word and a tag, O or I- with"):
        list(read_wikigold(path, "train"))


@pytest.mark.parametrize("line", ["1\ta fine film", "a fine film", "\t1", "a fine film\t2"])
def test_a_line_without_sentence_and_class_is_refused(
    write: Callable[..., Path], line: str
) -> None:
    path = write("train.tsv", f"dull\t0\n{line}\n")
    with pytest.raises(DataError, match=r"train\.tsv:2: expected a sentence, a tab, and 0"):
        list(read_sst2(path, "train"))
