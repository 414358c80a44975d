"""What training starts from: model and tokens, the vocabulary extended where the recipe says so.

With an extension the base is first read, given a head if it has none, and measured as it came, in a
run folder of its own (`base/`). So "before" is the old model with the old tokenizer, the head is
trained on what it was made for, and the rows of new entries are means of trained ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from domainbert.batching import batched
from domainbert.corpus.build import Encoder, build_store, corpus_line, retokenise
from domainbert.corpus.changed import describe_sources
from domainbert.corpus.sources import Source
from domainbert.corpus.steps import find_steps
from domainbert.corpus.steps.held_out import Split, heldout_texts, split_documents
from domainbert.corpus.store import DOCUMENTS_PER_BATCH, TokenStore, open_store
from domainbert.corpus.token_units import TokenUnits, term_units, word_units
from domainbert.errors import RecipeError
from domainbert.model.load import BaseFolder, LoadedModel
from domainbert.plugin.domain import Domain
from domainbert.recipe.schema import Recipe
from domainbert.recipe.sections import VocabularySection
from domainbert.recipe.train import TrainSection
from domainbert.run.folder import update_lock
from domainbert.run.session import Session
from domainbert.storage.files import folder_in_place, sha256_file
from domainbert.tasks.load import LoadedTask
from domainbert.tokenizer.candidates import find_candidates
from domainbert.tokenizer.extend import (
    Extension,
    check_extension,
    check_slots,
    extend_tokenizer,
    free_slots,
    plan_extension,
    read_extension,
    write_extension,
)
from domainbert.tokenizer.initialise import extend_model
from domainbert.tokenizer.load import VOCABULARY_FILE
from domainbert.tokenizer.select import Budget, choose_entries
from domainbert.tokenizer.wordpiece import open_words
from domainbert.training.phases import head_phase
from domainbert.training.pretrain import Adaptation, build_job, prepare_base


@dataclass(frozen=True)
class Inputs:
    """Everything a recipe refers to, found and checked before any work starts.

    Args:
        base: The checkpoint to start from.
        sources: Files of the corpus.
        tasks: What base and adapted model are compared on.
        terms: Candidates for the vocabulary.
        marker: Marks words or terms for masking; None where tokens are enough.
    """

    base: BaseFolder
    sources: tuple[Source, ...]
    tasks: tuple[LoadedTask, ...]
    terms: tuple[str, ...]
    marker: TokenUnits | None


@dataclass(frozen=True)
class Prepared:
    """What training starts from.

    Args:
        loaded: The base, its vocabulary extended or not.
        store: The corpus in its tokens.
        split: Rows of the store to train and to measure on.
        heldout: Texts to measure on, the same with any vocabulary.
        identity: Hashes of what the checkpoints belong to.
        first: Training of the head and measurement before the extension; None without one.
    """

    loaded: LoadedModel
    store: TokenStore
    split: Split
    heldout: list[str]
    identity: dict[str, str]
    first: Adaptation | None = None


def find_terms(section: VocabularySection | None, domain: Domain | None) -> tuple[str, ...]:
    """Return the terms that the recipe lets be candidates.

    Raises:
        RecipeError: Nothing but terms was asked for, and there are none.
    """
    if section is None or not section.terms:
        return ()
    if domain is not None and domain.terms is not None:
        return domain.terms.read()
    if not section.mine:
        named = f"domain {domain.name!r} has none" if domain else "the recipe names no `domain:`"
        raise RecipeError(f"vocabulary.mine: false leaves only terms, and {named}.")
    return ()


def find_units(train: TrainSection, domain: Domain | None) -> TokenUnits | None:
    """Return what has to be marked in the corpus for the recipe's objective.

    Raises:
        RecipeError: Terms are to be masked, and there are none.
    """
    if train.masking != "term":
        return word_units() if train.needs_words else None
    terms = domain.terms.read() if domain is not None and domain.terms is not None else ()
    if not terms:
        named = (
            f"domain {domain.name!r} has no terms" if domain else "the recipe names no `domain:`"
        )
        raise RecipeError(
            f"train.masking: term takes the terms of the domain, and {named}. Name a domain that "
            "has terms (see `domainbert plugins list`), or set `train.masking: word`."
        )
    return term_units(terms)


def prepare(recipe: Recipe, loaded: LoadedModel, inputs: Inputs, session: Session) -> Prepared:
    """Tokenise the corpus and divide it; extend the vocabulary before, if the recipe says so.

    Raises:
        UserError: The corpus is empty, or the tokenizer cannot be extended as asked.
        RunFailed: The head could not be trained.
        Stopped: A signal; a checkpoint is kept.
    """
    plain = tokenise(recipe, loaded, inputs, session)
    return plain if recipe.vocabulary is None else _extended(recipe, plain, inputs, session)


def tokenise(recipe: Recipe, loaded: LoadedModel, inputs: Inputs, session: Session) -> Prepared:
    """Tokenise the corpus with the tokenizer of the base, and divide it.

    Raises:
        UserError: The corpus is empty, or the tokenizer could not be extended as asked.
        Stopped: A signal.
    """
    extends = recipe.vocabulary is not None
    if recipe.vocabulary is not None:
        open_words(loaded.tokenizer)
        check_slots(loaded.tokenizer, recipe.vocabulary.slots, recipe.vocabulary.size)
    place = replace(session, run=session.run.before_extension) if extends else session
    with session.accelerator.main_process_first():
        store = _store(recipe, inputs, Encoder(loaded.tokenizer, inputs.marker), place)
    split = split_documents(store, recipe.heldout.fraction)
    texts = heldout_texts(store, split, recipe.heldout.max_tokens)
    digest = store.manifest["digest"]
    base = inputs.base
    identity = {"recipe": recipe.hash(), "corpus": digest, "base": base.sha256}
    # The same weights compute something else with another activation or number of heads.
    identity["config.json of the base"] = sha256_file(base.folder / "config.json")
    if recipe.train.masking == "term" and inputs.marker is not None:
        identity["list of terms"] = inputs.marker.name
    return Prepared(loaded, store, split, texts, identity)


def _store(recipe: Recipe, inputs: Inputs, encoder: Encoder, session: Session) -> TokenStore:
    folder = session.run.corpus
    if not folder.is_dir():
        files, steps = describe_sources(inputs.sources), find_steps(recipe.corpus_steps)
        with folder_in_place(folder) as beside:
            store = build_store(beside, inputs.sources, files, steps, encoder, session)
        session.reporter.say("corpus: " + corpus_line(store))
    return open_store(folder)


def _extended(recipe: Recipe, plain: Prepared, inputs: Inputs, session: Session) -> Prepared:
    loaded, before = plain.loaded, session.run.before_extension
    job = build_job(
        recipe.train, loaded, plain.store, plain.split.train_T, replace(session, run=before)
    )
    with session.accelerator.main_process_first():
        extension = _extension(recipe, plain, inputs.terms, session)
        tokenizer = extend_tokenizer(loaded.tokenizer, extension)
    phases = head_phase(recipe.train, loaded.new_head)
    first = prepare_base(job, phases, loaded, plain.heldout, plain.identity)
    extend_model(loaded.model, loaded.tokenizer, extension)
    with session.accelerator.main_process_first():
        folder = session.run.corpus
        if not folder.is_dir():
            with folder_in_place(folder) as beside:
                encoder = Encoder(tokenizer, inputs.marker)
                retokenise(beside, before.corpus, encoder, session)
        store = open_store(folder)
    return Prepared(
        LoadedModel(loaded.model, tokenizer, new_head=False, extension=extension),
        store,
        split_documents(store, recipe.heldout.fraction),
        plain.heldout,
        {**plain.identity, "vocabulary": extension.sha256()},
        first,
    )


def _training_texts(plain: Prepared, session: Session) -> Iterator[str]:
    for group in batched(plain.split.train_T.tolist(), DOCUMENTS_PER_BATCH):
        session.check_stop("counting words")
        yield from map(plain.store.text, group)


def _extension(
    recipe: Recipe, plain: Prepared, terms: tuple[str, ...], session: Session
) -> Extension:
    """Read what was chosen before, or choose from the training slice."""
    section, folder = recipe.vocabulary, session.run.path
    assert section is not None  # noqa: S101  # asked by the caller
    if (folder / VOCABULARY_FILE).is_file():
        return read_extension(folder)
    old = plain.loaded.tokenizer
    words = open_words(old)
    counts = words.count(_training_texts(plain, session))
    least = section.min_frequency if section.mine else None
    session.check_stop("choosing entries")
    candidates = find_candidates(words, counts, terms, least)
    size = section.size
    if section.slots == "unused":
        free = len(free_slots(old))
        size = min(size or free, free)
    budget = Budget(size, section.min_gain or 0.0)
    choice = choose_entries(candidates, words.prefix, budget)
    extension = plan_extension(old, choice, section.slots)
    session.check_stop("trying the extended tokenizer")
    new = extend_tokenizer(old, extension)
    check_extension(old, new, extension, {*counts, *words.count([*terms, *plain.heldout])})
    update_lock(session.run, vocabulary={**extension.summary(), "sha256": extension.sha256()})
    write_extension(folder, extension, new)
    session.reporter.say("vocabulary: " + extension.line(section.size))
    return extension
