"""Which checkpoint several processes go on from: one looks, all hear."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from domainbert.run.session import Session
from domainbert.training import resume
from domainbert.training.resume import newest_whole_step


def rank(session: Session, number: int, told: tuple[int, ...]) -> Session:
    """The session as one of two processes has it; the other gives `told` to one sum each."""
    others = iter(told)

    def add(tensor: torch.Tensor, reduction: str) -> torch.Tensor:
        assert reduction == "sum"
        return tensor + next(others)

    group: Any = SimpleNamespace(
        num_processes=2, is_main_process=not number, device=torch.device("cpu"), reduce=add
    )
    return replace(session, accelerator=group)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Folders in which checkpoints were looked for; the newest whole one is of step 40."""
    folders: list[Path] = []

    def choose(folder: Path) -> tuple[int, list[str]]:
        folders.append(folder)
        return 40, []

    monkeypatch.setattr(resume, "choose_checkpoint", choose)
    return folders


def test_the_main_process_looks(session: Session, asked: list[Path]) -> None:
    assert newest_whole_step(rank(session, 0, (0, 0))) == 40
    assert asked == [session.run.checkpoints]


def test_another_reads_no_file_and_hears_what_was_found(
    session: Session, asked: list[Path]
) -> None:
    assert newest_whole_step(rank(session, 1, (0, 25))) == 25
    assert asked == []
