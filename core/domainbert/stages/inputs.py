"""Everything that a recipe refers to, located and checked before work starts."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, groupby
from pathlib import Path
from typing import Any

from domainbert.corpus.build import Encoder
from domainbert.corpus.general import general_texts
from domainbert.corpus.sources import Source, describe_sources, find_sources
from domainbert.corpus.steps import ReadyStep, find_steps
from domainbert.corpus.token_units import TokenUnits, term_units, word_units
from domainbert.errors import RecipeError
from domainbert.model.export import check_saves
from domainbert.model.fresh import base_of
from domainbert.model.layers import check_layers, depths
from domainbert.model.load import BaseFolder, check_length, load_masked_lm
from domainbert.model.lora import check_lora
from domainbert.planning.memory import check_memory
from domainbert.plugin.components import LoadedTask, TaskKind
from domainbert.plugin.domain import Document, Domain
from domainbert.plugin.registry import Registry
from domainbert.plugin.steps import CorpusReader, StepContext
from domainbert.recipe.corpus import CorpusSection
from domainbert.recipe.resolve import check_names
from domainbert.recipe.schema import Recipe
from domainbert.recipe.sections import VocabularySection
from domainbert.recipe.tasks import TaskSection
from domainbert.recipe.train import TrainSection
from domainbert.run.progress import download_bar
from domainbert.run.session import Session
from domainbert.run.stage import read_stage
from domainbert.stages.retrieval import check_sentences
from domainbert.storage.locate import Fetcher, known_commits, known_pins
from domainbert.tasks.check import check_evaluation
from domainbert.tasks.load import domain_of, load_task
from domainbert.tasks.metrics.score import kind_of
from domainbert.tokenizer.extend import check_slots
from domainbert.tokenizer.wordpiece import check_wordpiece
from domainbert.training.phases import check_shares
from domainbert.training.trackers import check_trackers


@dataclass(frozen=True)
class Inputs:
    """What the stages of a run start from.

    Args:
        base: The checkpoint to start from.
        new_head: Whether it has no trained masked-LM head.
        sources: Files of the corpus.
        tasks: Labelled data sets on which base and adapted model are compared.
        steps: From documents to documents, before hold-out.
        files: Name, size, time and hash of each of them.
        encoder: Text to tokens, and to the units that masking needs.
        terms: Candidates for the vocabulary.
        language: Codes of the languages of the text.
        general: Texts outside the field to measure on; empty for none.
        pins: Commits of data sets of the hub.
    """

    base: BaseFolder
    new_head: bool
    sources: tuple[Source, ...]
    tasks: tuple[LoadedTask, ...]
    steps: tuple[ReadyStep, ...]
    files: list[dict[str, Any]]
    encoder: Encoder
    terms: tuple[str, ...]
    language: tuple[str, ...] = ()
    general: tuple[str, ...] = ()
    pins: Mapping[str, str] = field(default_factory=dict)


def locate(recipe: Recipe, folder: Path, registry: Registry, session: Session) -> Inputs:
    """Return everything that a recipe refers to, downloaded where necessary.

    Args:
        recipe: The recipe.
        folder: Its relative paths start here.
        registry: Plugins.
        session: Shows progress and minds signals.

    Raises:
        UserError: Whatever can be refused before work starts.
    """
    domain = registry.domain(recipe.domain) if recipe.domain else None
    check_names(recipe, registry)
    check_trackers(recipe.train.trackers)
    with download_bar(session.reporter) as bar:

        def progress(done: int, total: int) -> None:
            session.check_stop("downloading")
            bar(done, total)

        poll = partial(session.check_stop, "downloading")
        base = base_of(recipe, folder, poll, known_commits(session.run.lock))
        fetcher = Fetcher(progress, poll, known_pins(session.run.lock))
        sources, tasks, steps = locate_corpus(recipe, registry, folder, fetcher, session.run.path)
        outside = _general_sources(recipe, domain, folder, fetcher, session)
    session.check_stop("loading the base")
    loaded = load_masked_lm(base, recipe.train.seed)
    check_saves(loaded.tokenizer)
    check_memory(loaded.model, recipe.train)
    check_evaluation(tasks, recipe.evaluate)
    if tasks:
        check_length(loaded.model, recipe.evaluate.max_seq_length, "evaluate.max_seq_length")
    check_length(loaded.model, recipe.train.max_seq_length, "train.max_seq_length")
    check_lora(loaded.model, recipe)
    check_sentences(recipe.sentences, loaded.model)
    check_layers(recipe.train, depths(loaded.model), loaded.model.config.model_type)
    check_shares(recipe.train, int(os.environ.get("WORLD_SIZE", "1")))
    _check_vocabulary(recipe.vocabulary, loaded.tokenizer)
    if loaded.new_head and not recipe.train.head_steps:
        raise RecipeError("train.head_steps: 0, but the base has no trained MLM head; try 200.")
    files = describe_sources(sources, _known_files(session))
    encoder = Encoder(loaded.tokenizer, corpus_units(recipe.train, domain))
    terms = _vocabulary_terms(recipe.vocabulary, domain)
    language = recipe.language or (domain.languages if domain else ())
    general = _general_texts(recipe, outside, loaded.tokenizer, session)
    done = base, loaded.new_head, sources, tasks, steps, files, encoder, terms
    return Inputs(*done, language, general, fetcher.pins)


def _check_vocabulary(section: VocabularySection | None, tokenizer: Any) -> None:
    if section is not None:
        check_wordpiece(tokenizer)
        check_slots(tokenizer, section.slots, section.size)


def locate_corpus(
    recipe: Recipe, registry: Registry, folder: Path, fetcher: Fetcher, apart: Path | None = None
) -> tuple[tuple[Source, ...], tuple[LoadedTask, ...], tuple[ReadyStep, ...]]:
    """Return the files of the corpus, the tasks, and the steps, which may look at their texts.

    Args:
        recipe: The recipe.
        registry: Plugins.
        folder: Its relative paths start here.
        fetcher: Fetches what is not here.
        apart: A run folder, whose files are no part of the corpus.

    Raises:
        UserError: A file, a task or a step cannot be used.
    """
    domain = registry.domain(recipe.domain) if recipe.domain else None
    sources = find_sources(recipe.corpus, domain, folder, fetcher, apart)
    own = [section for section in recipe.corpus if section.task is not None]
    sources += tuple(_task_source(section, domain, folder, fetcher) for section in own)
    tasks = tuple(
        load_task(task, domain_of(task, recipe.domain, registry), folder, fetcher)
        for task in recipe.tasks
    )
    context = step_context(tasks, domain)
    steps = _steps_of_domain(recipe, domain, context)
    return sources, tasks, (*steps, *find_steps(recipe.corpus_steps, context))


def _steps_of_domain(
    recipe: Recipe, domain: Domain | None, context: StepContext
) -> tuple[ReadyStep, ...]:
    """Return the steps that the domain puts before those of the recipe, which does not name them.

    Their names are facts: the corpus is built again when a domain brings others.
    """
    named = {step if isinstance(step, str) else step.name for step in recipe.corpus_steps}
    names = [name for name in (domain.corpus_steps if domain else ()) if name not in named]
    steps = find_steps(names, context)
    return tuple(step._replace(facts={**step.facts, "step": step.record.name}) for step in steps)


def _task_source(
    section: CorpusSection, domain: Domain | None, folder: Path, fetcher: Fetcher
) -> Source:
    """Return the training texts of a task as a source; sentences of a document stay together."""
    loaded = load_task(TaskSection(name=str(section.task)), domain, folder, fetcher)
    task, kind = loaded.task, kind_of(loaded.task)
    if not loaded.splits["train"]:
        raise RecipeError(
            f"corpus: task {task.name!r} has no training split, whose text this takes."
        )

    def read(path: Path, _options: Any) -> Iterator[Document]:
        named = ((getattr(r, "document", ""), r) for r in loaded.splits["train"])
        groups = groupby(enumerate(named, 1), key=lambda item: item[1][0] or item[0])
        for number, (_, records) in enumerate(groups, 1):
            # Relations of a sentence, or questions about a text, share it.
            parts = (part for _, (_, record) in records for part in record_texts(kind, record))
            texts = dict.fromkeys(parts)
            yield Document(f"{task.name}-{number}", "\n".join(texts), f"{path.name}, {number}")

    path = fetcher.path(task.splits["train"])
    reader = CorpusReader(f"task-{task.name}", (), read)
    # The version is in the name, so that text of another reading is another corpus.
    return Source(
        f"task {task.name}, version {task.version}", task.licence, path, reader, share=section.share
    )


def record_texts(kind: TaskKind, record: Any) -> Sequence[str]:
    """Return the texts of a record: its parts, where a kind has several."""
    return (kind.text(record),) if kind.parts is None else kind.parts(record)


def step_context(tasks: Iterable[LoadedTask], domain: Domain | None) -> StepContext:
    """Return what corpus steps can know: the texts of the tasks, and the terms."""
    texts: dict[str, list[str]] = {"train": [], "validation": [], "test": []}
    for loaded in tasks:
        for split, records in loaded.splits.items():
            read = partial(record_texts, kind_of(loaded.task))
            texts[split] += chain.from_iterable(map(read, records))
    terms = domain.terms.read() if domain is not None and domain.terms is not None else ()
    return StepContext((*texts["validation"], *texts["test"]), tuple(texts["train"]), terms)


def _general_sources(
    recipe: Recipe, domain: Domain | None, folder: Path, fetcher: Fetcher, session: Session
) -> tuple[Source, ...]:
    """Return the files of the text outside the field."""
    section, place = recipe.held_out.general, (session.run.path, "held_out.general")
    return find_sources([section] if section else [], domain, folder, fetcher, *place)


def _general_texts(
    recipe: Recipe, sources: tuple[Source, ...], tokenizer: Any, session: Session
) -> tuple[str, ...]:
    """Return the text outside the field; nothing where the recipe has none."""
    if recipe.held_out.general is None:
        return ()
    poll = partial(session.check_stop, "reading the general text")
    return general_texts(sources, tokenizer, recipe.held_out.max_tokens, poll)


def _known_files(session: Session) -> list[dict[str, Any]]:
    """Return how the corpus stage of this run described its files, if it is there."""
    written = read_stage(session.run.corpus) or {}
    return list(written.get("result", {}).get("files", []))


def _vocabulary_terms(section: VocabularySection | None, domain: Domain | None) -> tuple[str, ...]:
    """Return the terms that may become entries."""
    if section is None or not section.terms:
        return ()
    return _terms(domain, "" if section.mine else "vocabulary.mine: false")


def corpus_units(train: TrainSection, domain: Domain | None) -> TokenUnits | None:
    """Return the units that masking needs, or None where tokens are enough."""
    if train.masking == "term":
        return term_units(_terms(domain, "train.masking: term"))
    return word_units() if train.needs_words else None


def _terms(domain: Domain | None, needed_by: str) -> tuple[str, ...]:
    terms = domain.terms.read() if domain is not None and domain.terms is not None else ()
    if needed_by and not terms:
        named = (
            f"domain {domain.name!r} has no terms" if domain else "the recipe names no `domain:`"
        )
        raise RecipeError(
            f"{needed_by} takes the terms of the domain, and {named}. Name a domain that has terms "
            "(see `domainbert plugins list`), or change this key."
        )
    return terms
