"""`domainbert publish`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from domainbert.cli.common import PluginOption, print_line
from domainbert.run.progress import Reporter


def publish(
    run: Annotated[Path, typer.Argument(help="A finished run.")],
    to: Annotated[str, typer.Option(help="ORG/NAME on the hub, or a folder (./NAME).")],
    task: Annotated[
        str | None, typer.Option(help="Publish the fine-tuned model of this task.")
    ] = None,
    licence: Annotated[
        str, typer.Option(help="Identifier on the hub: apache-2.0; other claims nothing.")
    ] = "other",
    public: Annotated[bool, typer.Option("--public", help="Let everybody see it.")] = False,
    update: Annotated[
        bool, typer.Option("--update", help="Make a commit in a repository that has files.")
    ] = False,
    plugin: PluginOption = None,
) -> None:
    """Put a model with its card on the hub, private at first, or into a folder.

    Example: `domainbert publish runs/bio-quickstart --to ./domainbert-bio`
    """
    from domainbert.pipeline.choose import load_registry
    from domainbert.pipeline.publish import (
        is_repository,
        prepare,
        publish_to_folder,
        publish_to_hub,
    )
    from domainbert.run.folder import RunFolder

    registry, say = load_registry(plugin), Reporter().say
    on_hub = is_repository(to)
    name = to if on_hub else Path(to).name
    publication = prepare(RunFolder(run), name, licence, registry, task)
    if on_hub:
        print_line(publish_to_hub(publication, not public, update, say))
    else:
        publish_to_folder(publication, Path(to), say)
        print_line(to)
