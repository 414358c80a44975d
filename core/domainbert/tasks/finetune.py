"""Fine-tune an encoder on a task and predict: one loop for every kind, one model, one seed.

Legend: B windows of a batch, L padded length, X rows of scores, C outputs.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from domainbert.batching import batched
from domainbert.errors import RunFailed
from domainbert.keyed_random import derive_key
from domainbert.model.classifier import Classifier, TaskModel, draw_head, load_classifier
from domainbert.model.layers import depths, rate_scales
from domainbert.model.load import check_length, longest_sequence
from domainbert.model.lora import TakenAdapter, merge, taken
from domainbert.model.occurring import OccurringRows
from domainbert.plugin.components import LoadedTask, Predictions, TaskKind
from domainbert.plugin.domain import Window
from domainbert.plugin.registry import calling
from domainbert.recipe.evaluate import EvaluateSection
from domainbert.run.progress import Bar
from domainbert.run.session import Session
from domainbert.tasks.best_epoch import BestEpoch
from domainbert.tasks.learning import (
    batches_of,
    choose_learning,
    count_steps,
    descend,
    unfreeze,
    with_class_weights,
)
from domainbert.tasks.metrics.score import kind_of, primary_metric, score
from domainbert.tokenizer.load import load_tokenizer, special_tokens
from domainbert.training.data.batch import padded_length
from domainbert.training.schedule import build_optimizer, learning_rate_at, set_rate

_DECAY, _BETAS = 0.01, (0.9, 0.999)
_PREDICTED = 64


@dataclass(frozen=True)
class Candidate:
    """A model for a task, and the task in its tokens: made once for all seeds.

    Args:
        model: With the encoder as its checkpoint has it, or fine-tuned, in evaluation mode.
        tokenizer: Of its checkpoint.
        pad: Id of its padding token.
        kind: Kind of the task.
        loaded: The task.
        settings: Settings of fine-tuning.
        session: Device, precision and stop signal.
        windows: Of the records of each split that is used.
        adapter: With `method: lora`, the matrices that the weights of the encoder got in the end.
        epoch: With `epoch: best`, the one whose weights these are, from 1.
        units: Mean and spread of the targets that the model gives standardised, or None.
    """

    model: TaskModel
    tokenizer: Any
    pad: int
    kind: TaskKind
    loaded: LoadedTask
    settings: EvaluateSection
    session: Session
    windows: Mapping[str, list[Window]]
    adapter: TakenAdapter | None = None
    epoch: int | None = None
    units: tuple[float, float] | None = None


def prepare(
    folder: Path,
    loaded: LoadedTask,
    settings: EvaluateSection,
    session: Session,
    splits: Sequence[str] = ("validation", "test"),
) -> Candidate:
    """Load an encoder and encode a task for it.

    Args:
        folder: Checkpoint with encoder and tokenizer.
        loaded: The task.
        settings: Epochs, batch size, rates, window length.
        session: Device, precision and stop signal.
        splits: Those to predict.

    Raises:
        BaseModelError: The folder holds no encoder that can be fine-tuned.
        RunFailed: The task's kind fails.
    """
    kind, tokenizer = kind_of(loaded.task), load_tokenizer(folder)
    with calling(kind):
        n_outputs = len(kind.outputs(loaded.task))
    model = load_classifier(folder, n_outputs, kind.head(settings))
    model = model.to(session.accelerator.device)
    check_length(model.encoder, settings.max_seq_length, "evaluate.max_seq_length")
    with calling(kind):
        windows = {
            name: kind.encode(loaded.splits[name], tokenizer, settings)
            for name in (*(["train"] if kind.learns else []), *splits)
        }
    if kind.learns and not windows["train"]:
        raise RunFailed(f"task {loaded.task.name!r}: its kind gives no window to learn from.")
    pad = special_tokens(tokenizer).pad
    return Candidate(model.eval(), tokenizer, pad, kind, loaded, settings, session, windows)


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
    kind, loaded, session = candidate.kind, candidate.loaded, candidate.session
    if not kind.learns:
        return candidate
    settings, windows = candidate.settings, _windows(candidate)
    tuned = replace(candidate, model=copy.deepcopy(candidate.model))
    model = tuned.model
    _draw_head(model, seed, kind, loaded)
    with calling(kind):
        train = loaded.splits["train"]
        targets = kind.targets(loaded.task, train)
        tuned = replace(tuned, units=kind.units(loaded.task, train) if kind.units else None)
    adapter = choose_learning(model, settings, seed)
    rows = _learn_occurring(tuned)
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
    if best is not None:
        tuned = replace(tuned, epoch=best.restore(model))
    if rows is not None:
        model.encoder.set_input_embeddings(rows.to_table())
    if adapter is not None:
        tuned = replace(tuned, adapter=taken(adapter))
        merge(adapter)
    model.eval()
    return tuned


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


def _windows(candidate: Candidate) -> list[Window]:
    """Return the windows of train, with the weights that the settings give them."""
    windows = candidate.windows["train"]
    if candidate.settings.class_weights == "none":
        return windows
    return with_class_weights(windows, candidate.kind, candidate.loaded)


def _check_loss(loss: float, where: str, step: int) -> None:
    if not math.isfinite(loss):
        cure = "Lower `evaluate.learning_rate`."
        raise RunFailed(f"{where}: the loss is not finite at step {step}. {cure}")


def validation_score(tuned: Candidate) -> float:
    """Return the primary metric on validation; the model may be one that is learning."""
    was_training = tuned.model.training
    tuned.model.eval()
    task, own = tuned.loaded.task, tuned.windows["validation"]
    records = {"validation": tuned.loaded.splits["validation"]}
    scores = {"validation": score_windows(tuned, own)}
    with calling(tuned.kind):
        predictions = tuned.kind.decode(task, records, scores)["validation"]
    tuned.model.train(was_training)
    return score(task, predictions)[primary_metric(task).name]


def _train_step(
    tuned: Candidate, optimizer: torch.optim.Optimizer, batch: list[Window], targets: Sequence[Any]
) -> float:
    scores_XC = score_batch(tuned, batch)
    assert tuned.kind.loss  # noqa: S101  # else there is no step
    with calling(tuned.kind):
        loss = tuned.kind.loss(scores_XC, batch, targets)
    descend(loss, tuned.model, optimizer)
    return float(loss.detach())


def predict(tuned: Candidate, splits: Mapping[str, Sequence[Any]] | None = None) -> Predictions:
    """Return predictions per split, in the order of the records.

    Args:
        tuned: The model.
        splits: Records, `validation` among them; else those that `prepare` was given.

    Raises:
        RunFailed: A score is not finite, or the task's kind fails.
    """
    if splits is None:
        windows = {name: own for name, own in tuned.windows.items() if name != "train"}
        splits = {name: tuned.loaded.splits[name] for name in windows}
    else:
        with calling(tuned.kind):
            windows = {
                name: tuned.kind.encode(records, tuned.tokenizer, tuned.settings)
                for name, records in splits.items()
            }
    scores = {name: score_windows(tuned, own) for name, own in windows.items()}
    with calling(tuned.kind):
        return tuned.kind.decode(tuned.loaded.task, splits, scores)


def score_windows(
    tuned: Candidate, windows: list[Window]
) -> tuple[list[Window], NDArray[np.float32]]:
    """Return windows, shortest first, and the scores of their rows in the task's units, (X, C)."""
    windows = sorted(windows, key=lambda window: len(window.input_ids))
    parts = list[NDArray[np.float32]]()
    for batch in batched(windows, _PREDICTED):
        tuned.session.check_stop()
        with torch.inference_mode():
            parts.append(score_batch(tuned, batch).cpu().numpy())
        if not np.isfinite(parts[-1]).all():
            task = f"task {tuned.loaded.task.name!r}"
            cure = " Lower `evaluate.learning_rate`." if tuned.kind.learns else ""
            raise RunFailed(f"{task}: scores that are not finite.{cure}")
    none_XC = np.zeros((0, tuned.model.n_outputs), np.float32)
    scores_XC = np.concatenate(parts) if parts else none_XC
    if tuned.units is None:
        return windows, scores_XC
    mean, spread = tuned.units
    return windows, (scores_XC.astype(np.float64) * spread + mean).astype(np.float32)


