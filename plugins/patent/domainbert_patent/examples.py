"""Labelled examples and pairs of texts from patents, written line by line."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from domainbert import DataError
from domainbert_patent.reading import read_patents
from domainbert_patent.record import is_day
from domainbert_patent.symbols import parse_version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path
    from typing import TextIO

    from domainbert_patent.record import Patent

Part = Literal["abstract", "claims", "first-claim", "description"]
Level = Literal["section", "class", "subclass"]
Scheme = Literal["CPC", "IPC"]
Which = Literal["all", "first"]
Sides = Literal["title-abstract", "title-claim", "abstract-claim"]

_VERSION = re.compile(r"[1-8]|[0-9]{4}\.(?:0[1-9]|1[0-2])")
_SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Labelling:
    """Which labels an example gets.

    Args:
        level: What they name.
        scheme: Whose symbols.
        version: Of the scheme, such as `2013.01` or `7`; empty for any.
        which: All, or the first alone, which is the main one.
    """

    level: Level = "subclass"
    scheme: Scheme = "CPC"
    version: str = ""
    which: Which = "all"


@dataclass
class Seen:
    """What was met on the way.

    Args:
        written: Examples by name of their file.
        counts: Patents and claims that were left out, by reason.
        versions: Examples by version of the scheme that their symbols are of.
        odd: The first text in place of a symbol, with its patent.
        odd_date: The first text in place of a date, with its patent.
    """

    written: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    versions: Counter[str] = field(default_factory=Counter)
    odd: str = ""
    odd_date: str = ""


def chosen_patents(files: Iterable[Path], dates: str, seen: Seen) -> Iterator[Patent]:
    """Yield the patents of some days, each once, and count what their readers left out.

    Args:
        files: Patent files.
        dates: Such as `2015-01-01:2015-12-31`; either day may be left out.
        seen: Receives the counts.

    Raises:
        DataError: Malformed dates, or as for `read_patents`.
    """
    first, colon, last = dates.partition(":")
    if not colon or not all(map(is_day, filter(None, (first, last)))) or (last and first > last):
        raise DataError(
            f"--dates {dates}: expected YYYY-MM-DD:YYYY-MM-DD, two days of the calendar, the "
            "earlier one first; either may be left out."
        )
    ids: set[str] = set()
    for patent in (patent for path in files for patent in read_patents(path)):
        if patent.date and not first <= patent.date <= (last or patent.date):
            continue
        if patent.id in ids:
            seen.counts["patents that occur again"] += 1
            continue
        ids.add(patent.id)
        _count(patent, seen)
        if patent.date or not (first or last):
            seen.counts["patents"] += 1
            yield patent
        else:
            seen.counts["patents without a date"] += 1


def _count(patent: Patent, seen: Seen) -> None:
    """Count what the reader of a patent left out of it."""
    seen.counts["cancelled claims"] += patent.cancelled_claims
    seen.counts["claims of only a number"] += patent.empty_claims
    seen.counts["texts in place of a symbol"] += len(patent.other_symbols)
    seen.counts["dates that are no day"] += bool(patent.other_date)
    if patent.other_symbols and not seen.odd:
        seen.odd = f"{patent.other_symbols[0][:40]!r} in {patent.id}"
    if patent.other_date and not seen.odd_date:
        seen.odd_date = f"{patent.other_date[:40]!r} in {patent.id}"


def labelled(patent: Patent, text: str, how: Labelling, seen: Seen) -> dict[str, Any] | None:
    """Return an example, or None for a patent without the text or a label.

    Args:
        patent: Any.
        text: Its text.
        how: Which labels.
        seen: Receives the counts.
    """
    codes = [code for code in patent.codes if code.scheme == how.scheme]
    kept = [code for code in codes if how.version in {"", code.version}]
    seen.counts["symbols of another version"] += len(codes) - len(kept)
    labels = patent.labels(how.level, how.scheme, how.version)
    if not (text and labels):
        return None
    named: dict[str, Any] = {"labels": labels} if how.which == "all" else {"label": labels[0]}
    versions = sorted({code.version or "unknown" for code in kept})
    seen.versions.update(versions)
    about = {"id": patent.id, "date": patent.date, "text": text}
    return {**about, **named, "scheme": how.scheme, "versions": versions}


def paired(patent: Patent, sides: Sides) -> dict[str, Any] | None:
    """Return a query and the text that it has to find, or None where the patent lacks one.

    Args:
        patent: Any.
        sides: Which texts.
    """
    texts = {"title": patent.title, "abstract": patent.abstract, "claim": first_claim(patent)}
    query, found = (" ".join(texts[side].split()) for side in sides.split("-"))
    if not (query and found):
        return None
    about = {"id": patent.id, "date": patent.date, "text": f"{query}\n{found}"}
    return {**about, "query": query, "passage": found}


def text_of_part(patent: Patent, part: Part, words: int = 0) -> str:
    """Return the part of a patent that an example shows.

    Args:
        patent: Any.
        part: `abstract`, `claims` (all of them, a line each), `first-claim` or `description`.
        words: Take this many from its beginning; 0 for all.
    """
    texts = {"abstract": patent.abstract, "description": patent.description}
    text = texts.get(part) or ""
    if part == "claims":
        text = "\n".join(patent.claims)
    elif part == "first-claim":
        text = first_claim(patent)
    if not words:
        return text
    ends = [word.end() for word, _ in zip(re.finditer(r"\S+", text), range(words), strict=False)]
    return text[: ends[-1]] if ends else ""


def first_claim(patent: Patent) -> str:
    """Return the first claim in force, or nothing.

    Args:
        patent: Any.
    """
    return patent.claims[0] if patent.claims else ""


def split_of(date: str, bounds: str) -> str:
    """Return the split of a day; nothing for an unknown day.

    Args:
        date: Such as `2015-03-10`.
        bounds: Where validation and test begin: `2016,2017`, or two days.

    Raises:
        DataError: Malformed bounds, or the second is not later.
    """
    validation, _, test = bounds.partition(",")
    if not (_is_bound(validation) and _is_bound(test) and validation < test):
        raise DataError(
            f"--split {bounds}: expected where validation and test begin, such as 2016,2017."
        )
    if not date:
        return ""
    return _SPLITS[(date >= validation) + (date >= test)]


def _is_bound(text: str) -> bool:
    """Tell whether a text is a year or a day."""
    return is_day(f"{text}-01-01" if len(text) == 4 else text)


def checked_version(text: str) -> str:
    """Return the name of a version, `2013.01` for `20130101`; empty for empty.

    Raises:
        DataError: It names no edition of the IPC and no month.
    """
    version = parse_version(text)
    if version and not _VERSION.fullmatch(version):
        raise DataError(
            f"--scheme-version {text}: expected an edition of the IPC, 1 to 8, or a year and "
            "month, such as 2013.01."
        )
    return version


@contextmanager
def whole_or_nothing(out: Path, names: tuple[str, ...]) -> Iterator[Mapping[str, TextIO]]:
    """Yield open files that appear under their name when all went well, and never otherwise.

    Args:
        out: A file, or the folder of several.
        names: Of the files in the folder; none for one file, whose name here is empty.

    Raises:
        DataError: It is there already, or cannot be written.
    """
    if out.exists():
        raise DataError(f"{out}: exists already. Name another {'folder' if names else 'file'}.")
    unfinished = out.with_name(out.name + ".part")
    paths = {name: unfinished / f"{name}.jsonl" for name in names} or {"": unfinished}
    try:
        if names:
            unfinished.mkdir()
        with ExitStack() as stack:
            yield {
                name: stack.enter_context(path.open("w", encoding="utf-8", newline="\n"))
                for name, path in paths.items()
            }
        unfinished.replace(out)
    except OSError as error:
        raise DataError(f"{out}: cannot be written: {error.strerror or error}.") from None
    finally:
        if unfinished.is_dir():
            shutil.rmtree(unfinished)
        unfinished.unlink(missing_ok=True)


def write_examples(
    patents: Iterable[Patent],
    streams: Mapping[str, TextIO],
    example_of: Callable[[Patent], dict[str, Any] | None],
    split: str,
    seen: Seen,
) -> None:
    """Write the example of each patent that has one into the file of its split.

    Args:
        patents: In any order.
        streams: Files by split, or one of an empty name.
        example_of: Patent to example, or None.
        split: As for `split_of`; empty for one file.
        seen: Receives the counts.
    """
    for patent in patents:
        example = example_of(patent)
        name = split_of(patent.date, split) if split else ""
        if example is None:
            seen.counts["without an example"] += 1
        elif name not in streams:
            seen.counts["patents without a date"] += 1
        else:
            seen.written[name] += 1
            streams[name].write(json.dumps(example, ensure_ascii=False) + "\n")
