"""Stage `corpus`: read → steps → hold out → tokens."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from domainbert.corpus.build import build_from_parts, build_store, corpus_line
from domainbert.corpus.parts import Parts
from domainbert.corpus.steps.held_out import Split, split_counts, split_documents
from domainbert.corpus.steps.mix import mix_documents, said_shares, token_shares
from domainbert.corpus.store import TokenStore, open_store
from domainbert.run.session import Session
from domainbert.run.stage import Stage, building, is_done
from domainbert.stages.inputs import Inputs

STORE = "store"
"""Folder of the token store inside a stage."""
# The manifest holds the hashes of the other files, which are compared when the store is opened.
MANIFEST = f"{STORE}/manifest.json"

Corpus = tuple[TokenStore, Split]
"""Tokens, and the rows to train and to measure on."""


def parts_folder(stage: Stage) -> Path:
    """Return where the parts of a corpus are, if it is built in parts."""
    return stage.folder.with_name("corpus-parts") / stage.key[:16]


def _build(folder: Path, stage: Stage, inputs: Inputs, session: Session) -> TokenStore:
    """Write the token store, of parts if they are whole."""
    parts = Parts(parts_folder(stage), inputs.sources, inputs.steps)
    if parts.is_whole():
        return build_from_parts(folder, parts, inputs.files, inputs.encoder, session)
    given = inputs.sources, inputs.files, inputs.steps, inputs.encoder
    return build_store(folder, *given, session)


def build_corpus(stage: Stage, inputs: Inputs, session: Session) -> Corpus:
    """Return the tokens of the corpus, and the rows to train and to measure on.

    Raises:
        DataError: A file cannot be read, or the corpus is too small.
        Stopped: A signal.
    """
    fraction = stage.facts["held_out"]
    shares = {source.name: source.share for source in inputs.sources if source.share is not None}
    if session.is_main and not is_done(stage):
        with building(stage, [MANIFEST]) as (folder, result):
            store = _build(folder / STORE, stage, inputs, session)
            held_out = split_documents(store, fraction)
            split = mix_documents(store, held_out, shares)
            session.reporter.say("corpus: " + corpus_line(store))
            result |= {"files": inputs.files, **split_counts(store, held_out)}
            if shares:
                result |= {"train": len(split.train_T), "shares": token_shares(store, split)}
                result["beyond_share"] = len(held_out.train_T) - len(split.train_T)
                session.reporter.say(f"corpus: {said_shares(result['shares'])}")
        shutil.rmtree(parts_folder(stage), ignore_errors=True)
        with suppress(OSError):  # parts for another recipe, or none
            parts_folder(stage).parent.rmdir()
    session.await_stage(stage)
    store = open_store(stage.folder / STORE)
    return store, mix_documents(store, split_documents(store, fraction), shares)
