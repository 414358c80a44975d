"""What is refused before any work starts."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from accelerate.utils import DistributedType

from domainbert.errors import RecipeError, UserError
from domainbert.recipe.train import TrainSection
from domainbert.training.job import check_environment


def accelerator(kind: str = "NO", sharded: bool = False, device: str = "cpu") -> Any:
    return SimpleNamespace(
        distributed_type=DistributedType(kind), is_fsdp2=sharded, device=torch.device(device)
    )


def settings(**given: Any) -> TrainSection:
    return TrainSection(steps=1, **given)


def test_without_a_compiler_nothing_is_compiled(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    check_environment(settings(), accelerator())
    with pytest.raises(RecipeError, match=r"train\.torch_compile: install g\+\+ or clang\+\+"):
        check_environment(settings(torch_compile=True), accelerator())
    (tmp_path / "clang++").touch(mode=0o755)
    check_environment(settings(torch_compile=True), accelerator())


def test_other_ways_to_start_processes_are_refused() -> None:
    with pytest.raises(UserError, match=r"FSDP 1 is not supported\. Set `fsdp_version: 2`"):
        check_environment(settings(), accelerator("FSDP"))
    with pytest.raises(UserError, match=r"DEEPSPEED is not supported\. Use plain processes or"):
        check_environment(settings(), accelerator("DEEPSPEED"))
    with pytest.raises(RecipeError, match="cannot be used with FSDP; leave one of them out"):
        check_environment(settings(torch_compile=True), accelerator("FSDP", sharded=True))


def test_each_process_needs_a_gpu_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "3")
    check_environment(settings(), accelerator("MULTI_CPU"))
    with pytest.raises(UserError, match=r"3 processes .* with 2 GPU\(s\)"):
        check_environment(settings(), accelerator("MULTI_GPU", device="cuda"))
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    check_environment(settings(), accelerator("MULTI_GPU", device="cuda"))
