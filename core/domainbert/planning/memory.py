"""What a run will take: memory by a formula and by the system's own count, time by timed steps.

`docs/how-to/plan-a-run.md` explains the formula.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from domainbert.recipe.train import TrainSection
from domainbert.training.batch_ramp import places_before
from domainbert.training.phases import CorpusSize, Phase

_FLOAT = 4
# Tensors of an encoder layer kept for the backward pass, counted for BERT with dropout 0: its
# input, queries, keys, values, the attention's output twice, and the sums and results of two
# normalisations have the hidden size, the feed-forward's two the intermediate size. A residual sum
# is kept by the normalisation after it.
_HIDDEN, _INTERMEDIATE = 9, 2
# Under autocast about two thirds of these bytes: results of matrix products take two bytes, the
# residual stream and the normalisations four.
_BF16 = 0.7
# Of masked tokens: logits, their log-softmax and the gradient.
_LOGITS = 3
# Of all tokens, in families whose head cannot be given the masked ones alone: logits and gradient.
_DENSE = 2
_CLEAR_PEAK, _STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")


@dataclass(frozen=True)
class Memory:
    """Bytes of one process, by formula.

    Args:
        weights: All parameters in float32; under FSDP this process's part, as of the next two.
        gradients: Of those that learn; DDP keeps a second copy in its buckets.
        optimizer: The two averages of AdamW.
        activations: Of one micro-batch of full length, kept for the backward pass.
    """

    weights: int
    gradients: int
    optimizer: int
    activations: int

    @property
    def total(self) -> int:
        """All together."""
        return self.weights + self.gradients + self.optimizer + self.activations


@dataclass(frozen=True)
class PhaseEstimate:
    """What a phase will read and take.

    Args:
        name: Of the phase.
        steps: Optimizer steps.
        sequences: Read in them.
        tokens: Expected in these, special tokens included.
        epochs: Passes over the training slice.
        seconds: By timed steps; None without them.
    """

    name: str
    steps: int
    sequences: int
    tokens: int
    epochs: float
    seconds: float | None


def estimate_phase(
    train: TrainSection, phase: Phase, size: CorpusSize, seconds_per_token: float | None
) -> PhaseEstimate:
    """Return what a phase reads and takes."""
    sequences = places_before(train, phase.stop) - places_before(train, phase.start)
    tokens = round(sequences * size.tokens_per_sequence)
    seconds = None if seconds_per_token is None else tokens * seconds_per_token
    return PhaseEstimate(
        phase.name, phase.steps, sequences, tokens, sequences / size.n_sequences, seconds
    )


def estimate_memory(
    model: Any, train: TrainSection, processes: int, bf16: bool, sharded: bool = False
) -> Memory:
    """Return the memory of a training step of the full phase.

    Args:
        model: A transformers model whose `requires_grad` are those of the phase.
        train: The recipe's section.
        processes: That share the work.
        bf16: Whether matrix products run in bf16.
        sharded: Whether the processes share the parameters too, as with FSDP.
    """
    parameters = sum(p.numel() for p in model.parameters())
    learning = sum(p.numel() for p in model.parameters() if p.requires_grad)
    parts = processes if sharded else 1
    copies = 2 if processes > 1 and not sharded else 1
    rows = min(train.micro_batch_size, -(-train.batch_size // processes))
    tokens = rows * train.max_seq_length
    kept = _kept_of_layers(model.config, train, bf16) + _kept_of_logits(model, train)
    return Memory(
        weights=_FLOAT * parameters // parts,
        gradients=_FLOAT * learning * copies // parts,
        optimizer=2 * _FLOAT * learning // parts,
        activations=round(kept * tokens),
    )


def _kept_of_layers(config: Any, train: TrainSection, bf16: bool) -> float:
    """Return bytes that the encoder keeps of a token."""
    hidden, layers = config.hidden_size, config.num_hidden_layers
    # DistilBERT and its like name this otherwise.
    intermediate: int = getattr(config, "intermediate_size", 0) or getattr(config, "hidden_dim", 0)
    layer = _FLOAT * (_HIDDEN * hidden + _INTERMEDIATE * intermediate) * (_BF16 if bf16 else 1)
    if train.gradient_checkpointing:
        # The input of each layer, and all of the one that is computed again.
        return float(_FLOAT * layers * hidden + layer)
    return float(layers * layer)


def _kept_of_logits(model: Any, train: TrainSection) -> float:
    """Return bytes that the logits take, for each token that is read."""
    from domainbert.model.families import family_of

    masked = _LOGITS * max(train.mlm_probabilities)
    dense = _DENSE if family_of(model) is None else 0
    return float(_FLOAT * (masked + dense) * model.config.vocab_size)


def forget_peak(device: Any) -> bool:
    """Start counting the peak of memory anew; False where the system cannot."""
    if device.type == "cuda":
        import torch

        torch.cuda.reset_peak_memory_stats(device)
        return True
    try:
        _CLEAR_PEAK.write_text("5", encoding="ascii")  # Linux: 5 resets the peak alone
    except OSError:
        return False
    return True


def peak_memory(device: Any) -> int | None:
    """Return bytes at the peak: of the device, or of this process where it is the CPU.

    None where the system does not tell.
    """
    if device.type == "cuda":
        import torch

        return int(torch.cuda.max_memory_allocated(device))
    if not _STATUS.exists():
        return None
    lines = _STATUS.read_text(encoding="ascii", errors="replace").splitlines()
    found = [line.split()[1] for line in lines if line.startswith("VmHWM:")]
    return int(found[0]) * 1024 if found else None
