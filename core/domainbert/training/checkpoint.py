"""Checkpoints that are whole or not there.

A checkpoint is a folder `step-00000100` with safetensors and JSON only. It is written beside,
flushed and renamed into place by rank 0; its manifest holds a hash of every file. An older one is
removed only after a newer one stands, and counts as kept only if its hashes are right. One that is
damaged is put aside, not removed. No pickle is written or read.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from domainbert.errors import RunFolderError
from domainbert.storage import files
from domainbert.training.distributed import gathered, placed

_NAME = re.compile(r"step-(\d{8})")
MANIFEST = "MANIFEST.json"
"""Its hash of every file tells a whole checkpoint from a damaged one."""

SCHEMA = 2
"""Of what a checkpoint holds; raised with every change of `TrainState` or the manifest."""
_SPARE = 1 << 16
_AVERAGES = "exp_avg", "exp_avg_sq"


@dataclass(frozen=True)
class TrainState:
    """Where training stands; everything else follows from the recipe and the step.

    Args:
        step: Optimizer steps done, over all phases.
        tokens: Tokens read so far, special tokens included, padding not.
        seconds: Wall time of training so far.
        identity: Hashes of recipe, corpus and base; a checkpoint of another run is refused.
        window: Sum and number of terms of each objective since the last metrics line.
        losses: Means of the newest metrics line, by metrics key.
        skipped: Steps whose batch is passed over, from 1, and why.
        recent: Newest losses of the phase.
        lowest_median: Of any window of losses in the phase, which the next loss is compared with.
    """

    step: int
    tokens: int
    seconds: float
    identity: dict[str, str]
    window: dict[str, tuple[float, int]] = field(default_factory=dict)
    losses: dict[str, float] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    recent: list[float] = field(default_factory=list)
    lowest_median: float | None = None


def checkpoint_tensors(
    model: nn.Module, optimizer: torch.optim.Optimizer
) -> dict[str, dict[str, torch.Tensor]]:
    """Return the tensors of each file; every process that holds a part of the weights asks."""
    # Tied weights appear once among the parameters, as safetensors wants it. What never learns
    # is that of the model before.
    learning = {name: p for name, p in model.named_parameters() if p.requires_grad}
    weights = {name: gathered(p.data).contiguous() for name, p in learning.items()}
    averages = {
        f"{key}.{name}": gathered(torch.as_tensor(value)).contiguous()
        for name, parameter in _learning(model, optimizer)
        for key, value in optimizer.state[parameter].items()
    }
    return {"model": weights, "optimizer": averages}


def save_checkpoint(
    folder: Path,
    tensors: dict[str, dict[str, torch.Tensor]],
    state: TrainState,
    environment: dict[str, str],
    keep: tuple[int, Callable[[int], bool]],
    say: Callable[[str], None],
) -> Path:
    """Write a checkpoint and then remove all but the newest whole ones that are to be kept.

    Args:
        folder: The run's `checkpoints` folder.
        tensors: From `checkpoint_tensors`.
        state: Where training stands.
        environment: Fingerprint of what the bits depend on.
        keep: How many to keep, at least one, and whether that of a step counts. As many again that
            an interruption has left in between are kept beside them.
        say: Hears of an older one that could not be removed; this one stands all the same.

    Raises:
        StorageError: No space, the run folder is gone, or the system refused; what was there before
            is untouched.
    """
    target = checkpoint_of(folder, state.step)
    files.check_folder(folder.parent)
    size = sum(tensor.nbytes for part in tensors.values() for tensor in part.values())
    files.check_space(target, _SPARE + size)
    earlier = checkpoints_in(folder)
    with files.folder_in_place(target) as beside:
        for name, part in tensors.items():
            save_file(part, beside / f"{name}.safetensors")
        files.write_json(beside / "state.json", asdict(state))
        manifest = {
            "schema": SCHEMA,
            "step": state.step,
            "parent": earlier[-1].name if earlier else None,
            "environment": environment,
            "files": {path.name: files.describe_file(path) for path in sorted(beside.iterdir())},
        }
        files.write_json_with_hash(beside / MANIFEST, manifest)
    whole, others, (most, counts) = 1, 0, keep
    for old in reversed([old for old in earlier if old != target]):
        try:
            if not counts(step_of(old)) and others < most and whole < most:
                others += 1
            elif whole < most and counts(step_of(old)):
                whole += _trouble(old) is None
            elif step_of(old) < state.step:
                shutil.rmtree(old)
        except (OSError, RunFolderError) as error:
            # The new one stands, and the next save tries again.
            say(f"checkpoint {old.name}: could not be removed: {error}")
    return target


def checkpoint_of(folder: Path, step: int) -> Path:
    """Return the place of the checkpoint of a step."""
    return folder / f"step-{step:08d}"


def step_of(path: Path) -> int:
    """Return the step of a checkpoint."""
    return int(path.name.removeprefix("step-"))


def newest_checkpoint(folder: Path) -> tuple[Path | None, list[tuple[Path, str]]]:
    """Return the newest checkpoint whose hashes are right, and damaged newer ones with why.

    Raises:
        RunFolderError: One is of a version that this one does not know.
    """
    damaged: list[tuple[Path, str]] = []
    for path in reversed(checkpoints_in(folder)):
        if (trouble := _trouble(path)) is None:
            return path, damaged
        damaged.append((path, trouble))
    return None, damaged


def read_state(path: Path, identity: dict[str, str]) -> TrainState:
    """Read where training stood.

    Raises:
        RunFolderError: The checkpoint is of another recipe or corpus.
    """
    saved = files.read_json(path / "state.json")
    changed = [key for key, value in identity.items() if saved["identity"].get(key) != value]
    if changed:
        raise RunFolderError(
            f"{path}: this checkpoint belongs to another {' and '.join(changed)}. "
            "Use another output folder, or restore what changed."
        )
    return TrainState(**saved | {"window": {k: tuple(sums) for k, sums in saved["window"].items()}})


def load_model(path: Path, model: nn.Module) -> None:
    """Copy the saved weights into the model that training began with."""
    saved, parameters = load_file(path / "model.safetensors"), dict(model.named_parameters())
    if odd := sorted(saved.keys() - parameters.keys())[:3]:
        raise RunFolderError(f"{path}: weights do not fit the model, such as {', '.join(odd)}.")
    with torch.no_grad():
        for name, value in saved.items():
            parameters[name].copy_(value)


def load_optimizer(path: Path, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """Restore AdamW's averages."""
    saved = load_file(path / "optimizer.safetensors")
    for name, parameter in _learning(model, optimizer):
        if f"step.{name}" in saved:  # else not yet unfrozen: averages begin with its first step
            # Where AdamW itself would make it: a fused kernel reads it beside the weights.
            device = parameter.device if optimizer.defaults["fused"] else "cpu"
            averages = {k: placed(saved[f"{k}.{name}"], parameter) for k in _AVERAGES}
            optimizer.state[parameter] = {"step": saved[f"step.{name}"].to(device), **averages}


