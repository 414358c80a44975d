from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from domainbert.errors import RunFolderError, StorageError
from domainbert.model.load import LoadedModel
from domainbert.model.masked_lm import set_dropout
from domainbert.storage.files import (
    read_json_with_hash,
    write_json_with_hash,
)
from domainbert.training.checkpoint import (
    TrainState,
    averageable,
    checkpoint_of,
    checkpoint_tensors,
    checkpoints_in,
    load_model,
    load_optimizer,
    newest_checkpoint,
    read_state,
    save_checkpoint,
    step_of,
)
from domainbert.training.loop import select_parameters
from domainbert.training.schedule import build_optimizer

Load = Callable[[str], LoadedModel]
IDENTITY = {"recipe": "r" * 64, "corpus": "c" * 64}
STATE = TrainState(
    1, 1234, 5.678, IDENTITY, {"masked-lm": (0.1 + 0.2, 17), "other": (1.5, 3)}, {"loss": 0.7}
)


class Tiny(nn.Module):
    """A few numbers, and two names for one parameter."""

    def __init__(self, size: int = 3) -> None:
        super().__init__()
        self.first = nn.Linear(size, size)
        self.second = nn.Linear(size, size, bias=False)
        self.second.weight = self.first.weight


def optimizer_of(model: nn.Module) -> torch.optim.AdamW:
    return build_optimizer(model, (0.9, 0.98), 0.01, torch.device("cpu"))


def learn(model: Any, optimizer: torch.optim.AdamW, steps: int) -> None:
    for group in optimizer.param_groups:
        group["lr"] = 1e-3
    for step in range(steps):
        ids = torch.arange(10 + step, 30 + step)[None]
        optimizer.zero_grad(set_to_none=True)
        model(input_ids=ids).logits.logsumexp(dim=-1).mean().backward()
        optimizer.step()


def contents(model: nn.Module, optimizer: torch.optim.AdamW) -> dict[str, Tensor]:
    names = {id(p): name for name, p in model.named_parameters()}
    found = {name: p.detach() for name, p in model.named_parameters()}
    for parameter, values in optimizer.state.items():
        found |= {f"{names[id(parameter)]}/{key}": value for key, value in values.items()}
    return found


