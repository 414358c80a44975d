"""Fine-tune an encoder on a task and predict: one loop for every kind, one model, one seed.

Legend: B windows of a batch, L padded length, X rows of scores, C outputs.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count, islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from domainbert.batching import batched
from domainbert.errors import RunFailed
from domainbert.keyed_random import derive_key, permute
from domainbert.model.classifier import Classifier, TaskModel, draw_head, load_classifier
from domainbert.model.layers import depths, rate_scales
from domainbert.model.load import check_length, longest_sequence
from domainbert.model.lora import TakenAdapter, merge, put_lora, taken
from domainbert.plugin.components import LoadedTask, Predictions, TaskKind
from domainbert.plugin.domain import Window
from domainbert.plugin.registry import calling
from domainbert.recipe.evaluate import EvaluateSection
from domainbert.recipe.lora import LoraSection
from domainbert.run.progress import Bar
from domainbert.run.session import Session
from domainbert.tasks.metrics.score import kind_of
from domainbert.tokenizer.load import load_tokenizer, special_tokens
from domainbert.training.data.batch import padded_length
from domainbert.training.schedule import build_optimizer, learning_rate_at, set_rate

_DECAY, _BETAS, _MAX_NORM = 0.01, (0.9, 0.999), 1.0
# Batches of similar length are cut from pools of this many batches.
_POOL = 16
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
            for name in ("train", *splits)
        }
    if not windows["train"]:
        raise RunFailed(f"task {loaded.task.name!r}: its kind gives no window to learn from.")
    pad = special_tokens(tokenizer).pad
    return Candidate(model.eval(), tokenizer, pad, kind, loaded, settings, session, windows)


def finetune(candidate: Candidate, seed: int, bar: Bar) -> Candidate:
    """Return a fine-tuned copy; the last step's weights are the result.

    No checkpoint is picked by its validation score, so test scores carry no choice.

    Args:
        candidate: From `prepare`; not changed.
        seed: Of the new classifier, the order and dropout; equal for every model compared.
        bar: Shows progress in steps.

    Raises:
        RunFailed: The loss is not finite, or the task's kind fails.
    """
    kind, loaded, session = candidate.kind, candidate.loaded, candidate.session
    settings, windows = candidate.settings, candidate.windows["train"]
    tuned = replace(candidate, model=copy.deepcopy(candidate.model))
    model = tuned.model
    draw_head(model, seed)
    with calling(kind):
        train = loaded.splits["train"]
        targets, bias_C = kind.targets(loaded.task, train), kind.bias(loaded.task, train)
        tuned = replace(tuned, units=kind.units(loaded.task, train) if kind.units else None)
    if bias_C is not None and isinstance(model, Classifier):
        model.classifier.bias.data.copy_(torch.from_numpy(bias_C))
    adapter = _choose_learning(model, settings, seed)
    scales = rate_scales(depth := depths(model), settings.layerwise_lr_decay)
    optimizer = build_optimizer(model, _BETAS, _DECAY, session.accelerator.device, scales)
    per_epoch = math.ceil(len(windows) / settings.batch_size)
    total = count_steps(settings, per_epoch)
    model.train()
    for step, batch in enumerate(islice(_batches(windows, settings.batch_size, seed), total)):
        session.check_stop()
        if settings.unfreeze == "gradual":
            unfreeze(model, depth, 3 * step // per_epoch)
        peak, warmup = settings.learning_rate, settings.warmup_ratio
        set_rate(optimizer, learning_rate_at(step, total, peak, warmup, "linear"))
        torch.manual_seed(derive_key("finetune dropout", seed, step))
        loss = _train_step(tuned, optimizer, batch, targets)
        if not math.isfinite(loss):
            where = (
                f"task {loaded.task.name!r}, seed {seed}: the loss is not finite at step {step + 1}"
            )
            raise RunFailed(f"{where}. Lower `evaluate.learning_rate`.")
        bar.update(step + 1, f"loss {loss:.3f}", total=total)
    if adapter is not None:
        tuned = replace(tuned, adapter=taken(adapter))
        merge(adapter)
    model.eval()
    return tuned


def _choose_learning(model: TaskModel, settings: EvaluateSection, seed: int) -> Any:
    """Let the whole model learn, or its head and an adapter, or the head alone.

    Returns:
        The adapter around the encoder, or None.
    """
    encoder, adapter = model.encoder, None
    if settings.method == "full":
        return None
    encoder.requires_grad_(False)
    if settings.method == "lora":
        section = settings.lora or LoraSection()
        adapter = put_lora(encoder, section, seed, key="evaluate")
    for name, parameter in encoder.named_parameters():
        if name.startswith("pooler."):  # a part of the head that transformers keeps there
            parameter.requires_grad_(True)
    return adapter


def count_steps(settings: EvaluateSection, per_epoch: int) -> int:
    """Return the number of optimizer steps of a trial.

    Args:
        settings: `steps`, or `epochs` with `min_steps`.
        per_epoch: Steps of one pass over the training split.
    """
    return settings.steps or max(settings.epochs * per_epoch, settings.min_steps)


def _train_step(
    tuned: Candidate, optimizer: torch.optim.Optimizer, batch: list[Window], targets: Sequence[Any]
) -> float:
    scores_XC = score_batch(tuned, batch)
    with calling(tuned.kind):
        loss = tuned.kind.loss(scores_XC, batch, targets)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(tuned.model.parameters(), _MAX_NORM)
    optimizer.step()
    return float(loss.detach())


def unfreeze(model: TaskModel, depth: dict[str, int], thirds: int) -> None:
    """Let the classifier learn alone at first, and one layer more with each third of an epoch.

    Gradual unfreezing as in FinBERT (Araci 2019, arXiv 1908.10063).
    """
    lowest = max(depth.values()) - thirds
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(depth[name] >= lowest)


def _batches(windows: list[Window], size: int, seed: int) -> Iterator[list[Window]]:
    """Yield the batches of all epochs, without end."""
    for epoch in count():
        yield from _epoch(windows, size, seed, epoch)


def _epoch(windows: list[Window], size: int, seed: int, epoch: int) -> list[list[Window]]:
    """Return the batches of an epoch: shuffled, of similar lengths within a batch."""
    order = permute(np.arange(len(windows)), len(windows), derive_key("order", seed, epoch))
    batches: list[list[Window]] = []
    for pool in batched((windows[i] for i in order), size * _POOL):
        batches += batched(sorted(pool, key=lambda w: len(w.input_ids)), size)
    shuffled = permute(np.arange(len(batches)), len(batches), derive_key("batches", seed, epoch))
    return [batches[number] for number in shuffled]


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
    parts = [np.zeros((0, tuned.model.n_outputs), np.float32)]
    for batch in batched(windows, _PREDICTED):
        tuned.session.check_stop()
        with torch.inference_mode():
            parts.append(score_batch(tuned, batch).cpu().numpy())
        if not np.isfinite(parts[-1]).all():
            task = f"task {tuned.loaded.task.name!r}"
            raise RunFailed(f"{task}: scores that are not finite. Lower `evaluate.learning_rate`.")
    scores_XC = np.concatenate(parts)
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
