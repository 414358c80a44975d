"""Read BRAT folders: a text in NAME.txt and its mentions in NAME.ann."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from domainbert.errors import DataError
from domainbert.plugin.readers import read_lines, read_utf8
from domainbert.plugin.records import Sentence
from domainbert.plugin.spans import Mention, checked_mention, tagged_sentences
from domainbert.tasks.readers.table import placed

_SPAN = re.compile(r"(\S+) ([0-9]{1,9}) ([0-9]{1,9})")
_PARTS = re.compile(r"(\S+) ([0-9]{1,9} [0-9]{1,9}(?:;[0-9]{1,9} [0-9]{1,9})+)")


def read_brat(path: Path, counts: Counter[str]) -> Iterator[Sentence]:
    """Yield the sentences of the texts of a folder, tagged in IOB2, in the order of their names.

    Lines of `T` are mentions. A mention in several parts covers all from the first to the last,
    and `counts["discontinuous"]` counts it. Other lines, as relations and notes, are counted in
    `counts["relations"]`.

    Args:
        path: The folder, or one .ann file.
        counts: Receives the remarks, those of `tagged_sentences` too.

    Raises:
        DataError: A file is missing, not UTF-8 or malformed, or offsets and text disagree.
    """
    files = _files(path, ".ann") if path.is_dir() else [path]
    if not files:
        raise DataError(f"{path}: no .ann file in this folder. Expected NAME.txt with NAME.ann.")
    texts = {file.with_suffix("") for file in _files(path, ".txt")} if path.is_dir() else set()
    if alone := sorted(texts - {file.with_suffix("") for file in files}):
        raise DataError(f"{alone[0]}.txt: has no .ann beside it. An empty one says: no mention.")
    for file in files:
        text = read_utf8(file.with_suffix(".txt"))
        mentions = list(_mentions(file, text, counts))
        yield from tagged_sentences(text, mentions, counts, document=str(file))


def _files(folder: Path, suffix: str) -> list[Path]:
    """Return the files of a suffix below a folder, without hidden ones and links to elsewhere."""
    root = folder.resolve()
    found = [file for file in sorted(folder.rglob(f"*{suffix}")) if _is_shown(file, folder)]
    if away := next((file for file in found if not file.resolve().is_relative_to(root)), None):
        raise DataError(f"{away}: a link to a file outside of {folder}. Copy the file.")
    return found


def _is_shown(file: Path, folder: Path) -> bool:
    parts = file.relative_to(folder).parts
    return not any(part.startswith(".") or part == "__MACOSX" for part in parts)


def _mentions(path: Path, text: str, counts: Counter[str]) -> Iterator[Mention]:
    for number, line in read_lines(path):
        where = f"{path}:{number}"
        if not line.startswith("T"):
            counts["relations"] += bool(line.strip())
            continue
        fields = line.split("\t")
        span = fields[1] if len(fields) > 1 else ""
        quoted: str | None = fields[2] if len(fields) > 2 else None
        if (match := _PARTS.fullmatch(span)) is not None:
            counts["discontinuous"] += 1
            numbers = [int(number) for number in re.findall(r"[0-9]+", match[2])]
            label, start, end = match[1], min(numbers), max(numbers)
            pieces = zip(numbers[::2], numbers[1::2], strict=True)
            own = " ".join(text[first:stop] for first, stop in pieces)
            quoted = None if quoted is None or own.split() == quoted.split() else quoted
        elif (match := _SPAN.fullmatch(span)) is not None:
            label, start, end = match[1], int(match[2]), int(match[3])
        else:
            raise DataError(
                f"{where}: malformed line {line[:60]!r}. Expected `T1`, then type, start and end, "
                "then the text, separated by tabs."
            )
        with placed(where):
            yield checked_mention(text, start, end, label, quoted)
