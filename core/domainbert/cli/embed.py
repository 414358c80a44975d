"""`domainbert embed`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from domainbert.cli.common import PluginOption, print_line, print_notices
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


@stoppable()
def embed(
    model: Annotated[str, typer.Argument(help="Run folder, model folder, hub id or package:…")],
    inputs: TextsArgument,
    out: Annotated[Path, typer.Option("--out", "-o", help="File: .parquet (with ids) or .npy.")],
    reader: ReaderOption = None,
    domain: DomainOption = None,
    text_unit: UnitOption = "file",
    column: ColumnOption = None,
    plugin: PluginOption = None,
) -> None:
    """Write a vector for each text: that of a sentence encoder, or the mean of its tokens.

    Example: `domainbert embed runs/bio-quickstart abstracts.jsonl -o vectors.parquet`
    """
    from domainbert.model.sentence_encoder import open_encoder
    from domainbert.pipeline.choose import load_registry
    from domainbert.pipeline.embed import check_output, find_encoder
    from domainbert.pipeline.embed import embed as run
    from domainbert.run.session import open_session

    check_output(out)
    registry = load_registry(plugin)
    place = find_encoder(model)
    with text_files(inputs, text_unit) as files, open_session(out, Reporter()) as session:
        sources = find_texts(files, reader, column, registry.domain(domain) if domain else None)
        session = session.with_processes("fp32")
        encoder = open_encoder(place.folder, str(session.accelerator.device))
        texts, cut = run(encoder, sources, out, session)
    if cut:
        print_notices(
            [f"{cut:,} texts are longer than {encoder.window} tokens: the rest is not read."]
        )
    print_line(f"{texts:,} vectors of {encoder.size} numbers: {out}")
