"""Stages `held-out`: scores of a model on text that was not trained on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from domainbert.corpus.steps.held_out import heldout_texts
from domainbert.model.load import find_base, load_masked_lm
from domainbert.recipe.schema import Recipe
from domainbert.run.session import Session
from domainbert.run.stage import Stage, building, is_done, result_of
from domainbert.stages.corpus import Corpus
from domainbert.stages.inputs import Inputs
from domainbert.training.held_out import HeldOutScore, measure_held_out


@dataclass(frozen=True)
class Measured:
    """Scores of one model.

    Args:
        field: On documents of the corpus that were held out.
        general: On the text of `held_out.general`; None without one.
    """

    field: HeldOutScore
    general: HeldOutScore | None = None


def measure(
    stage: Stage, folder: Path, corpus: Corpus, inputs: Inputs, recipe: Recipe, session: Session
) -> Measured:
    """Return the scores of a checkpoint on held-out and general text, which rank 0 measures.

    Args:
        stage: Keeps the scores.
        folder: Checkpoint of a masked language model.
        corpus: In the tokens of the base, so that every model is measured on the same texts.
        inputs: Give the general text.
        recipe: Sections `held_out` and `train`.
        session: Device, signals.

    Raises:
        DataError: The texts have no token.
    """
    if session.is_main and not is_done(stage):
        loaded = load_masked_lm(find_base(str(folder.resolve()), Path()), recipe.train.seed)
        device = session.accelerator.device
        score = partial(measure_held_out, loaded.model.to(device), loaded.tokenizer)
        length, title = recipe.train.max_seq_length, f"measuring {stage.folder.name}"
        with building(stage) as (_, result), session.reporter.bar(title) as bar:

            def poll(done: int, total: int) -> None:
                session.check_stop(title)
                bar.update(done, total=total)

            texts = heldout_texts(*corpus, recipe.held_out.max_tokens)
            result |= asdict(score(texts, length, device, poll))
            if inputs.general:
                result["general"] = asdict(score(inputs.general, length, device, poll))
    session.await_stage(stage)
    return read_measured(result_of(stage))


def read_measured(result: Mapping[str, Any]) -> Measured:
    """Return scores as a stage has written them."""
    given = dict(result)
    general = given.pop("general", None)
    return Measured(HeldOutScore(**given), None if general is None else HeldOutScore(**general))
