"""`domainbert patents` and `domainbert patent-pairs`: examples from patent files."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from domainbert import DataError
from domainbert_patent.examples import (
    Labelling,
    Level,
    Part,
    Scheme,
    Seen,
    Sides,
    Which,
    checked_version,
    chosen_patents,
    labelled,
    paired,
    split_of,
    text_of_part,
    whole_or_nothing,
    write_examples,
)

Files = Annotated[list[Path], typer.Argument(help="Patent files, plain, .gz or .zip.")]
Dates = Annotated[
    str, typer.Option(help="Only patents of these days, such as 2015-01-01:2015-12-31.")
]
Output = Annotated[Path, typer.Option("--out", "-o", help="A .jsonl file; a folder with --split.")]
Bounds = Annotated[
    str, typer.Option("--split", help="Where validation and test begin, such as 2016,2017.")
]
_LEFT_OUT = (
    "cancelled claims", "claims of only a number", "symbols of another version",
    "patents without a date", "patents that occur again",
)  # fmt: skip


def add_commands(app: typer.Typer) -> None:
    """Add the commands to the command line.

    Args:
        app: The application.
    """
    app.command(
        "patents", help="Write labelled examples from patent files, one JSON object per line."
    )(patents)
    app.command("patent-pairs", help="Write pairs of texts from patent files, for retrieval.")(
        patent_pairs
    )


@dataclass(frozen=True)
class Wanted:
    """What `domainbert patents` is asked for: each field is an argument or an option."""

    files: Files
    out: Output
    part: Annotated[Part, typer.Option(help="Text of an example.")] = "abstract"
    words: Annotated[int, typer.Option(min=0, help="Words of the text at most; 0: all.")] = 0
    level: Annotated[Level, typer.Option(help="What its labels name.")] = "subclass"
    labels: Annotated[Which, typer.Option(help="All labels, or the first, main one.")] = "all"
    scheme: Annotated[Scheme, typer.Option(help="Whose symbols.")] = "CPC"
    scheme_version: Annotated[
        str, typer.Option(help="Only symbols of this version, such as 2013.01 or, of the IPC, 7.")
    ] = ""
    dates: Dates = ":"
    split: Bounds = ""


def patents(**options: Any) -> None:
    """Write one example for each patent that has the text and a label."""
    wanted, seen = Wanted(**options), Seen()
    version = checked_version(wanted.scheme_version)
    how = Labelling(wanted.level, wanted.scheme, version, wanted.labels)
    names = _names(wanted.split)
    what = f"a text ({wanted.part}) and a label ({wanted.scheme} {wanted.level}{{}})"

    def example(patent: Any) -> dict[str, Any] | None:
        return labelled(patent, text_of_part(patent, wanted.part, wanted.words), how, seen)

    with whole_or_nothing(wanted.out, names) as streams:
        found = chosen_patents(wanted.files, wanted.dates, seen)
        write_examples(found, streams, example, wanted.split, seen)
        _check(wanted.out, seen, names, what.format(f" of version {version}" if version else ""))
    _report(wanted.out, seen, names, "text or label")
    versions = ", ".join(f"{name} in {n:,}" for name, n in sorted(seen.versions.items()))
    typer.echo(f"{wanted.scheme} versions: {versions} examples")


# The command line has ten options, and a function here has six parameters at most.
patents.__signature__ = inspect.signature(Wanted, eval_str=True)  # type: ignore[attr-defined]


def patent_pairs(
    files: Files,
    out: Output,
    sides: Annotated[Sides, typer.Option(help="The query, and the text to find.")] = "title-claim",
    dates: Dates = ":",
    split: Bounds = "",
) -> None:
    """Write one pair for each patent that has both texts; a task of retrieval reads the files."""
    seen, names = Seen(), _names(split)
    with whole_or_nothing(out, names) as streams:
        found = chosen_patents(files, dates, seen)
        write_examples(found, streams, lambda patent: paired(patent, sides), split, seen)
        # Nothing is trained on, so train may be empty.
        _check(out, seen, names[1:], f"both texts ({sides})")
    _report(out, seen, names, "both texts")


def _names(split: str) -> tuple[str, ...]:
    """Return the names of the files, after malformed bounds are refused; none for one file."""
    if split:
        split_of("", split)
    return ("train", "validation", "test") if split else ()


def _check(out: Path, seen: Seen, names: tuple[str, ...], what: str) -> None:
    """Refuse a result without an example, or with an empty split."""
    if not seen.written:
        n = seen.counts["patents"]
        raise DataError(
            f"{out}: not written, as none of {n} patents has {what}. Grants before 2013 have IPC "
            "symbols only (--scheme IPC), and a version may be of other years."
        )
    if empty := [name for name in names if not seen.written[name]]:
        raise DataError(f"{out}: not written, as {empty[0]} has no example. Change --split.")


def _report(out: Path, seen: Seen, names: tuple[str, ...], lacking: str) -> None:
    """Print how many examples there are; on stderr, what was left out of them."""
    said = f"{seen.written.total()} examples"
    if names:
        said += f" ({', '.join(f'{name} {seen.written[name]}' for name in names)})"
    left = seen.counts["without an example"]
    typer.echo(f"{out}: {said}; {left} patents without {lacking}")
    for reason in _LEFT_OUT:
        if seen.counts[reason]:
            typer.echo(f"left out: {seen.counts[reason]:,} {reason}", err=True)
    odd = {"texts in place of a symbol": seen.odd, "dates that are no day": seen.odd_date}
    for reason, first in odd.items():
        if first:
            typer.echo(f"left out: {seen.counts[reason]:,} {reason}, the first {first}", err=True)
