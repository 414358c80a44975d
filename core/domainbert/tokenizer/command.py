"""The work of `domainbert tokenizer`: read terms and text, report on them, extend a base."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from domainbert.corpus.sources import find_sources, read_sources
from domainbert.corpus.steps import find_steps, run_steps
from domainbert.errors import DataError, RecipeError, RunFolderError
from domainbert.model.load import (
    BaseFolder,
    LoadedModel,
    find_base,
    load_masked_lm,
    quiet_transformers,
)
from domainbert.plugin.registry import Registry
from domainbert.recipe.sections import CorpusSection, VocabularySection
from domainbert.tokenizer.candidates import Candidates, find_candidates
from domainbert.tokenizer.extend import Extension, build_extension, check_slots
from domainbert.tokenizer.fertility import costliest_words, measure_fertility
from domainbert.tokenizer.load import load_tokenizer
from domainbert.tokenizer.select import choose_entries
from domainbert.tokenizer.wordpiece import WordPieces, open_words

_SHOWN = 20
_SIZES = (100, 300, 1000, 3000)
_MIN_FREQUENCY = VocabularySection(size=1).min_frequency


def open_base(source: str) -> tuple[BaseFolder, WordPieces]:
    """Return a base and the words of its tokenizer.

    Raises:
        BaseModelError: No base, or one whose tokenizer cannot be extended.
    """
    base = find_base(source, Path())
    with quiet_transformers():
        return base, open_words(load_tokenizer(base.folder))


def read_terms(domain: str | None, files: tuple[str, ...], registry: Registry) -> tuple[str, ...]:
    """Return the terms of a domain.

    Raises:
        RecipeError: Neither terms nor files of text are given.
    """
    if domain is None:
        if not files:
            raise RecipeError("Give --domain, whose terms are looked at, or --text, or both.")
        return ()
    terms = registry.domain(domain).terms
    if terms is None and not files:
        raise RecipeError(f"domain {domain!r} has no terms; give --text.")
    return terms.read() if terms else ()


def count_words(words: WordPieces, files: tuple[str, ...]) -> Counter[str] | None:
    """Return the words of files with the number of times that they occur; None without files.

    Raises:
        DataError: Files that are missing, malformed or without text.
    """
    if not files:
        return None
    sources = find_sources([CorpusSection(path=item) for item in files], None, Path())
    steps = find_steps(["normalise", "exact-duplicates"])
    counts = words.count(document.text for document in run_steps(read_sources(sources), steps, {}))
    if not counts:
        raise DataError(f"--text: no word in {', '.join(files)}.")
    return counts


def report_on(
    words: WordPieces, terms: tuple[str, ...], counts: Counter[str] | None
) -> dict[str, Any]:
    """Return the fertility of terms and text, the costliest words, and savings by new entries."""
    of_terms = words.count(terms)
    report: dict[str, Any] = {"fragmentation": {}, "savings": [], "terms_read": {}}
    if terms:
        report["fragmentation"]["terms"] = measure_fertility(words, of_terms)
    if counts is not None:
        report["fragmentation"]["text"] = measure_fertility(words, counts)
        candidates = find_candidates(words, counts, terms, _MIN_FREQUENCY)
        report["savings"] = list(_savings(words, candidates)) if candidates.pieces else []
        report["terms_read"] = candidates.terms if terms else {}
    shown = of_terms if counts is None else counts
    return {**report, "costliest_words": costliest_words(words, shown, of_terms, _SHOWN)}


def _savings(words: WordPieces, candidates: Candidates) -> Iterator[dict[str, Any]]:
    for size in _SIZES:
        entries, _ = choose_entries(candidates, words.prefix, size)
        saved = sum(entry.saved for entry in entries)
        yield {"entries": len(entries), "tokens": saved, "share": saved / candidates.tokens}
        if len(entries) < size:
            break


def extend_base(
    base: BaseFolder,
    words: WordPieces,
    terms: tuple[str, ...],
    counts: Counter[str] | None,
    section: VocabularySection,
    out: Path,
) -> Extension:
    """Write a base with new entries to a new folder, and return these.

    Args:
        base: The checkpoint.
        words: Of its tokenizer.
        terms: Candidates.
        counts: Words of a text.
        section: Number and kind of entries.
        out: New folder.

    Raises:
        RecipeError: No text was given.
        RunFolderError: The folder exists.
        DataError: Nothing can be added.
    """
    from transformers import AutoModel

    from domainbert.model.export import export_model
    from domainbert.tokenizer.initialise import extend_model

    if counts is None:
        raise RecipeError("--text is missing: what to add depends on how often words occur.")
    if out.exists():
        raise RunFolderError(f"{out}: exists already. Name a new folder with -o.")
    check_slots(words.tokenizer, section.slots, section.size)
    extension, tokenizer = build_extension(words.tokenizer, counts, terms, section)
    loaded = load_masked_lm(base, seed=0)
    model = loaded.model
    if loaded.new_head:  # a new head would be taken for a trained one later
        with quiet_transformers():
            model = AutoModel.from_pretrained(
                base.folder, use_safetensors=True, local_files_only=True, trust_remote_code=False
            )
    extend_model(model, words.tokenizer, extension)
    export_model(model, LoadedModel(model, tokenizer, False, extension), out)
    return extension
