"""`domainbert patents`: labelled examples from patent files, for a task of your own."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from domainbert import DataError
from domainbert_patent.reading import read_patents

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from domainbert_patent.record import Patent

Part = Literal["abstract", "claims", "first-claim"]
Level = Literal["section", "class", "subclass"]
Scheme = Literal["CPC", "IPC"]

_DATES = re.compile(r"(\d{4}-\d{2}-\d{2})?:(\d{4}-\d{2}-\d{2})?")


def add_commands(app: typer.Typer) -> None:
    """Add the command to the command line.

    Args:
        app: The application.
    """
    app.command(
        "patents", help="Write labelled examples from patent files, one JSON object per line."
    )(patents)


def patents(
    files: Annotated[list[Path], typer.Argument(help="Patent files, plain or .gz.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="A .jsonl file to write.")],
    part: Annotated[Part, typer.Option(help="Text of an example.")] = "abstract",
    level: Annotated[Level, typer.Option(help="What its labels name.")] = "subclass",
    scheme: Annotated[Scheme, typer.Option(help="Whose symbols.")] = "CPC",
    dates: Annotated[
        str, typer.Option(help="Only patents of these days, such as 2015-01-01:2015-12-31.")
    ] = ":",
) -> None:
    """Write one example for each patent that has the text and a label."""
    if not _DATES.fullmatch(dates):
        raise DataError(f"--dates {dates}: expected YYYY-MM-DD:YYYY-MM-DD; either may be left out.")
    first, _, last = dates.partition(":")
    chosen = (
        patent
        for path in files
        for patent in read_patents(path)
        if first <= patent.date and (not last or patent.date <= last)
    )
    if out.exists():
        raise DataError(f"{out}: exists already. Name another file.")
    counts = [0, 0]
    # A file that is cut short must not leave a task file that looks whole.
    unfinished = out.with_name(out.name + ".part")
    try:
        with unfinished.open("w", encoding="utf-8", newline="\n") as stream:
            for line in _lines(chosen, (part, level, scheme), counts):
                stream.write(line)
        if not counts[0]:
            raise DataError(
                f"{out}: not written, as none of {counts[1]} patents has a text ({part}) and a "
                f"{scheme} {level}. Files before 2013 have IPC symbols only: try --scheme IPC."
            )
        unfinished.replace(out)
    except OSError as error:
        raise DataError(f"{out}: cannot be written: {error.strerror or error}.") from None
    finally:
        unfinished.unlink(missing_ok=True)
    typer.echo(f"{out}: {counts[0]} examples; {counts[1]} patents without text or label")


def _lines(
    patents: Iterable[Patent], choice: tuple[Part, Level, Scheme], counts: list[int]
) -> Iterator[str]:
    part, level, scheme = choice
    for patent in patents:
        text, labels = text_of_part(patent, part), patent.labels(level, scheme)
        written = bool(text and labels)
        counts[0 if written else 1] += 1
        if written:
            record = {"id": patent.id, "date": patent.date, "text": text, "labels": labels}
            yield json.dumps(record, ensure_ascii=False) + "\n"


def text_of_part(patent: Patent, part: Part) -> str:
    """Return the part of a patent that an example shows.

    Args:
        patent: Any.
        part: `abstract`, `claims` (all of them, a line each) or `first-claim`.
    """
    if part == "abstract":
        return patent.abstract
    return "\n".join(patent.claims if part == "claims" else patent.claims[:1])
