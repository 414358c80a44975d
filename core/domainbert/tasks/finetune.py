"""Fine-tune an encoder on a task: one loop for every kind, one model, one seed.

Legend: B windows of a batch, C outputs.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from domainbert.batching import batched
from domainbert.errors import RunFailed
from domainbert.keyed_random import derive_key, permute
from domainbert.model.classifier import Classifier, load_classifier
from domainbert.model.layers import depths, rate_scales
from domainbert.model.load import check_length
from domainbert.recipe.sections import EvaluateSection
from domainbert.run.progress import Bar
from domainbert.tasks.kinds.classification import label_matrix
from domainbert.tasks.load import LoadedTask
from domainbert.tasks.predict import Device, Tuned, make_windows, score_batch
from domainbert.tasks.window import Window
from domainbert.tokenizer.load import load_tokenizer, special_tokens
from domainbert.training.schedule import build_optimizer, learning_rate_at, set_rate

_DECAY = 0.01
_BETAS = (0.9, 0.999)
_MAX_NORM = 1.0
# Batches of similar length are cut from pools of this many batches.
_POOL = 16
_THIRDS = 3


def finetune(
    folder: Path, task: LoadedTask, settings: EvaluateSection, seed: int, device: Device, bar: Bar
) -> Tuned:
    """Fine-tune an encoder; the last epoch's weights are the result.

    No checkpoint is picked by its validation score, so test scores carry no choice.

    Args:
        folder: Checkpoint with encoder and tokenizer.
        task: The task.
        settings: Epochs, batch size, rates, window length.
        seed: Of the new classifier, the order and dropout; equal for every model compared.
        device: Where to compute.
        bar: Shows progress in steps.

    Raises:
        RunFailed: The loss is not finite.
    """
    tokenizer = load_tokenizer(folder)
    model = load_classifier(folder, len(task.outputs), seed).to(device.device)
    check_length(model.encoder, settings.max_seq_length, "evaluate.max_seq_length")
    _start_at_prior(model, task)
    tuned = Tuned(model, tokenizer, special_tokens(tokenizer).pad, task, settings, device)
    train = task.splits["train"]
    windows = make_windows(tuned, train)
    if task.scoring.kind == "tagging":
        windows = [window for window in windows if window.words]
    targets = _targets(task, train)
    depth = depths(model)
    scales = rate_scales(depth, settings.layerwise_lr_decay)
    optimizer = build_optimizer(model, _BETAS, _DECAY, device.device, scales)
    per_epoch = steps_per_epoch(len(windows), settings.batch_size)
    total = settings.epochs * per_epoch
    step = 0
    model.train()
    for epoch in range(settings.epochs):
        for batch in _epoch(windows, settings.batch_size, seed, epoch):
            device.check_stop()
            if settings.unfreeze == "gradual":
                unfreeze(model, depth, _THIRDS * step // per_epoch)
            peak = settings.learning_rate
            set_rate(
                optimizer, learning_rate_at(step, total, peak, settings.warmup_ratio, "linear")
            )
            torch.manual_seed(derive_key("finetune dropout", seed, step))
            loss = _train_step(tuned, optimizer, batch, targets)
            step += 1
            if not math.isfinite(loss):
                raise RunFailed(
                    f"task {task.name!r}, seed {seed}: the loss is not finite at step {step}. "
                    "Lower `evaluate.learning_rate`."
                )
            bar.update(step, f"loss {loss:.3f}", total=total)
    model.eval()
    return tuned


def _train_step(
    tuned: Tuned, optimizer: torch.optim.Optimizer, batch: list[Window], targets: list[Any]
) -> float:
    loss = _loss(tuned, batch, targets)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(tuned.model.parameters(), _MAX_NORM)
    optimizer.step()
    return float(loss.detach())


def steps_per_epoch(n_windows: int, batch_size: int) -> int:
    """Return the number of optimizer steps in one epoch."""
    return -(-n_windows // batch_size)


def unfreeze(model: Classifier, depth: dict[str, int], thirds: int) -> None:
    """Let the classifier learn alone at first, and one layer more with each third of an epoch.

    Gradual unfreezing as in FinBERT (Araci 2019, arXiv 1908.10063).
    """
    lowest = max(depth.values()) - thirds
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(depth[name] >= lowest)


def _start_at_prior(model: Classifier, task: LoadedTask) -> None:
    """Let rare classes start as rare, or the first epochs go into making them so."""
    if task.scoring.multi_label:
        share_C = label_matrix(task.outputs, task.splits["train"]).mean(axis=0).clip(1e-4, 1 - 1e-4)
        with torch.no_grad():
            model.classifier.bias.copy_(torch.from_numpy(np.log(share_C / (1 - share_C))))


def _epoch(windows: list[Window], size: int, seed: int, epoch: int) -> Iterator[list[Window]]:
    """Yield the batches of an epoch: shuffled, of similar lengths within a batch."""
    order = permute(np.arange(len(windows)), len(windows), derive_key("order", seed, epoch))
    batches: list[list[Window]] = []
    for pool in batched((windows[i] for i in order), size * _POOL):
        batches += batched(sorted(pool, key=lambda w: len(w.input_ids)), size)
    shuffled = permute(np.arange(len(batches)), len(batches), derive_key("batches", seed, epoch))
    for number in shuffled:
        yield batches[number]


def _targets(task: LoadedTask, records: Sequence[Any]) -> list[Any]:
    """Return for each record its tag numbers, its class number, or a row of zeros and ones."""
    if task.scoring.multi_label:
        return list(torch.from_numpy(label_matrix(task.outputs, records)))
    number = {name: place for place, name in enumerate(task.outputs)}
    if task.scoring.kind == "tagging":
        return [[number[tag] for tag in record.tags] for record in records]
    return [number[record.labels[0]] for record in records]


def _loss(tuned: Tuned, batch: list[Window], targets: list[Any]) -> torch.Tensor:
    """Return the mean cross-entropy over the scored words or the texts of a batch."""
    scores, device = score_batch(tuned, batch), tuned.device.device
    if tuned.task.scoring.kind == "tagging":
        gold = [targets[window.record][word] for window in batch for word in window.words]
        return functional.cross_entropy(scores, torch.tensor(gold, device=device))
    weight_B = torch.tensor([window.weight for window in batch], device=device)
    gold = [targets[window.record] for window in batch]
    if tuned.task.scoring.multi_label:
        gold_BC = torch.stack(gold).to(device)
        losses_BC = functional.binary_cross_entropy_with_logits(scores, gold_BC, reduction="none")
        losses_B = losses_BC.sum(dim=1)
    else:
        gold_B = torch.tensor(gold, device=device)
        losses_B = functional.cross_entropy(scores, gold_B, reduction="none")
    return (losses_B * weight_B).sum() / weight_B.sum()
