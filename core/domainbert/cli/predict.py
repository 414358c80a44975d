"""`domainbert predict`."""

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
from domainbert.cli.common import PluginOption, print_line
from domainbert.launch.worker import stoppable
from domainbert.run.progress import Reporter

if TYPE_CHECKING:
    from domainbert.corpus.sources import Source
    from domainbert.plugin.domain import Domain


OutOption = Annotated[
    Path | None, typer.Option("--out", "-o", help="File; a folder for brat.  [default: stdout]")
]
ReaderOption = Annotated[
    str | None, typer.Option(help="Reader of the files, or a corpus of --domain.")
]
DomainOption = Annotated[
    str | None, typer.Option(help="Domain of the reader.", autocompletion=complete.domains)
]
UnitOption = Annotated[str, typer.Option(help="Texts of a .txt: file, paragraph or line.")]
ProcessesOption = Annotated[
    int, typer.Option(min=1, max=256, help="Work in this many processes, on GPUs in turn.")
]
ColumnOption = Annotated[str | None, typer.Option(help="Column with the text.  [default: text]")]


@stoppable()
def predict(
    model: Annotated[str, typer.Argument(help="Run folder, fine-tuned model, or hub id.")],
    inputs: Annotated[
        list[str], typer.Argument(metavar="INPUT...", help="Files of texts; - for lines of stdin.")
    ],
    task: Annotated[str | None, typer.Option(help="Task of the run.")] = None,
    out: OutOption = None,
    form: Annotated[
        str, typer.Option("--format", help="jsonl, csv, conll, pubtator or brat.")
    ] = "jsonl",
    reader: ReaderOption = None,
    domain: DomainOption = None,
    text_unit: UnitOption = "file",
    column: ColumnOption = None,
    processes: ProcessesOption = 1,
    plugin: PluginOption = None,
) -> None:
    """Find entities or classes in texts with a fine-tuned model.

    A call with `--out` that was stopped goes on where it was.

    Example: `domainbert predict runs/bio-quickstart notes.txt`
    """
    from domainbert.errors import RecipeError
    from domainbert.pipeline.annotate import open_annotator
    from domainbert.pipeline.choose import load_registry
    from domainbert.pipeline.predict import Output, find_task_model
    from domainbert.pipeline.predict import predict as run
    from domainbert.pipeline.workers import side_by_side
    from domainbert.report.annotations import FORMATS
    from domainbert.run.session import open_session

    if form not in FORMATS:
        raise RecipeError(f"--format {form}: expected one of {', '.join(FORMATS)}.")
    registry = load_registry(plugin)
    place = find_task_model(model, task)
    with _files(inputs, text_unit) as files, open_session(out or Path(), Reporter()) as session:
        sources = _sources(files, reader, column, registry.domain(domain) if domain else None)
        session = session.with_processes("auto")
        annotator = open_annotator(place, session)
        with side_by_side(place, plugin or (), processes, session) as annotate:
            for text in run(annotator, sources, Output(out, form), session, annotate):
                sys.stdout.write(text)
    if out is not None:
        print_line(str(out))


@contextmanager
def _files(inputs: list[str], unit: str) -> Iterator[list[tuple[str, str]]]:
    """Yield the paths of the inputs with their text units; standard input becomes a file."""
    with TemporaryDirectory() as folder:
        stdin = Path(folder, "stdin.txt")
        if "-" in inputs:
            with stdin.open("wb") as stream:
                shutil.copyfileobj(sys.stdin.buffer, stream)
        yield [(str(stdin), "line") if item == "-" else (item, unit) for item in inputs]


def _sources(
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
