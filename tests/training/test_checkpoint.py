from __future__ import annotations

import errno
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from domainbert.errors import RunFolderError, StorageError, StorageFullError
from domainbert.model.load import LoadedModel
from domainbert.model.masked_lm import set_dropout
from domainbert.storage.files import (
    read_json,
    read_json_with_hash,
    write_json_with_hash,
)
from domainbert.training.checkpoint import (
    SCHEMA,
    TrainState,
    checkpoint_tensors,
    choose_checkpoint,
    load_model,
    load_optimizer,
    newest_checkpoint,
    read_state,
    save_checkpoint,
)
from domainbert.training.loop import select_parameters
from domainbert.training.schedule import build_optimizer

Load = Callable[[str], LoadedModel]
IDENTITY = {"recipe": "r" * 64, "corpus": "c" * 64}
STATE = TrainState(
    1, 1234, 5.678, IDENTITY, {"masked-lm": (0.1 + 0.2, 17), "other": (1.5, 3)}, {"loss": 0.7}
)
FILES = ["MANIFEST.json", "model.safetensors", "optimizer.safetensors", "state.json"]


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
    return save_checkpoint(folder, tensors, replace(STATE, step=step), {}, keep, say)


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
    path = save_checkpoint(tmp_path, checkpoint_tensors(model, optimizer), STATE, {}, 1, unexpected)
    restored = optimizer_of(other)
    load_model(path, other)
    load_optimizer(path, other, restored)
    assert bit_equal(contents(model, optimizer), contents(other, restored))
    assert read_state(path, IDENTITY) == STATE
    learn(model, optimizer, 2)
    learn(other, restored, 2)
    assert bit_equal(contents(model, optimizer), contents(other, restored))


@pytest.mark.parametrize(("fused", "place"), [(True, "meta"), (None, "cpu")])
def test_the_step_count_lies_where_the_optimizer_looks_for_it(
    tmp_path: Path, fused: bool | None, place: str
) -> None:
    """A fused kernel reads it on the device of the weights; `meta` stands for a GPU."""
    path = save(tmp_path, 1)
    model = Tiny().to("meta")
    optimizer = torch.optim.AdamW(model.parameters())
    optimizer.defaults["fused"] = fused
    load_optimizer(path, model, optimizer)
    assert len(optimizer.state) == 2
    for values in optimizer.state.values():
        assert values["step"].device.type == place
        assert values["step"].dtype == torch.float32
        assert values["exp_avg"].device.type == "meta"


@given(saved=st.lists(st.integers(1, 99_999_999), min_size=1, max_size=5, unique=True))
@settings(max_examples=4, deadline=None)
@pytest.mark.parametrize("keep", [1, 2, 3])
def test_the_newest_are_kept(
    tmp_path_factory: pytest.TempPathFactory, keep: int, saved: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("checkpoints")
    steps = sorted(saved)
    for step in steps:
        path = save(folder, step, keep)
        assert newest_checkpoint(folder) == (path, [])
    assert names(folder) == [f"step-{step:08d}" for step in steps[-keep:]]


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


def broken(works: Callable[..., Any], place: Path, number: int) -> Callable[..., Any]:
    """Let a function of a path fail for one place."""

    def call(path: Path, *more: Any, **named: Any) -> Any:
        if path == place:
            raise OSError(number, os.strerror(number), str(path))
        return works(path, *more, **named)

    return call


def test_an_older_one_that_cannot_be_removed_is_said_and_removed_by_the_next_save(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    first = save(tmp_path, 1)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", broken(shutil.rmtree, first, errno.ENOTEMPTY))
        second = save(tmp_path, 2, keep=1, say=said.append)
    assert newest_checkpoint(tmp_path) == (second, [])
    error = OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY), str(first))
    assert said == [f"checkpoint step-00000001: could not be removed: {error}"]
    save(tmp_path, 3, keep=1)
    assert names(tmp_path) == ["step-00000003"]


