"""Read the NCBI disease corpus as published: PubTator text with character offsets.

The CoNLL files of the same corpus are tokenised; these are not, so that a tokeniser's choices do
not come between a model and the text. The two count differently, as measured on the files that the
task `ncbi-disease-pubtator` declares:

| split | abstracts in the file | read | mentions in the file | spans read | sentences | CoNLL's |
| --- | --- | --- | --- | --- | --- | --- |
| train | 593 | 592 | 5145 | 5134 | 5145 | 5432 |
| develop | 100 | 100 | 787 | 787 | 883 | 923 |
| test | 100 | 100 | 960 | 960 | 882 | 940 |

The missing mentions are of PMID 8528200, which stands twice in train, word for word, with 11
mentions; it is read once. The CoNLL files hold it twice. They also extend two train mentions that
end one letter early (`autosomal dominant disorde`); here the last letter becomes a separate word,
outside. And they end sentences within numbers that the text writes with a blank (`2. 8%`), which
accounts for most of the sentences that they have more.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from domainbert import DataError, Sentence
from domainbert.readers import read_lines, word_spans

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

TYPE_OF_CLASS = {
    "SpecificDisease": "Disease",
    "DiseaseClass": "Disease",
    "Modifier": "Disease",
    "CompositeMention": "Disease",
}

_TEXT_LINE = re.compile(r"([0-9]+)\|([ta])\|(.*)", re.DOTALL)
_NUMBER = re.compile(r"[0-9]{1,9}")
# A stop, what closes with it, and blanks, before a capital. The files write some numbers as `12. 7`
# or `<. 05`, so a digit starts a sentence only where the stop follows a letter.
_BOUNDARY = re.compile(r"""[.!?]["')\]]*\s+(?=["'(\[]*[A-Z])|(?<=[A-Za-z])[.!?]\s+(?=[0-9])""")
_ABBREVIATION = re.compile(
    r"(?:\b(?:[A-Za-z]|al|approx|ca|cf|dr|eg|eq|et|etc|fig|figs|ie|inc|no|nos|ref|refs|resp|sp|spp"
    r"|st|subsp|var|viz|vol|vs))\.$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class _Mention:
    start: int
    end: int
    type: str

    def overlaps(self, other: _Mention) -> bool:
        return self.start < other.end and other.start < self.end


@dataclass
class _Block:
    """One abstract as it is being read."""

    pmid: str
    title: str
    line: int
    abstract: str | None = None
    mentions: list[_Mention] = field(default_factory=list)

    @property
    def text(self) -> str:
        return f"{self.title} {self.abstract or ''}"


def read_pubtator(path: Path, _split: str = "") -> Iterator[Sentence]:
    """Yield the sentences of a PubTator file of the NCBI disease corpus, tagged in IOB2.

    A block is `PMID|t|title`, `PMID|a|abstract`, then a line for each mention: PMID, start, end,
    text, class and concept, tab-separated, offsets in characters of the title, a blank and the
    abstract. What happens to them:

    - A PMID that was read before is skipped with its mentions.
    - Offsets decide where a mention stands. Its text may differ from what they enclose in white
      space only, as one of train does; any other difference is an error, since offsets and text
      then belong to different versions.
    - Blanks at either end of a mention are not part of it.
    - Of mentions that overlap, the longest is kept, of equal ones the first. The corpus has none.
    - All four classes become `Disease` (`TYPE_OF_CLASS`).
    - A sentence ends at `.`, `!` or `?`, closing quotes and brackets included, before a blank and a
      capital, or between a letter and a digit, but not after a single letter or a known
      abbreviation, and never inside a mention. The title ends one too, whatever its last character.
    - Words are those of `domainbert.readers.word_spans`. Where a mention starts or ends within a
      word, the word is cut there.

    Args:
        path: A UTF-8 file in that format.

    Raises:
        DataError: The file cannot be read, a line is malformed or not UTF-8, an abstract is
            missing, or offsets lie outside the text, enclose nothing or disagree with the text.
    """
    seen = set()
    for block in _blocks(path):
        if block.pmid not in seen:
            seen.add(block.pmid)
            yield from _sentences(block)


def _blocks(path: Path) -> Iterator[_Block]:
    block: _Block | None = None
    for number, line in read_lines(path):
        where = f"{path}:{number}"
        if not line.strip():
            if block is not None:
                yield _complete(block, path)
            block = None
        elif (match := _TEXT_LINE.fullmatch(line)) is not None:
            pmid, part, text = match.groups()
            if part == "t":
                if block is not None:
                    yield _complete(block, path)
                block = _Block(pmid, text, number)
            elif block is None or block.pmid != pmid or block.abstract is not None:
                raise DataError(f"{where}: abstract of {pmid}: expected after its own title line.")
            else:
                block.abstract = text
        else:
            _add_mention(block, line, where)
    if block is not None:
        yield _complete(block, path)


def _complete(block: _Block, path: Path) -> _Block:
    if block.abstract is None:
        raise DataError(
            f"{path}:{block.line}: no abstract for {block.pmid}. Expected a line "
            f"`{block.pmid}|a|...` after the title; it may be empty."
        )
    return block


def _add_mention(block: _Block | None, line: str, where: str) -> None:
    fields = line.split("\t")
    if len(fields) != 6 or not all(map(_NUMBER.fullmatch, fields[:3])):
        raise DataError(
            f"{where}: malformed line {line[:60]!r}. Expected `PMID|t|title`, `PMID|a|abstract` or "
            "PMID, start, end, text, class and concept separated by tabs."
        )
    pmid, quoted, kind = fields[0], fields[3], fields[4]
    if block is None or block.abstract is None or block.pmid != pmid:
        raise DataError(f"{where}: mention of {pmid}: expected after its own title and abstract.")
    if kind not in TYPE_OF_CLASS:
        raise DataError(f"{where}: class {kind!r}: expected one of {', '.join(TYPE_OF_CLASS)}.")
    start, end = _checked_offsets(int(fields[1]), int(fields[2]), block.text, quoted, where)
    block.mentions.append(_Mention(start, end, TYPE_OF_CLASS[kind]))


def _checked_offsets(start: int, end: int, text: str, quoted: str, where: str) -> tuple[int, int]:
    """Return the offsets without the blanks at either end of what they enclose."""
    if not start < end <= len(text):
        raise DataError(
            f"{where}: offsets {start} to {end} lie outside the text of {len(text)} characters, or "
            "enclose nothing. Expected 0 <= start < end <= length."
        )
    found = text[start:end]
    if found.split() != quoted.split() or not found.strip():
        raise DataError(
            f"{where}: offsets {start} to {end} enclose {found[:60]!r}, the line says "
            f"{quoted[:60]!r}. Expected the same text, blanks aside; was the file re-encoded?"
        )
    return end - len(found.lstrip()), start + len(found.rstrip())


def _sentences(block: _Block) -> Iterator[Sentence]:
    mentions = _without_overlaps(block.mentions)
    ends = _sentence_ends(block, mentions)
    for start, end in zip([0, *ends[:-1]], ends, strict=True):
        inside = [mention for mention in mentions if start <= mention.start < end]
        words = list(_words(block.text, start, end, inside))
        if words:
            spans = [block.text[a:b] for a, b in words]
            yield Sentence(tuple(spans), tuple(_tag(word, inside) for word in words))


def _without_overlaps(mentions: Sequence[_Mention]) -> list[_Mention]:
    kept: list[_Mention] = []
    for mention in sorted(mentions, key=lambda m: (m.start - m.end, m.start)):
        if not any(mention.overlaps(other) for other in kept):
            kept.append(mention)
    return sorted(kept, key=lambda m: m.start)


def _sentence_ends(block: _Block, mentions: Sequence[_Mention]) -> list[int]:
    """Return the offsets at which sentences end, the last one being the text's length."""
    text = block.text
    ends = {len(block.title)} if block.title else set()
    for match in _BOUNDARY.finditer(text):
        # The stop and what precedes it; an abbreviation is never longer than this.
        before = text[max(0, match.start() - 12) : match.start() + 1]
        if not _ABBREVIATION.search(before):
            ends.add(match.end())
    inner = {end for end in ends if not any(m.start < end < m.end for m in mentions)}
    return sorted({*inner, len(text)})


def _words(
    text: str, start: int, end: int, mentions: Sequence[_Mention]
) -> Iterator[tuple[int, int]]:
    """Yield the offsets of the words between two offsets, cut at mention boundaries."""
    cuts = sorted({cut for mention in mentions for cut in (mention.start, mention.end)})
    for first, last in word_spans(text, start, end):
        inside = [cut for cut in cuts if first < cut < last]
        yield from zip([first, *inside], [*inside, last], strict=True)


def _tag(word: tuple[int, int], mentions: Sequence[_Mention]) -> str:
    for mention in mentions:
        if mention.start <= word[0] and word[1] <= mention.end:
            return ("B-" if word[0] == mention.start else "I-") + mention.type
    return "O"
