from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domainbert.errors import DataError
from domainbert.plugin.records import Sentence
from domainbert.plugin.spans import Mention, checked_mention, tagged_sentences

TEXT = "The old pump leaks. Dr. Ana replaced 2 of 3 seals.\nDone."


def tagged(
    text: str, *mentions: Mention, ends: tuple[int, ...] = ()
) -> tuple[list[str], dict[str, int]]:
    """Return each sentence as `word/TAG …`, and the remarks."""
    counts = Counter[str]()
    found = tagged_sentences(text, mentions, counts, ends)
    return [" ".join(map("/".join, zip(s.words, s.tags, strict=True))) for s in found], dict(
        +counts
    )


def at(text: str, quoted: str, label: str = "X") -> Mention:
    start = text.index(quoted)
    return Mention(start, start + len(quoted), label)


def test_sentences_end_at_stops_and_lines_but_not_after_abbreviations() -> None:
    said, counts = tagged(TEXT, at(TEXT, "old pump"), at(TEXT, "Ana", "Y"))
    assert said == [
        "The/O old/B-X pump/I-X leaks/O ./O",
        "Dr/O ./O Ana/B-Y replaced/O 2/O of/O 3/O seals/O ./O",
        "Done/O ./O",
    ]
    assert counts == {}


def test_no_sentence_ends_inside_a_mention_and_titles_end_one() -> None:
    assert tagged(TEXT, at(TEXT, "leaks. Dr. Ana"))[0][0].startswith("The/O old/O pump/O leaks/B-X")
    assert tagged("One two", ends=(4,))[0] == ["One/O", "two/O"]


def test_a_word_is_cut_where_a_mention_ends_within_it() -> None:
    said, counts = tagged("The pumps leak", Mention(4, 8, "X"), Mention(10, 11, "Y"))
    assert said == ["The/O pump/B-X s/O l/B-Y eak/O"]
    assert counts == {"cut_words": 2}


def test_of_overlapping_mentions_the_longest_is_kept_and_the_others_counted() -> None:
    text = "The old pump leaks"
    inner, outer = at(text, "pump", "Y"), at(text, "old pump")
    said, counts = tagged(text, inner, outer, outer, at(text, "pump leaks", "Z"))
    assert said == ["The/O old/O pump/B-Z leaks/I-Z"]
    assert counts == {"overlapping": 3}
    assert tagged(text, outer, outer)[1] == {"repeated_mentions": 1}


def test_adjacent_mentions_of_one_type_stay_two() -> None:
    assert tagged("ab cd", Mention(0, 2, "X"), Mention(3, 5, "X"))[0] == ["ab/B-X cd/B-X"]


def test_a_mention_without_a_word_is_counted() -> None:
    text = "a \u200d b"
    assert tagged(text, Mention(2, 3, "X"))[1] == {"without_word": 1}


@pytest.mark.parametrize(
    ("start", "end", "label", "quoted", "message"),
    [
        (0, 99, "X", None, "offsets 0 to 99 lie outside the text of 14 characters"),
        (5, 5, "X", None, "offsets 5 to 5 lie outside"),
        (-1, 5, "X", None, "offsets -1 to 5 lie outside"),
        (3, 4, "X", None, "offsets 3 to 4 enclose ' '. Expected the same text"),
        (4, 8, "X", "pumps", "offsets 4 to 8 enclose 'pump', the file says 'pumps'"),
        (4, 8, " ", None, "the mention 'pump' has no type"),
    ],
)
def test_mentions_that_cannot_be_are_refused(
    start: int, end: int, label: str, quoted: str | None, message: str
) -> None:
    with pytest.raises(DataError) as caught:
        checked_mention("The pump leaks", start, end, label, quoted)
    assert str(caught.value).startswith(message)


def test_blanks_at_the_ends_are_no_part_of_a_mention_nor_in_its_type() -> None:
    assert checked_mention("The pump leaks", 3, 9, "Old part", " pump ") == Mention(
        4, 8, "Old_part"
    )


WORDS = st.lists(st.text("ab. ", min_size=1, max_size=4), min_size=1, max_size=12)


@given(WORDS, st.data())
def test_every_kept_mention_is_found_again_at_its_characters(
    words: list[str], data: st.DataObject
) -> None:
    text = "".join(words)
    places = st.integers(0, len(text))
    mentions = []
    for _ in range(data.draw(st.integers(0, 4))):
        start, end = sorted((data.draw(places), data.draw(places)))
        if text[start:end].strip():
            mentions.append(checked_mention(text, start, end, "X"))
    counts = Counter[str]()
    found = list(tagged_sentences(text, mentions, counts))
    lost = counts["overlapping"] + counts["repeated_mentions"]
    assert sum(tag == "B-X" for s in found for tag in s.tags) == len(mentions) - lost
    joined = {"".join(m) for s in found for m in _mentions(s)}
    assert joined <= {"".join(text[m.start : m.end].split()) for m in mentions}
    assert "".join("".join(s.words) for s in found) == "".join(text.split())


def _mentions(sentence: Sentence) -> list[list[str]]:
    made: list[list[str]] = []
    for word, tag in zip(sentence.words, sentence.tags, strict=True):
        if tag.startswith("B-"):
            made.append([word])
        elif tag.startswith("I-"):
            made[-1].append(word)
    return made
