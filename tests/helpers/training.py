"""What the tests of training share: tiny models, a token store, a session on the CPU."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from torch import Tensor

    from domainbert.corpus.store import TokenStore
    from domainbert.corpus.token_units import TokenUnits
    from domainbert.model.load import LoadedModel
    from domainbert.run.session import Session
    from domainbert.training.data.frame import Frame
    from domainbert.training.data.masking import MaskingConfig
    from domainbert.training.step import Job


@pytest.fixture(scope="session")
def family_folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a tiny checkpoint with a head, one for each family."""
    from domainbert.testing import tiny_checkpoint

    folders: dict[str, Path] = {}

    def find(family: str) -> Path:
        if family not in folders:
            folders[family] = tiny_checkpoint(tmp_path_factory.mktemp(family), family)
        return folders[family]

    return find


@pytest.fixture(scope="session")
def load(family_folder: Callable[[str], Path]) -> Callable[[str], LoadedModel]:
    """Load a new tiny model at each call, its weights far enough from zero to matter."""
    import torch

    from domainbert.model.load import find_base, load_masked_lm

    # Models this small are slower on several threads than on one.
    torch.set_num_threads(1)

    def load(family: str = "bert") -> LoadedModel:
        loaded = load_masked_lm(find_base(str(family_folder(family)), Path()), seed=0)
        numbers = torch.Generator().manual_seed(1)
        with torch.no_grad():
            for parameter in loaded.model.parameters():
                parameter.add_(0.1 * torch.randn(parameter.shape, generator=numbers))
        return loaded

    return load


@pytest.fixture(scope="session")
def make_store(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., TokenStore]:
    """Write a token store of texts with a tokenizer."""
    from domainbert.corpus.build import Encoder
    from domainbert.corpus.steps import find_steps, run_steps
    from domainbert.corpus.store import write_store
    from domainbert.plugin.domain import Document

    def make(texts: list[str], tokenizer: Any, units: TokenUnits | None = None) -> TokenStore:
        steps = find_steps(["normalise", "exact-duplicates"])
        documents = (Document(str(n), t, "test") for n, t in enumerate(texts))
        return write_store(
            tmp_path_factory.mktemp("store") / "corpus",
            run_steps(documents, steps, {}),
            Encoder(tokenizer, units).encode,
            len(tokenizer),
            dict,
            None if units is None else units.name,
        )

    return make


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    """A silent session of one process on the CPU in float32."""
    monkeypatch.setenv("ACCELERATE_USE_CPU", "true")
    from domainbert.run.device import build_accelerator
    from domainbert.run.folder import RunFolder
    from domainbert.run.progress import Reporter
    from domainbert.run.session import Session
    from domainbert.run.signals import StopFlag

    return Session(
        build_accelerator("fp32"),
        RunFolder(tmp_path / "run"),
        Reporter(enabled=False),
        StopFlag(),
        "again",
    )


@pytest.fixture
def make_job(
    load: Callable[[str], LoadedModel], make_store: Callable[..., TokenStore], session: Session
) -> Callable[..., Job]:
    """A job of pretraining on 30 texts, with a new model each time."""
    import numpy as np

    from domainbert.corpus.token_units import word_units
    from domainbert.model.lora import with_adapter
    from domainbert.model.masked_lm import set_dropout
    from domainbert.recipe.budget import BUDGET_KEYS
    from domainbert.recipe.train import TrainSection
    from domainbert.testing import sample_texts
    from domainbert.training.job import build_job

    stores: dict[tuple[str, bool], TokenStore] = {}
    small = {"batch_size": 4, "micro_batch_size": 4, "max_seq_length": 24, "precision": "fp32"}

    def make(family: str = "bert", layout: str = "", **settings: Any) -> Job:
        loaded = load(family)
        budget = {} if settings.keys() & {*BUDGET_KEYS} else {"steps": 10}
        train = TrainSection(**{**small, **budget, **settings})
        key = family, train.needs_words
        if key not in stores:
            units = word_units() if train.needs_words else None
            stores[key] = make_store(sample_texts(30), loaded.tokenizer, units)
        loaded = with_adapter(loaded, train, new_head=False)
        set_dropout(loaded.model, train.dropout)
        session.run.checkpoints.parent.mkdir(parents=True, exist_ok=True)
        job = build_job(train, loaded, stores[key], np.arange(30), session)
        job.model.train()
        return replace(job, layout=layout) if layout else job

    return make


