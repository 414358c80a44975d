"""What readers of relations share: mentions at offsets, and the sentences around them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from domainbert import DataError
from domainbert.readers import Mention, checked_mention, tagged_sentences

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

Span = tuple[int, int]

SAME_PLACE = "same_place_pairs_left_out"
"""Remark: pairs left out since marks cannot tell two entities at the same characters apart."""
FURTHER = "further_relations_left_out"
"""Remark: relations left out since a record has one label, and their pair has one before."""
NO_MENTION = "relations_without_mention_left_out"
"""Remark: relations left out since a mention of theirs was, or the file has none."""
UNRELATED = "unrelated_pairs_left_out"
"""Remark: pairs without a relation, left out since the task has no `null_label`."""


@dataclass
class Offsets:
    """Checks where the mentions of a file stand.

    A mention whose text differs from its offsets, blanks aside, is left out and counted. If none of
    a file fits, the file is refused: then its text is not the one that was annotated.

    Args:
        path: The file.
        counts: Receives `mentions_unlike_text_left_out`.
    """

    path: Path
    counts: Counter[str]
    fitting: int = 0
    unlike: int = 0

    def mention(
        self, text: str, span: Span, label: str, quoted: str | None = None
    ) -> Mention | None:
        """Return a mention without the blanks at its ends; None if its text differs."""
        try:
            found = checked_mention(text, *span, label, quoted)
        except DataError:
            self.unlike += 1
            self.counts["mentions_unlike_text_left_out"] += 1
            return None
        self.fitting += 1
        return found

    def refuse_if_none_fits(self) -> None:
        """Refuse a file in which every mention differs from its text.

        Raises:
            DataError: With their number.
        """
        if self.unlike and not self.fitting:
            raise DataError(
                f"{self.path}: none of its {self.unlike:,} mentions is at its offsets. Expected "
                "offsets in characters into the text that was annotated; was the file re-encoded?"
            )


def sentence_spans(text: str, mentions: Iterable[Mention], ends: Iterable[int]) -> Iterator[Span]:
    """Yield the offsets of the sentences of a text; none ends inside a mention.

    Args:
        text: The text.
        mentions: Its mentions.
        ends: Offsets at which a sentence ends too, such as that of a title.
    """
    place = 0
    for sentence in tagged_sentences(text, mentions, Counter(), ends):
        start = text.index(sentence.words[0], place)
        for word in sentence.words:
            place = text.index(word, place) + len(word)
        yield start, place


def gap(first: Span, second: Span) -> int:
    """Return the number of characters between two spans; less than 0 where they overlap."""
    return max(first[0], second[0]) - min(first[1], second[1])
