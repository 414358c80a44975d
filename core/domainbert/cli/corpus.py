"""`domainbert corpus`: fetch, check, build and stats."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from domainbert.cli import common
from domainbert.cli.adapt import DomainOption, OutOption, RecipeArgument
from domainbert.cli.common import JsonOption, PluginOption, SettingsOption, print_line
from domainbert.launch.worker import stoppable
from domainbert.run.progress import Reporter

app = typer.Typer(help="Fetch, check, build and measure a corpus.", no_args_is_help=True)

RunArgument = Annotated[Path, typer.Argument(help="Run folder, or the folder of a token store.")]
WorkersOption = Annotated[
    int | None, typer.Option(min=1, help="Build in parts, in this many processes.")
]
ClusterOption = Annotated[
    Path | None, typer.Option(metavar="FILE.yaml", help="Build in parts, on SLURM or Ray.")
]
PlotOption = Annotated[Path | None, typer.Option(help="Draw an SVG into this file.")]


@app.command()
@stoppable()
def build(
    recipe: RecipeArgument = None,
    domain: DomainOption = None,
    settings: SettingsOption = None,
    out: OutOption = None,
    workers: WorkersOption = None,
    cluster: ClusterOption = None,
    plugin: PluginOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read, clean and tokenise the text of a recipe; `adapt` goes on from there.

    With `--workers` or `--cluster` it is built in parts, by the extra `domainbert[cluster]`.

    Example: `domainbert corpus build --domain bio`
    """
    from domainbert.errors import RecipeError
    from domainbert.pipeline.adapt import adapt
    from domainbert.pipeline.choose import choose_recipe, load_registry, run_folder

    registry = load_registry(plugin)
    chosen = choose_recipe(recipe, domain, tuple(settings or ()), registry)
    out = out or run_folder(chosen)
    if workers is not None and cluster is not None:
        raise RecipeError("Give --workers or --cluster, not both.")
    apart = workers if cluster is None else cluster
    if apart is None:
        adapt(chosen.recipe, chosen.folder, out, registry, Reporter(), "corpus")
    else:
        from domainbert.pipeline.cluster import build_apart

        if not build_apart(chosen, out, tuple(plugin or ()), apart, Reporter()):
            print_line(f"Submitted; the corpus will be in {out / 'corpus'}.")
            return
    _show(_stats(out), as_json)
    if not as_json:
        common.print_next("adapt", str(out), plugin=plugin)


@app.command()
def stats(run: RunArgument, plot: PlotOption = None, as_json: JsonOption = False) -> None:
    """Show lengths, sources and drops of a corpus that was built.

    Example: `domainbert corpus stats runs/bio-quickstart --plot corpus.svg`
    """
    from domainbert.errors import RecipeError
    from domainbert.report.corpus import render_corpus
    from domainbert.storage.files import write_text

    if plot is not None and plot.suffix.lower() != ".svg":
        raise RecipeError(f"--plot {plot}: draws SVG; name the file {plot.stem}.svg.")
    found = _stats(run)
    if plot is not None:
        write_text(plot, render_corpus(found))
    _show(found, as_json)
    if not as_json and plot is None:
        common.print_next("corpus", "stats", str(run), "--plot", "corpus.svg")


@app.command()
@stoppable()
def check(
    recipe: RecipeArgument = None,
    domain: DomainOption = None,
    settings: SettingsOption = None,
    plugin: PluginOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read all text of a recipe and run its corpus steps; write nothing, train nothing.

    Example: `domainbert corpus check mine.yaml`
    """
    from domainbert.pipeline.choose import choose_recipe, load_registry
    from domainbert.pipeline.corpus import check_corpus

    registry = load_registry(plugin)
    chosen = choose_recipe(recipe, domain, tuple(settings or ()), registry)
    found = check_corpus(chosen.recipe, chosen.folder, registry, Reporter())
    if as_json:
        common.print_json(found)
        return
    rows = []
    for name, step in found["steps"].items():
        for reason, number in step["reasons"].items():
            places = [item["source"] for item in step["examples"] if item["reason"] == reason]
            rows.append([name, reason.replace("_", " "), f"{number:,}", ", ".join(places)])
    common.print_table(["step", "reason", "number", "for example"], rows)
    numbers = (f"{found[key]:,} {key}" for key in ("read", "kept", "characters"))
    print_line(", ".join(numbers))
    chosen_by = [recipe] if recipe else ["--domain", domain] if domain else []
    changed = [word for setting in settings or () for word in ("--set", setting)]
    common.print_next("corpus", "build", *chosen_by, *changed, plugin=plugin)


@app.command()
@stoppable()
def fetch(
    corpus: Annotated[str, typer.Argument(help="DOMAIN/CORPUS of a plugin.")],
    out: Annotated[Path | None, typer.Option(help="Folder.  [default: corpora/CORPUS]")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Fetch at most this many files.")] = 1,
    option: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="What to fetch: year=2023.")
    ] = None,
    user_agent: Annotated[
        str, typer.Option(envvar="DOMAINBERT_USER_AGENT", help="Your name and mail address.")
    ] = "",
    mirror: Annotated[str | None, typer.Option(help="Address in place of the publisher's.")] = None,
    plugin: PluginOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fetch files of a corpus from its publisher; files that are there stay.

    Example: `domainbert corpus fetch bio/pubmed --limit 3`
    """
    from domainbert.pipeline.choose import load_registry
    from domainbert.pipeline.corpus import fetch_corpus

    domain, _, name = corpus.partition("/")
    given = dict(item.partition("=")[::2] for item in option or ())
    folder = out or Path("corpora") / name
    registry = load_registry(plugin)
    wanted = {"limit": limit, "options": given, "user_agent": user_agent, "mirror": mirror}
    found = fetch_corpus(registry, (domain, name), folder, Reporter(), **wanted)
    paths = [str(path) for path in found]
    if as_json:
        common.print_json({"files": paths})
        return
    for path in paths:
        print_line(path)
    print_line(f"In a recipe: domain: {domain}, corpus: [{{name: {name}, path: {folder}/*}}]")


def _stats(folder: Path) -> dict[str, Any]:
    from domainbert.corpus.stats import corpus_stats
    from domainbert.corpus.store import open_store
    from domainbert.errors import RunFolderError

    places = folder, folder / "corpus" / "store"
    store = next((place for place in places if (place / "manifest.json").is_file()), None)
    if store is None:
        raise RunFolderError(f"{folder}: holds no corpus. Make one with `domainbert corpus build`.")
    return corpus_stats(open_store(store))


def _show(stats: dict[str, Any], as_json: bool) -> None:
    if as_json:
        common.print_json(stats)
        return
    sources = [
        [item["corpus"], *(f"{item[key]:,}" for key in ("files", "documents", "tokens"))]
        for item in stats["sources"]
    ]
    common.print_table(["source", "files", "documents", "tokens"], sources)
    reasons = [
        [step, reason.replace("_", " "), f"{number:,}"]
        for step, found in stats["steps"].items()
        for reason, number in found.items()
    ]
    common.print_table(["step", "dropped or changed", "number"], reasons)
    quantiles = ", ".join(f"{share} {n:,}" for share, n in stats["tokens_per_document"].items())
    print_line(f"tokens per document: {quantiles}")
    print_line(f"{stats['read']:,} read = {stats['kept']:,} kept + {stats['dropped']:,} dropped")
