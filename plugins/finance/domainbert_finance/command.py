"""The command `domainbert finance tone`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from domainbert.readers import decode_western, read_bytes
from domainbert_finance.files import MAX_BYTES
from domainbert_finance.tone import tone_counts

app = typer.Typer(help="Tools of the finance plugin.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    # With a single command, typer would otherwise drop the word `tone`.
    pass


@app.command()
def tone(
    file: Annotated[Path, typer.Argument(help="A text file, plain or .gz.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")] = False,
) -> None:
    """Count tone words by class in a text file.

    Example: `domainbert finance tone report.txt --json`
    """
    found = tone_counts(decode_western(read_bytes(file, MAX_BYTES), str(file)))
    if as_json:
        typer.echo(json.dumps(asdict(found), indent=2))
        return
    for name, count in found.counts.items():
        share = 100 * count / found.words if found.words else 0.0
        typer.echo(f"{name:<13}{count:>8}{share:>8.2f} %")
    typer.echo(f"{'all words':<13}{found.words:>8}")