def bit_equal(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    return first.keys() == second.keys() and all(
        first[name].dtype == second[name].dtype and torch.equal(first[name], second[name])
        for name in first
    )


def unexpected(line: str) -> None:
    raise AssertionError(line)


def save(
    folder: Path,
    step: int,
    keep: int = 9,
    model: nn.Module | None = None,
    say: Callable[[str], None] = unexpected,
) -> Path:
    """Save a checkpoint of a small model."""
    torch.manual_seed(step)
    model = Tiny() if model is None else model
    optimizer = optimizer_of(model)
    sum(p.sum() for p in model.parameters()).backward()  # type: ignore[union-attr]
    optimizer.step()
    tensors = checkpoint_tensors(model, optimizer)
    return save_checkpoint(
        folder, tensors, replace(STATE, step=step), {}, (keep, lambda _: True), say
    )


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("family", ["bert", "xlm-roberta", "albert"])
@pytest.mark.parametrize("phase", ["head", "full"])
def test_a_checkpoint_restores_every_bit(
    load: Load, tmp_path: Path, family: str, phase: str
) -> None:
    model, other = load(family).model.train(), load(family).model.train()
    for one in (model, other):
        set_dropout(one, 0.0)
        select_parameters(one, phase)
    optimizer = optimizer_of(model)
    learn(model, optimizer, 3)
    path = save_checkpoint(
        tmp_path, checkpoint_tensors(model, optimizer), STATE, {}, (1, bool), unexpected
    )
    restored = optimizer_of(other)
    load_model(path, other)
    load_optimizer(path, other, restored)
    assert bit_equal(contents(model, optimizer), contents(other, restored))
    assert read_state(path, IDENTITY) == STATE
    learn(model, optimizer, 2)
    learn(other, restored, 2)
    assert bit_equal(contents(model, optimizer), contents(other, restored))


def test_a_damaged_checkpoint_does_not_cost_a_whole_one_its_place(tmp_path: Path) -> None:
    for step in (1, 2, 3):
        save(tmp_path, step)
    (tmp_path / "step-00000003" / "state.json").write_text("{}", encoding="utf-8")
    last = save(tmp_path, 4, keep=2)
    assert names(tmp_path) == ["step-00000002", "step-00000003", "step-00000004"]
    shutil.rmtree(last)
    found, damaged = newest_checkpoint(tmp_path)
    assert found == tmp_path / "step-00000002"
    assert [path.name for path, _ in damaged] == ["step-00000003"]


def test_a_checkpoint_of_an_unknown_version_is_refused_and_stays(tmp_path: Path) -> None:
    save(tmp_path, 1)
    path = save(tmp_path, 2)
    manifest = read_json_with_hash(path / "MANIFEST.json")
    assert manifest["schema"] == 2
    write_json_with_hash(path / "MANIFEST.json", {**manifest, "schema": 3})
    with pytest.raises(RunFolderError) as caught:
        newest_checkpoint(tmp_path)
    assert str(caught.value) == (
        f"{path}: schema 3; this version reads schema 2. Continue with the version that "
        "wrote it, or start again with another --out."
    )
    assert names(tmp_path) == ["step-00000001", "step-00000002"]


def test_the_newest_are_kept_and_what_is_no_checkpoint_stays(tmp_path: Path) -> None:
    whole = save(tmp_path / "other", 1)
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    shutil.copytree(whole, folder / ".step-00000002.4711.tmp")  # of a crash
    shutil.copytree(whole, folder / "step-2")
    (folder / "step-00000001").symlink_to(whole)
    (folder / "step-00000003").write_text("mine", encoding="utf-8")
    foreign = names(folder)
    assert newest_checkpoint(folder) == (None, [])
    for step in (4, 50, 99_999_999):
        path = save(folder, step, keep=2)
        assert newest_checkpoint(folder) == (path, [])
    assert names(folder) == sorted([*foreign, "step-00000050", "step-99999999"])
    with pytest.raises(StorageError, match=r"step-00000001: cannot be written: Not a directory\."):
        save(folder, 1)


def test_a_checkpoint_of_another_run_or_model_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path, 1)
    with pytest.raises(RunFolderError, match=r"belongs to another corpus\."):
        read_state(path, {**IDENTITY, "corpus": "x"})
    with pytest.raises(RunFolderError, match=r"weights do not fit the model, such as first.bias"):
        load_model(path, nn.Linear(3, 3))


def test_what_an_interruption_left_takes_no_place_and_is_not_averaged(tmp_path: Path) -> None:
    tensors = {"model": {"w": torch.zeros(1)}, "optimizer": {"step.w": torch.ones(1)}}
    say: list[str] = []

    def is_even(step: int) -> bool:
        return step % 2 == 0

    for step in (0, 1, 2, 3, 4, 6, 7):  # saved every two steps, interrupted at 3, ended at 7
        save_checkpoint(tmp_path, tensors, replace(STATE, step=step), {}, (3, is_even), say.append)
    assert [step_of(path) for path in checkpoints_in(tmp_path)] == [4, 6, 7]
    save_checkpoint(tmp_path, tensors, replace(STATE, step=9), {}, (3, is_even), say.append)
    assert [step_of(path) for path in checkpoints_in(tmp_path)] == [4, 6, 7, 9]
    shutil.rmtree(checkpoint_of(tmp_path, 9))
    assert [step_of(path) for path in averageable(tmp_path, 3, 2, 7)] == [4, 6, 7]
    assert [step_of(path) for path in averageable(tmp_path, 1, 2, 7)] == [7]
    message = "5 checkpoints are needed; the run has 4 of them"
    with pytest.raises(RunFolderError, match=message):
        averageable(tmp_path, 5, 2, 7)
    with pytest.raises(RunFolderError, match=r"step-00000002: is missing\. Average fewer"):
        averageable(tmp_path, 4, 2, 7)
    # What training started from is none of them.
    with pytest.raises(RunFolderError, match="3 checkpoints are needed; the run has 2 of them"):
        averageable(tmp_path, 3, 2, 3)
    (checkpoint_of(tmp_path, 6) / "model.safetensors").write_bytes(b"x")
    with pytest.raises(RunFolderError, match=r"step-00000006: model\.safetensors"):
        averageable(tmp_path, 3, 2, 7)
    assert not say
