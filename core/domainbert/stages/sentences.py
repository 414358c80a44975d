"""Stage `sentences`: the model that is handed over, trained on as a sentence encoder and probed."""

from __future__ import annotations

import shutil
from dataclasses import asdict
from pathlib import Path

from domainbert.corpus.steps.held_out import heldout_texts
from domainbert.errors import DataError
from domainbert.model.export import save_tokenizer
from domainbert.model.sentence_encoder import open_encoder
from domainbert.model.sentence_modules import module_folders
from domainbert.recipe.schema import Recipe
from domainbert.run.session import Session
from domainbert.run.stage import Stage, building, is_done, result_of
from domainbert.stages.corpus import Corpus
from domainbert.stages.inputs import Inputs
from domainbert.stages.retrieval import Pair, Retrieval, make_pairs, of_bm25, of_encoder
from domainbert.training.simcse import train_simcse

_LEAST_PAIRS = 10
# Of the held-out documents, for pairs; far more than `held_out.max_tokens` asks for.
_TOKENS = 5_000_000


def train_sentences(
    stage: Stage | None,
    inputs: Inputs,
    corpus: Corpus,
    pairs: list[Pair],
    recipe: Recipe,
    session: Session,
) -> tuple[Retrieval, ...]:
    """Train `model/` on, write it to `sentences/model`, and return how well all models retrieve.

    Args:
        stage: None where the recipe has no section `sentences`.
        inputs: The base.
        corpus: Its training documents give the sentences.
        pairs: From `find_pairs`, for the probe.
        recipe: Section `sentences`.
        session: Run folder, device, signals.

    Raises:
        RunFailed: The loss is not finite.
        Stopped: A signal; the stage begins again.
    """
    section = recipe.sentences
    if stage is None or section is None:
        if session.is_main:  # of an earlier recipe
            shutil.rmtree(session.run.sentences, ignore_errors=True)
        return ()
    if session.is_main and not is_done(stage):
        store, split = corpus
        device, run = str(session.accelerator.device), session.run
        found = [of_bm25(pairs)]
        if module_folders(inputs.base.folder) is not None:
            found.append(of_encoder("base", open_encoder(inputs.base.folder, device), pairs))
        encoder = open_encoder(run.model, device)
        found.append(of_encoder("model", encoder, pairs))
        rows = split.train_T
        with building(stage) as (beside, result):
            train_simcse(
                encoder.model, lambda n: store.text(int(rows[n])), len(rows), section, session
            )
            encoder.model.save_pretrained(str(beside / "model"), create_model_card=False)
            save_tokenizer(encoder.model.tokenizer, beside / "model")
            found.append(of_encoder("sentences", encoder, pairs))
            result["retrieval"] = [asdict(one) for one in found]
    session.await_stage(stage)
    found = result_of(stage)["retrieval"]
    return tuple(
        Retrieval(one["name"], tuple(one["ndcg"]), tuple(one["mrr"]), one["queries"])
        for one in found
    )


def find_pairs(stage: Stage | None, corpus: Corpus, recipe: Recipe, session: Session) -> list[Pair]:
    """Return the pairs of the probe, before hours of training; none where the stage needs none.

    Raises:
        DataError: The held-out documents give too few.
    """
    section = recipe.sentences
    if stage is None or section is None or not session.is_main or is_done(stage):
        return []
    pairs = make_pairs(heldout_texts(*corpus, _TOKENS), section.pairs)
    if len(pairs) < _LEAST_PAIRS:
        raise DataError(
            f"sentences: the held-out documents give {len(pairs)} pairs of title and text; "
            f"{_LEAST_PAIRS} are needed. Give more text, or raise `held_out.fraction` and name "
            "another --out."
        )
    return pairs


def harm_notice(recipe: Recipe, base: Path) -> str:
    """Return a notice where masked-LM training harms what the base was made for; else empty."""
    if recipe.sentences is not None or module_folders(base) is None:
        return ""
    return (
        "notice: the base is a sentence encoder, and masked-LM training harms the similarity of "
        "its vectors. For tasks that is no matter; for vectors add `sentences: {}` to the recipe."
    )
