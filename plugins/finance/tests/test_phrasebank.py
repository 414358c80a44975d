from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from domainbert import DataError, Example
from domainbert_finance.domain import FINANCE
from domainbert_finance.phrasebank import LABELS, read_phrasebank, split_of

SPLITS = ("train", "validation", "test")
# Of each level: lines, repeats, sentences with two labels, then sentences by split and label.
PUBLISHED = {
    "50Agree": (4846, 6, 2, (438, 2020, 960), (61, 294, 135), (105, 557, 266)),
    "66Agree": (4217, 6, 0, (372, 1772, 828), (54, 267, 119), (88, 490, 221)),
    "75Agree": (3453, 5, 0, (308, 1492, 627), (45, 230, 90), (67, 419, 170)),
    "AllAgree": (2264, 5, 0, (221, 954, 411), (33, 163, 54), (49, 269, 105)),
}
README = Path(__file__).parents[1] / "README.md"


def test_the_split_is_the_first_eight_bytes_of_the_hash() -> None:
    for number in range(300):
        sentence = f"sales rose by {number} %"
        place = int(hashlib.sha256(sentence.encode()).hexdigest()[:16], 16) / 16**16
        expected = "test" if place < 0.2 else "validation" if place < 0.3 else "train"
        assert split_of(sentence) == expected


def test_the_split_looks_at_words_only() -> None:
    assert {
        split_of(text) for text in ("Sales rose .", " sales  ROSE\t.", "SALES\u00a0rose .")
    } == {split_of("sales rose .")}


def test_shares_are_about_a_fifth_and_a_tenth() -> None:
    counts = Counter(split_of(f"sentence {number}") for number in range(20_000))
    assert 0.19 < counts["test"] / 20_000 < 0.21
    assert 0.09 < counts["validation"] / 20_000 < 0.11


def test_latin1_crlf_last_at_repeats_and_two_labels(write: Callable[..., Path]) -> None:
    lines = [
        "Sales  rose @ 5 euros .@positive",
        "Café Männik \x85 opens .@neutral",
        "Sales rose @ 5 euros .@positive",
        "It is both .@neutral",
        "It is both .@negative",
        "",
    ]
    path = write("s.txt", "\r\n".join(lines).encode("iso-8859-1"))
    examples = [example for split in SPLITS for example in read_phrasebank(path, split)]
    assert sorted(examples, key=lambda e: e.labels) == [
        Example("Café Männik opens .", ("neutral",)),
        Example("Sales rose @ 5 euros .", ("positive",)),
    ]
    for split in SPLITS:
        assert all(split_of(e.text) == split for e in read_phrasebank(path, split))


@pytest.mark.parametrize(
    "line",
    ["No label at all .", "Good .@bullish", "@neutral", "  @neutral", "Good .@", "Good .@Positive"],
)
def test_malformed_lines_are_refused_by_number(write: Callable[..., Path], line: str) -> None:
    path = write("s.txt", f"Fine .@neutral\r\n{line}\r\n")
    with pytest.raises(DataError, match=r"s\.txt:2: expected `sentence@label`"):
        list(read_phrasebank(path, "train"))


@pytest.mark.parametrize("level", PUBLISHED)
def test_counts_are_those_published(level: str, real: Callable[[str], Path]) -> None:
    path = real(f"phrasebank/Sentences_{level}.txt")
    lines, repeats, two_labels, *by_split = PUBLISHED[level]
    # Counted on its own way: as text, by position of the last @.
    pairs = [
        (" ".join(line[: line.rindex("@")].split()), line[line.rindex("@") + 1 :])
        for line in path.read_bytes().decode("latin-1").split("\r\n")
        if line
    ]
    labels = Counter(sentence for sentence, _ in set(pairs))
    assert len(pairs) == lines
    assert len(pairs) - len(set(pairs)) == repeats
    assert sum(n > 1 for n in labels.values()) == two_labels
    read = {split: list(read_phrasebank(path, split)) for split in SPLITS}
    for split, expected in zip(SPLITS, by_split, strict=True):
        counts = Counter(example.labels[0] for example in read[split])
        assert tuple(counts[label] for label in LABELS) == expected
    texts = [example.text for split in SPLITS for example in read[split]]
    assert sorted(texts) == sorted(sentence for sentence, n in labels.items() if n == 1)


@pytest.mark.parametrize("level", PUBLISHED)
def test_readme_and_notes_have_the_published_counts(level: str) -> None:
    lines, repeats, two_labels, *by_split = PUBLISHED[level]
    total = sum(map(sum, by_split))
    assert total == lines - repeats - 2 * two_labels
    readme = README.read_text(encoding="utf-8")
    splits = " | ".join(f"{sum(counts):,}" for counts in by_split)
    assert f"| {total:,} | {splits} |" in readme
    for split, counts in zip(SPLITS, by_split, strict=True):
        assert f"| {level} {split} | {' | '.join(f'{n:,}' for n in counts)} |" in readme
    (task,) = (t for t in FINANCE.tasks if t.name == f"phrasebank-{level.lower()}")
    assert task.notes.startswith(f"{lines} lines: {repeats} repeat ")
    assert f"{total} sentences are read" in task.notes


def test_a_sentence_is_in_one_split_at_all_levels(real: Callable[[str], Path]) -> None:
    found: dict[str, set[str]] = {}
    for level in PUBLISHED:
        for split in SPLITS:
            for example in read_phrasebank(real(f"phrasebank/Sentences_{level}.txt"), split):
                found.setdefault(example.text, set()).add(split)
    assert {len(splits) for splits in found.values()} == {1}
    assert len(found) == 4838