@pytest.fixture(scope="session")
def train_once() -> Callable[..., Any]:
    """Do one step of a job, with rate 0 unless given another."""
    import torch

    from domainbert.training.losses import SummedLosses
    from domainbert.training.schedule import build_optimizer
    from domainbert.training.step import train_step

    def call(job: Job, step: int = 3, rate: float = 0.0) -> Any:
        optimizer = build_optimizer(job.model, (0.9, 0.98), 0.01, torch.device("cpu"))
        module = SummedLosses(job.model, job.objectives, job.prepared)
        return train_step(job, module, optimizer, step, rate)

    return call


def mask_text(
    ids: Any, config: MaskingConfig, epoch: int = 0, sequence: int = 0, units: Any = None
) -> Frame:
    """Frame token ids with special tokens and mask some of them."""
    from domainbert.training.data.frame import frame_parts
    from domainbert.training.data.masking import mask_frame

    return mask_frame(frame_parts([(ids, units)], config.specials), config, epoch, sequence)


def frame_of(ids: Any, positions: Any, targets: Any) -> Frame:
    """Return a masked sequence with the given ids, masked positions and original ids there."""
    from domainbert.training.data.frame import Frame

    return Frame(ids, 0 * ids, 0 * ids, positions_M=positions, targets_M=targets)


def gradients(model: Any) -> dict[str, Tensor]:
    """Return the gradients of a model by name."""
    return {name: p.grad for name, p in model.named_parameters() if p.grad is not None}


def worst(found: dict[str, Tensor], expected: dict[str, Tensor]) -> float:
    """Return the largest difference of two sets of tensors over the largest value."""
    assert found.keys() == expected.keys()
    largest = max(float(value.abs().max()) for value in expected.values())
    return max(float((found[name] - expected[name]).abs().max()) for name in found) / largest


def brute_force(job: Job, step: int) -> tuple[list[float], int, int, dict[str, Tensor]]:
    """The mean of each loss, counts and the gradients of their sum, one sequence at a time."""
    import torch

    from domainbert.training.data.batch import masked_sequence
    from domainbert.training.data.order import global_batch
    from domainbert.training.phases import batch_places

    tokens: list[Tensor] = []
    pairs: list[Tensor] = []
    read = 0
    for key in global_batch(job.index, job.settings.seed, batch_places(job.settings, step)):
        item = masked_sequence(job, key)
        read += len(item.ids_L)
        inputs = {"input_ids": torch.from_numpy(item.ids_L)[None]}
        if item.token_types_L is not None:
            inputs["token_type_ids"] = torch.from_numpy(item.token_types_L)[None]
        logits = job.model(**inputs).logits[0]
        for position, target in zip(item.positions_M, item.targets_M, strict=True):
            tokens.append(-logits[int(position)].log_softmax(dim=0)[int(target)])
        if item.label is not None:
            first = job.model.base_model(**inputs).last_hidden_state[:, 0]
            classes = job.model.objective_heads["sentence-pairs"](first)[0]
            pairs.append(-classes.log_softmax(dim=0)[item.label])
    means = [torch.stack(losses).mean() for losses in (tokens, pairs) if losses]
    job.model.zero_grad(set_to_none=True)
    torch.stack(means).sum().backward()
    return [mean.item() for mean in means], len(tokens), read, gradients(job.model)