def score_batch(tuned: Candidate, batch: Sequence[Window]) -> Tensor:
    """Return the scores of a batch's words or records, float32, shape (X, C)."""
    device = tuned.session.accelerator.device
    ids_BL, mask_BL = pad_windows(batch, tuned.pad, longest_sequence(tuned.model.encoder))
    bf16 = torch.autocast(device.type, dtype=torch.bfloat16, enabled=tuned.session.bf16)
    with bf16, calling(tuned.kind):
        ids_BL, mask_BL = ids_BL.to(device), mask_BL.to(device)
        return torch.as_tensor(tuned.kind.forward(tuned.model, ids_BL, mask_BL, batch))


def pad_windows(batch: Sequence[Window], pad: int, longest: int) -> tuple[Tensor, Tensor]:
    """Return token ids and attention mask of a batch; int64, shape (B, L).

    Args:
        batch: Windows, at least one.
        pad: Id of the padding token.
        longest: Tokens that the model reads.
    """
    length = padded_length(max(len(window.input_ids) for window in batch), longest)
    sizes_B = torch.tensor([len(window.input_ids) for window in batch])
    mask_BL = (torch.arange(length) < sizes_B[:, None]).long()
    ids_BL = torch.full_like(mask_BL, pad)
    ids_BL[mask_BL > 0] = torch.tensor([i for window in batch for i in window.input_ids])
    return ids_BL, mask_BL
