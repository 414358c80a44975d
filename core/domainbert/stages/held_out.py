"""Stages `held-out`: scores of base and adapted model on held-out text."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from domainbert.corpus.steps.held_out import heldout_texts
from domainbert.model.load import find_base, load_masked_lm
from domainbert.recipe.schema import Recipe
from domainbert.run.session import Session
from domainbert.run.stage import Stage, building, is_done, result_of
from domainbert.stages.corpus import Corpus
from domainbert.training.held_out import HeldOutScore, measure_held_out


def measure(
    stage: Stage, folder: Path, corpus: Corpus, recipe: Recipe, session: Session
) -> HeldOutScore:
    """Return the score of a checkpoint on the texts that were held out, which rank 0 measures.

    Args:
        stage: Keeps the score.
        folder: Checkpoint of a masked language model.
        corpus: In the tokens of the base, so that every model is measured on the same texts.
        recipe: Sections `held_out` and `train`.
        session: Device, signals.

    Raises:
        DataError: The texts have no token.
    """
    if session.is_main and not is_done(stage):
        texts = heldout_texts(*corpus, recipe.held_out.max_tokens)
        loaded = load_masked_lm(find_base(str(folder.resolve()), Path()), recipe.train.seed)
        device = session.accelerator.device
        length, title = recipe.train.max_seq_length, f"measuring {stage.folder.name}"
        model = loaded.model.to(device)

        def poll(done: int, total: int) -> None:
            session.check_stop(title)
            bar.update(done, total=total)

        with building(stage) as (_, result), session.reporter.bar(title) as bar:
            result |= asdict(measure_held_out(model, loaded.tokenizer, texts, length, device, poll))
    session.await_stage(stage)
    return HeldOutScore(**result_of(stage))
