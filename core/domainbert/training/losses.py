"""Objectives of a run: chosen by the recipe, prepared once, summed over each micro-batch.

Legend: T tokens of a micro-batch, N masked ones, H hidden size, V vocabulary.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional

from domainbert.errors import PluginError, RecipeError
from domainbert.keyed_random import derive_key
from domainbert.model.families import HEADS
from domainbert.model.masked_lm import MaskedLanguageModel, attach_head
from domainbert.plugin.components import Objective
from domainbert.plugin.registry import calling, component
from domainbert.training.objectives.masked_lm import MASKED_LM

if TYPE_CHECKING:
    from torch import Tensor

    from domainbert.recipe.train import TrainSection
    from domainbert.training.data.batch import MicroBatch
    from domainbert.training.step import Job

_ROWS = 32


@dataclass(frozen=True)
class Forward:
    """What the model computed for a micro-batch, as an objective gets it.

    Args:
        batch: The micro-batch. Masked positions are filled up to a round number: rows whose target
            is -100 count for no objective.
        logits_NV: float32, at the masked positions.
        hidden_TH: Last hidden states; None where masked LM is the only objective.
        head: The objective's own, or None.
        prepared: What the objective's `prepare` returned.
    """

    batch: MicroBatch
    logits_NV: Tensor
    hidden_TH: Any
    head: Any
    prepared: Any


class SummedLosses(MaskedLanguageModel):
    """The module that is called in a step: a model with its objectives.

    Args:
        model: A masked language model, with the heads of the objectives.
        objectives: In the order of the sums.
        prepared: What `prepare` of each returned, by name.
    """

    def __init__(self, model: Any, objectives: Any = (MASKED_LM,), prepared: Any = None) -> None:
        super().__init__(model)
        # A dictionary: a module in it is no part of this one, so it is neither trained nor sharded.
        self.objectives, self.prepared = tuple(objectives), dict(prepared or {})

    def forward(self, batch: MicroBatch) -> Tensor:
        """Return the sum of each objective over the micro-batch, float32.

        The step divides by counts over all micro-batches and processes. An average taken here would
        weigh tokens by how full their micro-batch is.
        """
        # Few distinct shapes: for each new one the CPU's matrix library keeps a prepared kernel;
        # with hundreds of different N these came to gigabytes.
        extra = -len(batch.targets_N) % _ROWS
        positions_N = functional.pad(batch.positions_N, (0, extra))
        targets_N = functional.pad(batch.targets_N, (0, extra), value=-100)
        batch = replace(batch, positions_N=positions_N, targets_N=targets_N)
        logits_NV, hidden_TH = self.read(batch, with_hidden=len(self.objectives) > 1)
        heads, sums = dict(getattr(self.model, HEADS, {})), []
        for objective in self.objectives:
            own = heads.get(objective.name), self.prepared.get(objective.name)
            seen = Forward(batch, logits_NV, hidden_TH, *own)
            # A compiler cannot look into the generator behind `calling`.
            with nullcontext() if torch.compiler.is_compiling() else calling(objective):
                total = objective.loss(seen)
                if getattr(total, "ndim", None) != 0:
                    raise TypeError("`loss` has to return a sum: a tensor without dimensions")
            sums.append(total)
        return torch.stack(sums)


def objectives_of(settings: TrainSection) -> tuple[Objective, ...]:
    """Return the objectives of a recipe, masked LM first.

    Raises:
        RecipeError: None of core or a loaded plugin has such a name, or two frame sequences.
    """
    try:
        objectives = tuple(component(Objective, name) for name in settings.loss_weights)
    except PluginError as error:
        raise RecipeError(f"train.objectives: {error}") from None
    framing = [objective.name for objective in objectives if objective.frame]
    if len(framing) > 1:
        raise RecipeError(
            f"train.objectives: {' and '.join(framing)} both say how sequences are read. Use one."
        )
    return objectives


def prepare_objectives(job: Job) -> Job:
    """Return the job with its objectives prepared and their heads on the model."""
    prepared = {}
    for objective in job.objectives:
        if objective.prepare is not None:
            with calling(objective):
                prepared[objective.name] = objective.prepare(job)
    # Afterwards, so that a copy of the model made above has no heads.
    for objective in job.objectives:
        if objective.head is not None:
            with calling(objective), torch.random.fork_rng(devices=[]):
                torch.manual_seed(derive_key("head", objective.name, job.settings.seed))
                attach_head(job.model, objective.name, objective.head(job))
    return replace(job, prepared=prepared)
