"""Fine-tune an encoder on a task and predict; one model, one seed.

Legend: B windows of a batch, L padded length, T tags, W scored words of the batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from domainbert.base import check_length, quiet_transformers
from domainbert.batching import batched
from domainbert.counter import derive_key, permute
from domainbert.domain import Sentence
from domainbert.errors import BaseModelError, RunFailed
from domainbert.progress import Bar
from domainbert.recipe import EvaluateSection
from domainbert.tasks.load import TaggingTask
from domainbert.tasks.tagging import Window, make_windows
from domainbert.tokenizer import load_tokenizer, special_tokens
from domainbert.training.batch import padded_length
from domainbert.training.optimise import build_optimizer, learning_rate_at

_WARMUP = 0.1
_DECAY = 0.01
_BETAS = (0.9, 0.999)
_MAX_NORM = 1.0
# Batches of similar length are cut from pools of this many batches.
_POOL = 16


@dataclass(frozen=True)
class Device:
    """Where and how to compute.

    Args:
        device: Torch device.
        bf16: Whether matrix products run in bf16.
        check_stop: Called between steps; raises if a signal asked to stop.
    """

    device: torch.device
    bf16: bool
    check_stop: Callable[[], None]

    def autocast(self) -> AbstractContextManager[Any]:
        """Return the context in which forward passes run."""
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.bf16)


def finetune(
    folder: Path, task: TaggingTask, settings: EvaluateSection, seed: int, device: Device, bar: Bar
) -> Any:
    """Fine-tune an encoder for tagging; the last epoch's weights are the result.

    No checkpoint is picked by its validation score, so test scores carry no choice.

    Args:
        folder: Checkpoint with encoder and tokenizer.
        task: The task.
        settings: Epochs, batch size, rate, window length.
        seed: Of the new classifier, the order and dropout; equal for every model compared.
        device: Where to compute.
        bar: Shows progress in steps.

    Returns:
        A transformers `*ForTokenClassification` in evaluation mode.
    """
    tokenizer = load_tokenizer(folder)
    model = _load_classifier(folder, task.tags, seed).to(device.device)
    check_length(model, settings.max_length, "evaluate.max_length")
    windows = [
        window
        for window in make_windows(task.splits["train"], tokenizer, settings.max_length)
        if window.words
    ]
    pad = special_tokens(tokenizer).pad
    optimizer = build_optimizer(model, _BETAS, _DECAY, device.device)
    total = settings.epochs * steps_per_epoch(len(windows), settings.batch_size)
    step = 0
    model.train()
    for epoch in range(settings.epochs):
        for batch in _epoch(windows, settings.batch_size, seed, epoch):
            device.check_stop()
            rate = learning_rate_at(step, total, settings.learning_rate, _WARMUP, "linear")
            for group in optimizer.param_groups:
                group["lr"] = rate
            torch.manual_seed(derive_key("finetune dropout", seed, step))
            loss = _loss(model, batch, task, pad, device)
            if not torch.isfinite(loss):
                raise RunFailed(
                    f"task {task.name!r}, seed {seed}: the loss is not finite at step {step + 1}. "
                    "Lower `evaluate.learning_rate`."
                )
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), _MAX_NORM)
            optimizer.step()
            step += 1
            bar.update(step, f"loss {float(loss.detach()):.3f}")
    return model.eval()


def steps_per_epoch(n_windows: int, batch_size: int) -> int:
    """Return the number of optimizer steps in one epoch."""
    return -(-n_windows // batch_size)


def predict(
    model: Any, folder: Path, sentences: Sequence[Sentence], task: TaggingTask, max_length: int,
    device: Device,
) -> list[list[str]]:  # fmt: skip
    """Return a tag for every word of every sentence.

    Args:
        model: From `finetune`.
        folder: Where its tokenizer is.
        sentences: What to tag; gold tags are not looked at.
        task: Gives the tag names.
        max_length: Tokens of a window.
        device: Where to compute.
    """
    tokenizer = load_tokenizer(folder)
    pad = special_tokens(tokenizer).pad
    windows = make_windows(sentences, tokenizer, max_length)
    tags = [["O"] * len(sentence.words) for sentence in sentences]
    for batch in batched(sorted(windows, key=lambda w: len(w.input_ids)), 64):
        device.check_stop()
        input_ids_BL, mask_BL = _pad(batch, pad)
        with torch.inference_mode(), device.autocast():
            logits_BLT = model(
                input_ids=input_ids_BL.to(device.device), attention_mask=mask_BL.to(device.device)
            ).logits
        best_BL = logits_BLT.argmax(dim=-1).cpu()
        for row, window in enumerate(batch):
            for word, position in zip(window.words, window.positions, strict=True):
                tags[window.sentence][word] = task.tags[int(best_BL[row, position])]
    return tags


def _load_classifier(folder: Path, tags: tuple[str, ...], seed: int) -> Any:
    from transformers import AutoModelForTokenClassification

    torch.manual_seed(derive_key("classifier", seed))
    with quiet_transformers():
        try:
            model = AutoModelForTokenClassification.from_pretrained(
                folder,
                dtype=torch.float32,
                use_safetensors=True,
                local_files_only=True,
                trust_remote_code=False,
                num_labels=len(tags),
                id2label=dict(enumerate(tags)),
                label2id={tag: number for number, tag in enumerate(tags)},
            )
        except (OSError, ValueError, KeyError) as error:
            first = str(error).strip().splitlines()[0]
            raise BaseModelError(f"{folder}: cannot be fine-tuned for tagging: {first}") from None
    # Drawn again: what was drawn before depends on which other weights a checkpoint lacks.
    torch.manual_seed(derive_key("classifier", seed))
    torch.nn.init.normal_(model.classifier.weight, std=model.config.initializer_range)
    torch.nn.init.zeros_(model.classifier.bias)
    return model


def _epoch(windows: list[Window], size: int, seed: int, epoch: int) -> Iterator[list[Window]]:
    """Yield the batches of an epoch: shuffled, of similar lengths within a batch."""
    order = permute(np.arange(len(windows)), len(windows), derive_key("order", seed, epoch))
    batches: list[list[Window]] = []
    for pool in batched((windows[i] for i in order), size * _POOL):
        batches += batched(sorted(pool, key=lambda w: len(w.input_ids)), size)
    shuffled = permute(np.arange(len(batches)), len(batches), derive_key("batches", seed, epoch))
    for number in shuffled:
        yield batches[number]


def _loss(model: Any, batch: list[Window], task: TaggingTask, pad: int, device: Device) -> Any:
    """Return the mean cross-entropy over the scored words of a batch."""
    numbers = {tag: number for number, tag in enumerate(task.tags)}
    input_ids_BL, mask_BL = _pad(batch, pad)
    rows: list[int] = []
    columns: list[int] = []
    targets: list[int] = []
    for row, window in enumerate(batch):
        gold = task.splits["train"][window.sentence].tags
        rows += [row] * len(window.words)
        columns += window.positions
        targets += [numbers[gold[word]] for word in window.words]
    with device.autocast():
        logits_BLT = model(
            input_ids=input_ids_BL.to(device.device), attention_mask=mask_BL.to(device.device)
        ).logits
    logits_WT = logits_BLT[rows, columns].float()
    return torch.nn.functional.cross_entropy(logits_WT, torch.tensor(targets, device=device.device))


def _pad(batch: Sequence[Window], pad: int) -> tuple[torch.Tensor, torch.Tensor]:
    length = padded_length(max(len(window.input_ids) for window in batch))
    input_ids_BL = torch.full((len(batch), length), pad, dtype=torch.long)
    mask_BL = torch.zeros((len(batch), length), dtype=torch.long)
    for row, window in enumerate(batch):
        input_ids_BL[row, : len(window.input_ids)] = torch.tensor(window.input_ids)
        mask_BL[row, : len(window.input_ids)] = 1
    return input_ids_BL, mask_BL
