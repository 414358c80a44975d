"""Stage `vocabulary`: new entries, the tokenizer with them, and the corpus in its tokens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from domainbert.batching import batched
from domainbert.corpus.build import corpus_line, retokenise
from domainbert.corpus.store import DOCUMENTS_PER_BATCH, open_store
from domainbert.recipe.sections import VocabularySection
from domainbert.run.progress import Bar
from domainbert.run.session import Session
from domainbert.run.stage import Stage, building, is_done
from domainbert.stages.corpus import MANIFEST, STORE, Corpus
from domainbert.stages.inputs import Inputs
from domainbert.tokenizer.extend import Extension, build_extension, read_extension, write_extension
from domainbert.tokenizer.load import VOCABULARY_FILE
from domainbert.tokenizer.wordpiece import count_words


def extend_vocabulary(
    stage: Stage | None,
    section: VocabularySection | None,
    corpus: Corpus,
    inputs: Inputs,
    session: Session,
) -> tuple[Extension | None, Corpus]:
    """Return new entries, and the corpus in tokens with them; without a section the corpus alone.

    Rows for the entries are added when the model has a trained head, since they are means of
    trained rows.

    Raises:
        DataError: No entry saves a token.
        Stopped: A signal.
    """
    if stage is None or section is None:
        return None, corpus
    old = inputs.encoder.tokenizer
    if session.is_main and not is_done(stage):
        with building(stage, [VOCABULARY_FILE, MANIFEST]) as (folder, result):
            with session.reporter.bar("choosing entries", len(corpus[1].train_T)) as bar:
                counts = count_words(old, _training_texts(corpus, session, bar))
                session.check_stop("choosing entries")
                extension, extended = build_extension(old, counts, inputs.terms, section)
            encoder = replace(inputs.encoder, tokenizer=extended)
            write_extension(folder, extension, extended)
            session.reporter.say("vocabulary: " + extension.line())
            source = session.run.corpus / STORE
            store = retokenise(folder / STORE, source, encoder, session)
            session.reporter.say("corpus, extended vocabulary: " + corpus_line(store))
            result |= extension.summary()
    session.await_stage(stage)
    return read_extension(stage.folder), (open_store(stage.folder / STORE), corpus[1])


def _training_texts(corpus: Corpus, session: Session, bar: Bar) -> Iterator[str]:
    (store, split), done = corpus, 0
    for group in batched(split.train_T.tolist(), DOCUMENTS_PER_BATCH):
        session.check_stop("counting words")
        bar.update(done)
        yield from map(store.text, group)
        done += len(group)
