"""A model or a baseline to be scored, and its trial on one task with one seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from domainbert.model.check import hash_tokenizer
from domainbert.plugin.components import LoadedTask
from domainbert.recipe.evaluate import EvaluateSection


@dataclass(frozen=True)
class ModelUnderTest:
    """A model to be scored, or a baseline.

    Args:
        name: Its name in tables; for a baseline that of the component.
        folder: Checkpoint with encoder and tokenizer; None for a baseline.
        sha256: Hash of its weights.
        base: The checkpoint it was adapted from, or is.
        tokens: Tokens read in continued pretraining.
        minutes: Wall time of continued pretraining.
        doubt: Why its scores say nothing of the adaptation, or an empty string.
        blend: Where it lies between base and adapted model; see `Blend.name`.
        contaminated: Documents of its corpus that were left out; see `contaminated`.
        seeded: Whether a baseline draws random numbers.
        starts_from: Hash of the weights whose vectors a baseline takes.
        date: Day on which predictions were made elsewhere.
        source: What made them.
    """

    name: str
    folder: Path | None = None
    sha256: str | None = None
    base: str | None = None
    tokens: int = 0
    minutes: float = 0.0
    doubt: str = ""
    blend: str = ""
    contaminated: int | None = None
    seeded: bool = False
    starts_from: str | None = None
    date: str = ""
    source: str = ""

    @cached_property
    def tokenizer(self) -> str | None:
        """Hash of its tokenizer: with the same weights another one gives other scores."""
        return hash_tokenizer(self.folder) if self.folder else None


@dataclass(frozen=True)
class ModelTrial:
    """One model on one task with one seed.

    Args:
        loaded: The task with its records.
        model: The model.
        seed: Seed of fine-tuning.
        settings: Settings of fine-tuning, as the result stores them; empty for a baseline.
        path: File of the result.
        section: Settings of fine-tuning.
    """

    loaded: LoadedTask
    model: ModelUnderTest
    seed: int
    settings: Mapping[str, Any]
    path: Path
    section: EvaluateSection

    @property
    def title(self) -> str:
        """What messages call it."""
        return f"{self.loaded.task.name}: {self.model.name}, seed {self.seed}"

    @property
    def group(self) -> tuple[str, ...]:
        """Task and model."""
        return self.loaded.task.name, self.model.name

    @property
    def about(self) -> dict[str, Any]:
        """What a kept model says of its trial."""
        about = {"model": self.model.name, "encoder": self.model.sha256, "seed": self.seed}
        return about | {"settings": dict(self.settings)}


Models = Sequence[ModelUnderTest]