def checkpoints_in(folder: Path) -> list[Path]:
    """Return the folders with the name of a checkpoint, damaged or not, by step."""
    # A file or a link of that name is somebody else's.
    named = (path for path in folder.glob("step-*") if path.is_dir() and not path.is_symlink())
    return sorted(path for path in named if _NAME.fullmatch(path.name))


def averageable(folder: Path, n_averaged: int, save_steps: int, steps: int) -> list[Path]:
    """Return the last checkpoints of a finished run, oldest first: a function of the run alone.

    Those that an interruption has left between them are not among them.

    Args:
        folder: The run's `checkpoints` folder.
        n_averaged: How many.
        save_steps: Steps between them; the last may be nearer.
        steps: Of the training that they are of; what it started from is not averaged.

    Raises:
        RunFolderError: One is missing or damaged.
    """
    there = {step_of(path): path for path in checkpoints_in(folder)}
    last = max(there, default=0)
    earlier = range((last - 1) // save_steps * save_steps, last - steps, -save_steps)
    wanted = sorted([last, *earlier][:n_averaged])
    if len(wanted) < n_averaged:
        has = f"the run has {len(wanted)} of them"
        raise RunFolderError(
            f"blend.average: {n_averaged} checkpoints are needed; {has}. Ask for less."
        )
    for step in wanted:
        trouble = _trouble(there[step]) if step in there else "is missing"
        if trouble:
            raise RunFolderError(
                f"blend.average: {checkpoint_of(folder, step)}: {trouble}. Average fewer, or "
                "train again with another --out."
            )
    return [there[step] for step in wanted]


def _trouble(path: Path) -> str | None:
    try:
        manifest = files.read_json_with_hash(path / MANIFEST)
    except (OSError, ValueError) as error:
        return f"{MANIFEST} is missing or damaged ({error})"
    if manifest.get("schema") != SCHEMA:
        raise RunFolderError(
            f"{path}: schema {manifest.get('schema')!r}; this version reads schema {SCHEMA}. "
            "Continue with the version that wrote it, or start again with another --out."
        )
    if manifest["step"] != step_of(path):
        return f"is that of step {manifest['step']}, under another name"
    return files.files_trouble(path, manifest["files"]) or None


def _learning(model: nn.Module, optimizer: torch.optim.Optimizer) -> list[tuple[str, Any]]:
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    return [(names[id(p)], p) for group in optimizer.param_groups for p in group["params"]]
