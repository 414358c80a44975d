from __future__ import annotations

import mmap
from pathlib import Path
from typing import Any

import pytest
import torch

from domainbert.planning.memory import (
    Memory,
    PhaseEstimate,
    estimate_memory,
    estimate_phase,
    forget_peak,
    peak_memory,
)
from domainbert.recipe.train import TrainSection
from domainbert.testing import FAMILIES, tiny_checkpoint
from domainbert.training.phases import CorpusSize, Phase

CPU = torch.device("cpu")
HIDDEN, INTERMEDIATE, LAYERS, WORDS = 32, 128, 3, 50


def bert() -> Any:
    from transformers import BertConfig, BertForMaskedLM

    config = BertConfig(
        vocab_size=WORDS,
        hidden_size=HIDDEN,
        intermediate_size=INTERMEDIATE,
        num_hidden_layers=LAYERS,
        num_attention_heads=4,
        max_position_embeddings=64,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    return BertForMaskedLM(config).train()


def kept_bytes(model: Any, rows: int, length: int) -> int:
    """What autograd keeps of the encoder's layers, beside the parameters."""
    own = {p.untyped_storage().data_ptr() for p in model.parameters()}
    kept: dict[int, tuple[int, torch.Tensor]] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = (storage.nbytes(), tensor)
        return tensor

    hidden = torch.randn(rows, length, HIDDEN, requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        model.bert.encoder(hidden)
    return sum(size for size, _ in kept.values())


def test_memory_by_hand() -> None:
    model = bert()
    train = TrainSection(
        steps=1, batch_size=8, micro_batch_size=8, max_seq_length=64, mlm_probability=0.25
    )
    count = sum(p.numel() for p in model.parameters())
    tokens = 8 * 64
    layers = 4 * LAYERS * tokens * (9 * HIDDEN + 2 * INTERMEDIATE)
    logits = 3 * 4 * (tokens // 4) * WORDS
    assert estimate_memory(model, train, 1, bf16=False) == Memory(
        4 * count, 4 * count, 8 * count, layers + logits
    )
    assert estimate_memory(model, train, 1, bf16=True).activations == round(0.7 * layers + logits)
    assert estimate_memory(model, train, 2, bf16=False).gradients == 8 * count


def test_layers_that_are_computed_again_keep_their_inputs_alone() -> None:
    train = TrainSection(
        steps=1, batch_size=8, micro_batch_size=8, max_seq_length=64, mlm_probability=0.25,
        gradient_checkpointing=True,
    )  # fmt: skip
    tokens = 8 * 64
    layer = 4 * tokens * (9 * HIDDEN + 2 * INTERMEDIATE)
    inputs, logits = 4 * tokens * LAYERS * HIDDEN, 3 * 4 * (tokens // 4) * WORDS
    assert estimate_memory(bert(), train, 1, bf16=False).activations == inputs + layer + logits
    found = estimate_memory(bert(), train, 1, bf16=True)
    assert found.activations == round(inputs + 0.7 * layer + logits)


def test_a_family_without_a_sparse_head_has_all_logits() -> None:
    model = bert()
    train = TrainSection(
        steps=1, batch_size=8, micro_batch_size=8, max_seq_length=64, mlm_probability=0.25
    )
    sparse = estimate_memory(model, train, 1, bf16=False).activations
    model.config.model_type = "unheard-of"
    dense = estimate_memory(model, train, 1, bf16=False).activations
    assert dense - sparse == 2 * 4 * 8 * 64 * WORDS


def test_processes_share_the_batch_and_in_shards_the_parameters() -> None:
    model = bert()
    train = TrainSection(steps=1, batch_size=8, micro_batch_size=8, max_seq_length=64)
    count = sum(p.numel() for p in model.parameters())
    one, four = (estimate_memory(model, train, n, bf16=False) for n in (1, 4))
    assert (four.weights, four.gradients, four.optimizer) == (4 * count, 8 * count, 8 * count)
    assert four.activations == one.activations // 4
    shards = estimate_memory(model, train, 4, bf16=False, sharded=True)
    assert (shards.weights, shards.gradients, shards.optimizer) == (count, count, 2 * count)
    assert shards.activations == four.activations


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_tells_its_sizes(tmp_path: Path, family: str) -> None:
    from transformers import AutoModelForMaskedLM

    folder = tiny_checkpoint(tmp_path, family)
    model = AutoModelForMaskedLM.from_pretrained(folder)
    train = TrainSection(steps=1, batch_size=4, micro_batch_size=4, max_seq_length=16)
    logits = 12 * 0.15 * 64 * model.config.vocab_size
    intermediate = model.config.to_dict().get("intermediate_size", 64)
    found = estimate_memory(model, train, 1, bf16=False)
    assert found.activations == round(4 * 2 * 64 * (9 * 32 + 2 * intermediate) + logits)


def test_what_does_not_learn_has_no_gradient_and_no_averages() -> None:
    model = bert()
    frozen = model.bert.embeddings.word_embeddings.weight
    frozen.requires_grad_(False)
    count = sum(p.numel() for p in model.parameters())
    found = estimate_memory(model, TrainSection(steps=1), 1, bf16=False)
    assert found.weights == 4 * count
    assert found.gradients == 4 * (count - frozen.numel())
    assert found.optimizer == 8 * (count - frozen.numel())
    assert found.total == sum((found.weights, found.gradients, found.optimizer, found.activations))


def test_the_formula_is_what_autograd_keeps_of_a_bert() -> None:
    model = bert()
    formula = 4 * LAYERS * 8 * 64 * (9 * HIDDEN + 2 * INTERMEDIATE)
    assert kept_bytes(model, 8, 64) == pytest.approx(formula, rel=0.05)


def test_a_phase_by_hand() -> None:
    train = TrainSection.model_validate(
        {"steps": 1, "batch_size": 20, "batch_ramp": {"start": 5, "steps": 4}}
    )
    size = CorpusSize(n_sequences=100, n_tokens=2550)
    found = estimate_phase(train, Phase("full", 3, 6, 1e-4), size, 0.01)
    # 15 sequences in step 3, then five times 20.
    assert found == PhaseEstimate("full", 6, 115, 2932, 1.15, pytest.approx(29.32))
    assert estimate_phase(train, Phase("full", 3, 6, 1e-4), size, None).seconds is None


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="only Linux tells its peak")
def test_the_peak_of_this_process_is_seen_and_forgotten() -> None:
    assert forget_peak(CPU)
    before = peak_memory(CPU)
    assert before is not None
    # Given back to the system when it is closed, which freed memory need not be.
    with mmap.mmap(-1, 200_000_000) as block:
        block.write(b"x" * 200_000_000)
        with_block = peak_memory(CPU)
    assert with_block is not None
    assert with_block - before > 150_000_000
    assert peak_memory(CPU) == pytest.approx(with_block, rel=0.01)
    forget_peak(CPU)
    after = peak_memory(CPU)
    assert after is not None
    assert with_block - after > 150_000_000
