"""What `domainbert tokenizer` does: read terms and text, report on them, extend a base."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from domainbert.corpus.clean import clean
from domainbert.corpus.sources import find_sources, read_sources
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
from domainbert.tokenizer.extend import (
    Extension,
    check_extension,
    check_slots,
    extend_tokenizer,
    plan_extension,
)
from domainbert.tokenizer.fertility import (
    CostlyWord,
    Fertility,
    costliest_words,
    measure_fertility,
)
from domainbert.tokenizer.load import load_tokenizer
from domainbert.tokenizer.select import Budget, choose_entries
from domainbert.tokenizer.wordpiece import WordPieces, open_words

_SHOWN = 20
_SIZES = (100, 300, 1000, 3000)
_MIN_FREQUENCY = VocabularySection(size=1).min_frequency


@dataclass(frozen=True)
class Material:
    """A base, and the terms and words to look at.

    Args:
        base: The checkpoint.
        words: Of its tokenizer.
        terms: The field's lexicon, as written.
        counts: Words of the text; None if no text was given.
    """

    base: BaseFolder
    words: WordPieces
    terms: tuple[str, ...]
    counts: Counter[str] | None


@dataclass(frozen=True)
class Saving:
    """What so many new entries would save of a text.

    Args:
        entries: How many.
        tokens: Tokens saved.
        share: Of all tokens of the text.
    """

    entries: int
    tokens: int
    share: float


@dataclass(frozen=True)
class Report:
    """What `tokenizer report` shows.

    Args:
        parts: Fragmentation of `terms` and of `text`, as far as given.
        costly: Words with the highest frequency × pieces.
        savings: For several sizes of extension; empty without text.
        terms: What became of the terms; empty without text or terms.
    """

    parts: dict[str, Fertility]
    costly: tuple[CostlyWord, ...]
    savings: tuple[Saving, ...]
    terms: dict[str, int]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "fragmentation": {
                name: {**asdict(part), "pieces_per_word": part.pieces_per_word}
                for name, part in self.parts.items()
            },
            "costliest_words": [{**asdict(item), "cost": item.cost} for item in self.costly],
            "savings": [asdict(saving) for saving in self.savings],
            "terms_read": self.terms,
        }


def check_budget(
    size: int | None, min_gain: float | None, slots: Literal["grow", "unused"]
) -> VocabularySection:
    """Put options together as the recipe would have them.

    Raises:
        RecipeError: Not exactly one of size and gain, or a gain that is no positive number.
    """
    if (size is None) == (min_gain is None):
        raise RecipeError("Give --size or --min-gain, one of the two.")
    if min_gain is not None and not 0 < min_gain < math.inf:
        raise RecipeError(f"--min-gain {min_gain:g}: expected a positive number of tokens.")
    return VocabularySection(size=size, min_gain=min_gain, slots=slots)


def read_material(
    source: str, domain: str | None, files: tuple[str, ...], registry: Registry
) -> Material:
    """Find the base and read terms and text.

    Raises:
        RecipeError: Neither terms nor text.
        BaseModelError: No base, or one whose tokenizer is not of the kind that can be extended.
        DataError: Files that are missing, malformed or without text.
    """
    if domain is None and not files:
        raise RecipeError("Give --domain, whose terms are looked at, or --text, or both.")
    terms: tuple[str, ...] = ()
    if domain is not None:
        found = registry.domain(domain)
        if found.terms is None and not files:
            raise RecipeError(f"domain {domain!r} has no terms; give --text.")
        terms = found.terms.read() if found.terms else ()
    sources = find_sources([CorpusSection(path=item) for item in files], None, Path())
    base = find_base(source, Path())
    with quiet_transformers():
        words = open_words(load_tokenizer(base.folder))
    if not files:
        return Material(base, words, terms, None)

    def texts() -> Iterator[str]:
        for document in clean(read_sources(sources), Counter()):
            yield document.text

    counts = words.count(texts())
    if not counts:
        raise DataError(f"--text: no word in {', '.join(files)}.")
    return Material(base, words, terms, counts)


def report_on(material: Material) -> Report:
    """Measure how the base cuts terms and text."""
    words, counts = material.words, material.counts
    of_terms = words.count(material.terms)
    parts = {}
    if material.terms:
        parts["terms"] = measure_fertility(words, of_terms)
    if counts is None:
        costly = costliest_words(words, of_terms, of_terms, _SHOWN)
        return Report(parts, costly, (), {})
    parts["text"] = measure_fertility(words, counts)
    candidates = find_candidates(words, counts, material.terms, _MIN_FREQUENCY)
    return Report(
        parts=parts,
        costly=costliest_words(words, counts, of_terms, _SHOWN),
        savings=tuple(_savings(words, candidates)) if candidates.pieces else (),
        terms=candidates.terms if material.terms else {},
    )


def _savings(words: WordPieces, candidates: Candidates) -> Iterator[Saving]:
    for size in _SIZES:
        choice = choose_entries(candidates, words.prefix, Budget(size))
        entries = len(choice.entries)
        yield Saving(entries, choice.saved, choice.saved / choice.tokens)
        if entries < size:
            break


def extend_base(material: Material, section: VocabularySection, out: Path) -> Extension:
    """Choose entries, and write the base with them to a new folder.

    Args:
        material: From `read_material`, with text.
        section: How many entries and where.
        out: New folder.

    Raises:
        RecipeError: No text was given.
        RunFolderError: The folder is there already.
        DataError: Nothing can be added.
    """
    from domainbert.model.export import export_model
    from domainbert.tokenizer.initialise import extend_model

    if material.counts is None:
        raise RecipeError("--text is missing: what to add depends on how often words occur.")
    if out.exists():
        raise RunFolderError(f"{out}: exists already. Name a new folder with -o.")
    words, counts = material.words, material.counts
    check_slots(words.tokenizer, section.slots, section.size)
    candidates = find_candidates(words, counts, material.terms, section.min_frequency)
    budget = Budget(section.size, section.min_gain or 0.0)
    choice = choose_entries(candidates, words.prefix, budget)
    extension = plan_extension(words.tokenizer, choice, section.slots)
    tokenizer = extend_tokenizer(words.tokenizer, extension)
    known = {*counts, *words.count(material.terms)}
    check_extension(words.tokenizer, tokenizer, extension, known)
    model = _load_as_it_is(material.base)
    extend_model(model, words.tokenizer, extension)
    export_model(model, LoadedModel(model, tokenizer, False, extension), out)
    return extension


def _load_as_it_is(base: BaseFolder) -> Any:
    """Load the whole model; a new head would be taken for a trained one later."""
    from transformers import AutoModel

    loaded = load_masked_lm(base, seed=0)
    if not loaded.new_head:
        return loaded.model
    with quiet_transformers():
        return AutoModel.from_pretrained(
            base.folder, use_safetensors=True, local_files_only=True, trust_remote_code=False
        )