@given(data=st.data())
@settings(max_examples=40, deadline=None)
@pytest.mark.parametrize("name", FILES)
def test_any_flipped_bit_is_noticed_and_the_one_before_is_used(
    tmp_path_factory: pytest.TempPathFactory, name: str, data: st.DataObject
) -> None:
    folder = tmp_path_factory.getbasetemp() / "flips"
    if not folder.exists():
        save(folder, 1)
        save(folder, 2)
    path = folder / "step-00000002" / name
    whole = path.read_bytes()
    place = data.draw(st.integers(0, 8 * len(whole) - 1))
    damaged = bytearray(whole)
    damaged[place // 8] ^= 1 << place % 8
    try:
        path.write_bytes(damaged)
        found, bad = newest_checkpoint(folder)
    finally:
        path.write_bytes(whole)
    assert found == folder / "step-00000001"
    assert [path.name for path, _ in bad] == ["step-00000002"]
    assert newest_checkpoint(folder) == (folder / "step-00000002", [])


@pytest.mark.parametrize("schema", [None, 1, 3])
def test_a_checkpoint_of_an_unknown_version_is_refused_and_stays(
    tmp_path: Path, schema: Any
) -> None:
    save(tmp_path, 1)
    path = save(tmp_path, 2)
    manifest = read_json_with_hash(path / "MANIFEST.json")
    assert manifest.pop("schema") == 2
    if schema is not None:
        manifest["schema"] = schema
    write_json_with_hash(path / "MANIFEST.json", manifest)
    with pytest.raises(RunFolderError) as caught:
        choose_checkpoint(tmp_path)
    assert str(caught.value) == (
        f"{path}: schema {schema!r}; this version reads schema 2. Continue with the version that "
        "wrote it, or start again with another --out."
    )
    assert names(tmp_path) == ["step-00000001", "step-00000002"]


def test_the_schema_has_these_fields(tmp_path: Path) -> None:
    """Whoever changes them gives the schema another number."""
    path = save(tmp_path, 1)
    assert sorted(read_json_with_hash(path / "MANIFEST.json")) == [
        "environment", "files", "parent", "schema", "step",
    ]  # fmt: skip
    assert (SCHEMA, sorted(read_json(path / "state.json"))) == (
        2,
        ["identity", "losses", "lowest_median", "recent", "seconds", "skipped", "step", "tokens",
         "window"],
    )  # fmt: skip


@pytest.mark.parametrize("changed", ["recipe", "corpus"])
def test_a_checkpoint_of_another_run_is_refused(tmp_path: Path, changed: str) -> None:
    path = save(tmp_path, 1)
    with pytest.raises(RunFolderError, match=f"belongs to another {changed}\\."):
        read_state(path, {**IDENTITY, changed: "x"})
    with pytest.raises(RunFolderError, match=r"belongs to another recipe and corpus\."):
        read_state(path, {"recipe": "x", "corpus": "x"})


def test_weights_of_another_model_are_refused(tmp_path: Path) -> None:
    path = save(tmp_path, 1)
    with pytest.raises(RunFolderError, match=r"weights do not fit the model, such as bias"):
        load_model(path, nn.Linear(3, 3))


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """Mount a file system of 1 MB, or skip where that is not allowed."""
    mount, unmount = shutil.which("mount"), shutil.which("umount")
    if mount is None or unmount is None:
        pytest.skip("no mount command")
    asked = [mount, "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if subprocess.run(asked, capture_output=True, check=False).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        yield
    finally:
        subprocess.run([unmount, str(folder)], check=True)


def test_a_full_disk_leaves_the_last_checkpoint_whole(tmp_path: Path) -> None:
    with small_disk(tmp_path):
        # 240 kB of weights and twice that of averages: one checkpoint fits, two do not.
        first = save(tmp_path, 1, keep=1, model=Tiny(240))
        with pytest.raises(StorageFullError, match=r"needs 0\.\d MB, the device has 0\.\d MB free"):
            save(tmp_path, 2, keep=1, model=Tiny(240))
        assert newest_checkpoint(tmp_path) == (first, [])
        assert names(tmp_path) == ["step-00000001"]
        assert names(first) == FILES


@pytest.mark.parametrize("link", [False, True])
def test_a_file_or_link_with_the_name_of_a_checkpoint_is_none_and_stays(
    tmp_path: Path, link: bool
) -> None:
    folder, foreign = tmp_path / "checkpoints", tmp_path / "checkpoints" / "step-00000001"
    folder.mkdir()
    if link:
        (tmp_path / "run").mkdir()
        foreign.symlink_to(save(tmp_path / "run" / "checkpoints", 1))
    else:
        foreign.write_text("mine", encoding="utf-8")
    assert newest_checkpoint(folder) == (None, [])
    save(folder, 2, keep=1)
    assert names(folder) == ["step-00000001", "step-00000002"]
    with pytest.raises(StorageError) as caught:
        save(folder, 1, keep=1)
    assert str(caught.value).startswith(f"{foreign}: cannot be written: Not a directory. ")
    assert names(folder) == ["step-00000001", "step-00000002"]
    assert foreign.is_symlink() == link


def test_what_a_crash_left_behind_is_no_checkpoint(tmp_path: Path) -> None:
    path = save(tmp_path, 1)
    shutil.copytree(path, tmp_path / ".step-00000002.4711.tmp")
    shutil.copytree(path, tmp_path / "step-2")
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    assert newest_checkpoint(tmp_path) == (path, [])
    save(tmp_path, 3, keep=1)
    assert "step-00000001" not in names(tmp_path)
    assert {"step-00000003", "step-2", "notes.txt"} <= set(names(tmp_path))
