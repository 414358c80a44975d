"""Fine-tune an encoder on a task: one loop for every kind, one model, one seed.

Legend: X rows of scores, C outputs.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

import torch

from domainbert.errors import RunFailed
from domainbert.keyed_random import derive_key
from domainbert.model.classifier import Classifier, draw_head
from domainbert.model.dropout import quicken_dropout
from domainbert.model.families import calls_interface
from domainbert.model.layers import depths, rate_scales
from domainbert.model.lora import merge, taken
from domainbert.model.occurring import OccurringRows
from domainbert.model.packed_attention import attend_within
from domainbert.plugin.components import LoadedTask, TaskKind
from domainbert.plugin.domain import Window
from domainbert.plugin.registry import calling
from domainbert.run.progress import Bar
from domainbert.tasks.best_epoch import BestEpoch
from domainbert.tasks.candidate import Candidate, score_batch, validation_score
from domainbert.tasks.learning import (
    batches_of,
    choose_learning,
    count_steps,
    unfreeze,
    with_class_weights,
)
from domainbert.training.schedule import build_optimizer, descend, learning_rate_at, set_rate

_DECAY, _BETAS = 0.01, (0.9, 0.999)


def finetune(candidate: Candidate, seed: int, bar: Bar) -> Candidate:
    """Return a fine-tuned copy: with the weights of the last step, or of the best epoch.

    The best is chosen on validation, so test scores carry no choice. A kind that learns nothing
    gets the model as it is.

    Args:
        candidate: From `prepare`; not changed.
        seed: Of the new classifier, the order and dropout; equal for every model compared.
        bar: Shows progress in steps.

    Raises:
        RunFailed: The loss is not finite, or the task's kind fails.
    """
    kind, loaded = candidate.kind, candidate.loaded
    if not kind.learns:
        return candidate
    tuned = replace(candidate, model=copy.deepcopy(candidate.model))
    model = tuned.model
    quicken_dropout(model)
    if calls_interface(model.encoder):
        attend_within(model.encoder)  # its products are quicker to learn with on a CPU
    _draw_head(model, seed, kind, loaded)
    with calling(kind):
        units = kind.units(loaded.task, loaded.splits["train"]) if kind.units else None
    tuned = replace(tuned, units=units)
    adapter = choose_learning(model, tuned.settings, seed)
    rows = _learn_occurring(tuned)
    tuned = replace(tuned, epoch=_train(tuned, seed, bar))
    if rows is not None:
        model.encoder.set_input_embeddings(rows.to_table())
    if adapter is not None:
        tuned = replace(tuned, adapter=taken(adapter))
        merge(adapter)
    model.eval()
    return tuned


def _train(tuned: Candidate, seed: int, bar: Bar) -> int | None:
    """Train the model of a candidate, and return its best epoch if the best is asked for."""
    model, loaded, settings, session = tuned.model, tuned.loaded, tuned.settings, tuned.session
    windows = tuned.windows["train"]
    if settings.class_weights == "balanced":
        windows = with_class_weights(windows, tuned.kind, loaded)
    with calling(tuned.kind):
        targets = tuned.kind.targets(loaded.task, loaded.splits["train"])
    scales = rate_scales(depth := depths(model), settings.layerwise_lr_decay)
    optimizer = build_optimizer(model, _BETAS, _DECAY, session.accelerator.device, scales)
    per_epoch = math.ceil(len(windows) / settings.batch_size)
    total = count_steps(settings, per_epoch)
    best = BestEpoch(per_epoch, total, settings.patience) if settings.epoch == "best" else None
    model.train()
    for step, batch in enumerate(islice(batches_of(windows, settings.batch_size, seed), total)):
        session.check_stop()
        if settings.unfreeze == "gradual":
            unfreeze(model, depth, 3 * step // per_epoch)
        peak, warmup = settings.learning_rate, settings.warmup_ratio
        set_rate(optimizer, learning_rate_at(step, total, peak, warmup, "linear"))
        torch.manual_seed(derive_key("finetune dropout", seed, step))
        loss = _train_step(tuned, optimizer, batch, targets)
        _check_loss(loss, f"task {loaded.task.name!r}, seed {seed}", step + 1)
        bar.update(step + 1, f"loss {loss:.3f}", total=total)
        if best is not None and best.is_due(step + 1):
            best.look(validation_score(tuned), model)
            if best.is_over:
                break
    return None if best is None else best.restore(model)


def _learn_occurring(tuned: Candidate) -> OccurringRows | None:
    """Let only those rows of the token table learn that the windows have, if the table learns."""
    encoder = tuned.model.encoder
    table = encoder.get_input_embeddings()
    if not table.weight.requires_grad:
        return None
    looked_at = ["train", "validation"] if tuned.settings.epoch == "best" else ["train"]
    ids = {i for name in looked_at for window in tuned.windows[name] for i in window.input_ids}
    rows = OccurringRows(table, ids | {tuned.pad})
    encoder.set_input_embeddings(rows)
    return rows


def _draw_head(model: Any, seed: int, kind: TaskKind, loaded: LoadedTask) -> None:
    """Draw the weights of a new head, and set its bias where the kind knows one."""
    draw_head(model, seed)
    with calling(kind):
        bias_C = kind.bias(loaded.task, loaded.splits["train"])
    if bias_C is not None and isinstance(model, Classifier):
        model.classifier.bias.data.copy_(torch.from_numpy(bias_C))


def _check_loss(loss: float, where: str, step: int) -> None:
    if not math.isfinite(loss):
        cure = "Lower `evaluate.learning_rate`."
        raise RunFailed(f"{where}: the loss is not finite at step {step}. {cure}")


def _train_step(
    tuned: Candidate, optimizer: torch.optim.Optimizer, batch: list[Window], targets: Sequence[Any]
) -> float:
    scores_XC = score_batch(tuned, batch)
    assert tuned.kind.loss  # noqa: S101  # else there is no step
    with calling(tuned.kind):
        loss = tuned.kind.loss(scores_XC, batch, targets)
    descend(loss, tuned.model, optimizer)
    return float(loss.detach())
