"""Files of texts as arguments of commands: what they are and how they are read."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer

from domainbert.cli import complete

if TYPE_CHECKING:
    from domainbert.corpus.sources import Source
    from domainbert.plugin.domain import Domain

TextsArgument = Annotated[
    list[str], typer.Argument(metavar="INPUT...", help="Files of texts; - for lines of stdin.")
]
ReaderOption = Annotated[
    str | None, typer.Option(help="Reader of the files, or a corpus of --domain.")
]
DomainOption = Annotated[
    str | None, typer.Option(help="Domain of the reader.", autocompletion=complete.domains)
]
UnitOption = Annotated[str, typer.Option(help="Texts of a .txt: file, paragraph or line.")]
ColumnOption = Annotated[str | None, typer.Option(help="Column with the text.  [default: text]")]


@contextmanager
def text_files(inputs: list[str], unit: str) -> Iterator[list[tuple[str, str]]]:
    """Yield the paths of the inputs with their text units; standard input becomes a file."""
    with TemporaryDirectory() as folder:
        stdin = Path(folder, "stdin.txt")
        if "-" in inputs:
            with stdin.open("wb") as stream:
                shutil.copyfileobj(sys.stdin.buffer, stream)
        yield [(str(stdin), "line") if item == "-" else (item, unit) for item in inputs]


def find_texts(
    files: list[tuple[str, str]], reader: str | None, column: str | None, domain: Domain | None
) -> tuple[Source, ...]:
    """Return the files, read as those of a corpus."""
    from pydantic import ValidationError

    from domainbert.corpus.sources import find_sources
    from domainbert.errors import RecipeError
    from domainbert.recipe.corpus import CorpusSection

    given: dict[str, Any] = {"columns": {"text": column}} if column else {}
    if reader is not None:
        known = {corpus.name for corpus in domain.corpora} if domain else set()
        given["name" if reader in known else "format"] = reader
    try:
        sections = [
            CorpusSection.model_validate({"path": path, "text_unit": unit, **given})
            for path, unit in files
        ]
    except ValidationError as error:
        first = error.errors()[0]
        option = {"text_unit": "--text-unit", "columns": "--column"}.get(str(first["loc"][0]))
        raise RecipeError(f"{option or '--reader'}: {first['msg']}.") from None
    return find_sources(sections, domain, Path(), at="INPUT")
