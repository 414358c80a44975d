"""`domainbert predict`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from domainbert.cli.common import PluginOption, print_line
from domainbert.cli.texts import (
    ColumnOption,
    DomainOption,
    ReaderOption,
    TextsArgument,
    UnitOption,
    find_texts,
    text_files,
)
from domainbert.launch.worker import stoppable
from domainbert.run.progress import Reporter

OutOption = Annotated[
    Path | None, typer.Option("--out", "-o", help="File; a folder for brat.  [default: stdout]")
]
ProcessesOption = Annotated[
    int, typer.Option(min=1, max=256, help="Work in this many processes, on GPUs in turn.")
]


@stoppable()
def predict(
    model: Annotated[str, typer.Argument(help="Run folder, fine-tuned model, or hub id.")],
    inputs: TextsArgument,
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
    """Find entities, classes, numbers or answers with a fine-tuned model.

    Models of texts read text files and tables; those of pairs, choices, numbers, relations and
    questions read tables with their columns.

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
    with text_files(inputs, text_unit) as files, open_session(out or Path(), Reporter()) as session:
        sources = find_texts(files, reader, column, registry.domain(domain) if domain else None)
        session = session.with_processes("auto")
        annotator = open_annotator(place, session)
        with side_by_side(place, plugin or (), processes, session) as annotate:
            for text in run(annotator, sources, Output(out, form), session, annotate):
                sys.stdout.write(text)
    if out is not None:
        print_line(str(out))
