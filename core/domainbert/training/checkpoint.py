"""Checkpoints that are whole or not there.

A checkpoint is a folder `step-00000100` with safetensors and JSON only. It is written beside,
flushed and renamed into place by rank 0; its manifest holds a hash of every file. An older one is
removed only after a newer one stands. No pickle is written or read.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from domainbert.errors import RunFolderError
from domainbert.files import folder_in_place, read_json, sha256_file, write_json

if TYPE_CHECKING:
    import torch
    from torch import nn

_NAME = re.compile(r"step-(\d{8})")
_MANIFEST = "MANIFEST.json"


@dataclass(frozen=True)
class TrainState:
    """Where training stands; everything else follows from the recipe and the step.

    Args:
        step: Optimizer steps done, over all phases.
        phase: `head` or `full`.
        tokens: Tokens read so far, special tokens included, padding not.
        seconds: Wall time of training so far.
        window_nats: Summed loss since the last metrics line, in nats.
        window_masked: Masked tokens in it.
        identity: Hashes of recipe, corpus and base; a checkpoint of another run is refused.
        skipped: Steps whose batch is passed over, from 1, and why.
        recent: Newest losses of the phase.
        lowest_median: Of any window of losses in the phase, which the next loss is compared with.
    """

    step: int
    phase: str
    tokens: int
    seconds: float
    window_nats: float
    window_masked: int
    identity: dict[str, str]
    skipped: dict[str, str] = field(default_factory=dict)
    recent: list[float] = field(default_factory=list)
    lowest_median: float | None = None


def save_checkpoint(
    folder: Path, model: nn.Module, optimizer: torch.optim.Optimizer, state: TrainState, keep: int
) -> Path:
    """Write a checkpoint and then remove all but the newest `keep`.

    Args:
        folder: The run's `checkpoints` folder.
        model: The unwrapped model.
        optimizer: AdamW over a subset of the model's parameters.
        state: Where training stands.
        keep: How many to keep, at least one.

    Raises:
        StorageFullError: No space; what was there before is untouched.
    """
    from safetensors.torch import save_file

    target = folder / f"step-{state.step:08d}"
    with folder_in_place(target) as beside:
        save_file(_model_tensors(model), beside / "model.safetensors")
        save_file(_optimizer_tensors(model, optimizer), beside / "optimizer.safetensors")
        write_json(beside / "state.json", asdict(state))
        files = sorted(path.name for path in beside.iterdir())
        write_json(beside / _MANIFEST, {name: sha256_file(beside / name) for name in files})
    for old in _steps(folder)[:-keep]:
        shutil.rmtree(old)
    return target


def newest_checkpoint(folder: Path) -> tuple[Path | None, list[str]]:
    """Return the newest checkpoint whose hashes are right, and a line for each that is damaged."""
    damaged: list[str] = []
    for path in reversed(_steps(folder)):
        trouble = _trouble(path)
        if trouble is None:
            return path, damaged
        damaged.append(f"{path.name}: {trouble}; using the one before")
    return None, damaged


def read_state(path: Path, identity: dict[str, str]) -> TrainState:
    """Read where training stood.

    Raises:
        RunFolderError: The checkpoint is of another recipe or corpus.
    """
    state = TrainState(**read_json(path / "state.json"))
    changed = [key for key, value in identity.items() if state.identity.get(key) != value]
    if changed:
        raise RunFolderError(
            f"{path}: this checkpoint belongs to another {' and '.join(changed)}. "
            "Use another output folder, or restore what changed."
        )
    return state


def load_model(path: Path, model: nn.Module) -> None:
    """Copy the saved weights into a model of the same shape."""
    _load(path / "model.safetensors", _model_tensors(model))


def load_optimizer(path: Path, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """Restore AdamW's averages."""
    import torch
    from safetensors.torch import load_file

    saved = load_file(path / "optimizer.safetensors")
    for name, parameter in _learning(model, optimizer):
        optimizer.state[parameter] = {
            "step": saved[f"step.{name}"].to(torch.float32),
            "exp_avg": _placed(saved[f"exp_avg.{name}"], parameter),
            "exp_avg_sq": _placed(saved[f"exp_avg_sq.{name}"], parameter),
        }


def _steps(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name))


def _trouble(path: Path) -> str | None:
    try:
        manifest: dict[str, str] = read_json(path / _MANIFEST)
        for name, expected in manifest.items():
            if sha256_file(path / name) != expected:
                return f"{name} does not have the hash it was written with"
    except (OSError, ValueError) as error:
        return f"incomplete ({error})"
    return None


def _model_tensors(model: nn.Module) -> dict[str, torch.Tensor]:
    # Tied weights appear once among the parameters, as safetensors wants it.
    return {name: whole(p.data).contiguous() for name, p in model.named_parameters()}


def _learning(
    model: nn.Module, optimizer: torch.optim.Optimizer
) -> list[tuple[str, torch.nn.Parameter]]:
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    return [(names[id(p)], p) for group in optimizer.param_groups for p in group["params"]]


def _optimizer_tensors(
    model: nn.Module, optimizer: torch.optim.Optimizer
) -> dict[str, torch.Tensor]:
    import torch

    tensors = {}
    for name, parameter in _learning(model, optimizer):
        for key, value in optimizer.state[parameter].items():
            tensors[f"{key}.{name}"] = whole(torch.as_tensor(value)).contiguous()
    return tensors


def whole(tensor: torch.Tensor) -> torch.Tensor:
    """Return a tensor itself, or the whole of one in shards, which all processes must ask for."""
    gather = getattr(tensor, "full_tensor", None)
    return tensor if gather is None else gather().cpu()


def gather_for_others(model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """Give one's shards to the process that calls `save_checkpoint` at the same time."""
    _model_tensors(model)
    _optimizer_tensors(model, optimizer)


def _placed(tensor: torch.Tensor, parameter: Any) -> torch.Tensor:
    """Return a tensor where a parameter is, cut as that is cut."""
    mesh = getattr(parameter, "device_mesh", None)
    if mesh is None:
        return tensor.to(parameter.device)
    from torch.distributed.tensor import distribute_tensor

    here = tensor.to(parameter.to_local().device)
    return distribute_tensor(here, mesh, parameter.placements, src_data_rank=None)


def _load(path: Path, tensors: dict[str, Any]) -> None:
    import torch
    from safetensors.torch import load_file

    saved = load_file(path)
    if saved.keys() != tensors.keys():
        odd = sorted(saved.keys() ^ tensors.keys())[:3]
        raise RunFolderError(f"{path}: weights do not fit the model, such as {', '.join(odd)}.")
    with torch.no_grad():
        for name, tensor in tensors.items():
            tensor.copy_(saved[name])
