"""Read the column format of entity recognition: a word and its tag on a line."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from domainbert.errors import DataError, listed
from domainbert.plugin.domain import Task
from domainbert.plugin.pubtator import TEXT_LINE
from domainbert.plugin.readers import LINE_ENDS, read_lines
from domainbert.plugin.records import Sentence
from domainbert.words import canonical_text

TAG = re.compile(r"O|[BI]-\S+")
"""Tags of IOB2, to which all schemes are brought."""
_GIVEN = re.compile(r"O|[BIESLUM]-\S+|[BIESLUM]")
_SCHEMES = "expected O, B-TYPE or I-TYPE, or the E-, S-, L-, U- of IOBES and BILUO"
# Lines of CoNLL-U: several words, or none, and one word.
_NER = re.compile(r"^(NER|Entity)=", re.IGNORECASE)
_SEVERAL, _NUMBERED = re.compile(r"\d+[-.]\d+\t"), re.compile(r"\d+\t")
# What a prefix of another scheme is in IOB2, and whether the mention ends with it.
_PREFIXES = {
    "B": ("B", False), "I": ("I", False), "M": ("I", False), "E": ("I", True), "L": ("I", True),
    "S": ("B", True), "U": ("B", True),
}  # fmt: skip
# Parts of speech of the Penn Treebank and of Universal Dependencies.
_SPEECH_TEXT = """
CC CD DT EX FW IN JJ JJR JJS LS MD NN NNS NNP NNPS PDT POS PRP PRP$ RB RBR RBS RP SYM TO
UH VB VBD VBG VBN VBP VBZ WDT WP WP$ WRB . , : `` '' ( ) # $ -LRB- -RRB- ADJ ADP ADV AUX
CCONJ CONJ DET INTJ NOUN NUM PART PRON PROPN PUNCT SCONJ VERB X SPACE
"""
_SPEECH = frozenset(_SPEECH_TEXT.split())
# Numbers of words or sentences: `3`, `1.0`, `0-2`, `T1`, `Sentence: 4`, `doc0.txt`.
_NUMBER = re.compile(r"(?:[^\W\d]+[-_.:# ]*)?\d+(?:[-_.:]\d+)*(?:\.[a-z]{2,4})?", re.IGNORECASE)
# Of the words of a column of numbers one in ten may be something else.
_NUMBERED_SHARE = 0.9


@dataclass
class _Layout:
    """Places of words and tags in the lines of one file."""

    path: Path
    task: Task
    conllu: bool
    width: int = 0
    places: tuple[int, int] = (0, -1)

    def split(self, line: str) -> list[str]:
        separator = self.task.separator
        parts = line.split(separator or ("\t" if "\t" in line else " "))
        return [part.strip() for part in parts] if separator else [part for part in parts if part]

    def begin(self, columns: list[str]) -> bool:
        """Fix width and places by the first line; return whether it is a header."""
        self.width = len(columns)
        given = self.task.columns
        asked = given.get("words", 2 if self.conllu else 1), given.get("tags", -1)
        header = any(isinstance(place, str) for place in asked)
        words, tags = (self._place(place, columns) for place in asked)
        self.places = words, tags
        return header

    def _place(self, place: str | int | tuple[str, ...], columns: list[str]) -> int:
        assert not isinstance(place, tuple)  # noqa: S101  # that is for choices alone
        if isinstance(place, str):
            if place in columns:
                return columns.index(place)
            what = f"no column {place!r}; the first line has {listed(columns)}"
            raise DataError(f"{self.path}:1: {what}. Give the number of the column, from 1.")
        if not 1 <= abs(place) <= len(columns):
            raise DataError(f"{self.path}:1: no column {place}; there are {len(columns)}.")
        return place - 1 if place > 0 else place + len(columns)


def read_columns(path: Path, task: Task, conllu: bool = False) -> Iterator[Sentence]:
    """Yield the sentences of a file with a word and its tag on each line.

    Columns are separated by tabs, or by blanks where a line has no tab; blank lines end sentences;
    `-DOCSTART-` lines are skipped. Tags are IOB, IOB2, IOBES or BILUO; see `to_iob2`.

    Args:
        path: The file.
        task: Its `columns` may say where `words` and `tags` are, else first and last; `separator`
            separates columns; its one label is the type of tags without one.
        conllu: Skip comments and lines of several words or none; the word is in column 2.

    Raises:
        DataError: Missing, not UTF-8, a line of another width, or another tag scheme.
    """
    layout = _Layout(path, task, conllu)
    words: list[str] = []
    tags: list[str] = []
    forms, seen, n_documents = Counter[str](), set[str](), 0
    for number, line in chain(read_lines(path), [(0, "")]):
        if not line.strip() or line.startswith("-DOCSTART-"):
            if words:
                forms.update(_forms(words, layout.width))
                yield Sentence(tuple(words), tuple(tags), str(n_documents or ""))
            words, tags = [], []
            n_documents += line.startswith("-DOCSTART-")
            continue
        if conllu and (line.startswith("#") or _SEVERAL.match(line)):
            continue
        if conllu and not _NUMBERED.match(line):
            expected = "expected a number, a tab and the word"
            raise DataError(f"{path}:{number}: {expected}, found {line[:60]!r}.")
        if "\r" in line:
            raise DataError(f"{path}:{number}: a lone carriage return. {LINE_ENDS}.")
        columns = layout.split(line)
        if not layout.width and layout.begin(columns):
            continue
        word, tag = _cells(layout, columns, number, line)
        words.append(word)
        tags.append(_checked_tag(tag, layout, f"{path}:{number}", line))
        if len(seen) <= len(_SPEECH):
            seen.add(word)
    if "words" not in task.columns:
        _refuse_no_words(path, forms, seen)


def _cells(layout: _Layout, columns: Sequence[str], number: int, line: str) -> tuple[str, str]:
    """Return the word and the tag of a line."""
    where = f"{layout.path}:{number}"
    if len(columns) > 1 and len(columns) != layout.width > 1:
        wanted = f"expected {layout.width} columns as before, found {len(columns)}"
        raise DataError(f"{where}: {wanted}: {line[:60]!r}. Separate them by tabs.")
    word, tag = ("", "") if len(columns) < 2 else (columns[place] for place in layout.places)
    if not word.strip() or not tag.strip():
        expected = "expected a word and a tag, separated by a tab or a blank"
        raise DataError(f"{where}: {expected}, found {line[:60]!r}.{_other_format(line)}")
    return word, tag.strip()


def _other_format(line: str) -> str:
    """Return what a line without word and tag looks like; nothing if it is unknown."""
    if TEXT_LINE.fullmatch(line):
        return " This looks like PubTator: set `format: pubtator`."
    return " This looks like JSON lines: name the file .jsonl." if line.startswith("{") else ""


def _checked_tag(tag: str, layout: _Layout, where: str, line: str) -> str:
    if layout.conllu:
        parts = [_NER.sub("", part) for part in tag.split("|")]
        named = [part for part, given in zip(parts, tag.split("|"), strict=True) if part != given]
        plain = [part for part in parts if "=" not in part and part != "_"]
        tag = next(iter(named + plain), "O")
    names = layout.task.label_names
    if tag.isdecimal() and int(tag) < len(names):
        tag = names[int(tag)]
    try:
        return whole_tag(tag, layout.task.labels)
    except DataError as error:
        hint = _other_format(line)
        if tag in _SPEECH:
            hint = " It is a part of speech: set `tag_column` to that of the tags."
        elif where.endswith(":1") and tag.replace("_", "").isalpha():
            hint = f" If the line is a header, name its columns, as `tag_column: {tag}`."
        raise DataError(f"{where}: {error}.{hint}") from None


def whole_tag(tag: str, labels: Sequence[str]) -> str:
    """Return a tag of any scheme with its type: the one label where it has none.

    Raises:
        DataError: Another scheme, or no type.
    """
    if not _GIVEN.fullmatch(tag):
        raise DataError(f"unknown tag {tag!r}; {_SCHEMES}")
    if len(tag) > 1 or tag == "O":
        return tag
    if len(labels) != 1:
        raise DataError(f"the tag {tag!r} has no type. Name it with `labels: [TYPE]`")
    return f"{tag}-{labels[0]}"


def _forms(words: Sequence[str], width: int) -> Counter[str]:
    """Return counts of words, of numbers, and of words that stand beside others, or only alike."""
    if width < 3:  # the words can be in no other column
        return Counter()
    beside = len(words) if len(words) > 1 else 0
    alike = beside if len(set(words)) == 1 else 0
    numbers = sum(_NUMBER.fullmatch(word) is not None for word in words)
    return Counter(words=len(words), numbers=numbers, beside=beside, alike=alike)


def _refuse_no_words(path: Path, forms: Counter[str], words: set[str]) -> None:
    if forms["numbers"] > _NUMBERED_SHARE * forms["words"]:
        what = "numbers alone, as 1, 2, 3"
    elif forms["alike"] == forms["beside"] > 0:
        what = "the same in all lines of a sentence"
    elif words <= _SPEECH and sum(map(str.isalpha, words)) > 2:
        what = "parts of speech"
    else:
        return
    raise DataError(
        f"{path}:1: the first column has {what}: is the word in the second? Set `word_column: 2`, "
        "or `word_column: 1` if it is right."
    )


def to_iob2(sentence: Sentence, counts: Counter[str]) -> Sentence:
    """Return the sentence in IOB2: every mention begins with `B-`.

    An `I-X` that follows no mention of X opens one, as in IOB1 and IO files; `counts["repaired"]`
    tells how many did. `E-` and `L-` end a mention, `S-` and `U-` are a whole one. Types are
    brought to one Unicode form; `counts["label_forms"]` counts tags.
    """
    tags, previous = list[str](), "O"
    for given in sentence.tags:
        prefix, ends = _PREFIXES.get(given[:1], ("O", True))
        label = canonical_text(given[2:])
        tag = f"{prefix}-{label}" if given[1:2] == "-" else given
        counts["label_forms"] += label != given[2:]
        if tag.startswith("I-") and previous[2:] != tag[2:]:
            counts["repaired"] += 1
            tag = "B-" + tag[2:]
        tags.append(tag)
        previous = "O" if ends else tag
    return Sentence(sentence.words, tuple(tags))
