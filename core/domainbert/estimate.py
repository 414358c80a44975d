"""What a run will take: memory by a formula and by the system's own count, time by timed steps.

`docs/how-to/plan-a-run.md` explains the formula.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from domainbert.plan import CorpusSize, Phase
from domainbert.recipe_train import TrainSection
from domainbert.training.ramp import places_before

_FLOAT = 4
# Tensors of an encoder layer kept for the backward pass, counted for BERT with dropout 0: its
# input, queries, keys, values, the attention's output twice, and the sums and results of two
# normalisations have the hidden size, the feed-forward's two the intermediate size. A residual sum
# is kept by the normalisation after it.
_HIDDEN, _INTERMEDIATE = 9, 2
# Under autocast about two thirds of these bytes: results of matrix products take two bytes, the
# residual stream and the normalisations four.
_BF16 = 0.7
# Logits, their log-softmax and the gradient.
_LOGITS = 3
_CLEAR_PEAK, _STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")


@dataclass(frozen=True)
class Memory:
    """Bytes of one process, by formula.

    Args:
        weights: All parameters in float32.
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


def estimate_memory(model: Any, train: TrainSection, processes: int, bf16: bool) -> Memory:
    """Return the memory of a training step of the full phase.

    Args:
        model: A transformers model whose `requires_grad` are those of the phase.
        train: The recipe's section.
        processes: That share the work.
        bf16: Whether matrix products run in bf16.
    """
    parameters = sum(p.numel() for p in model.parameters())
    learning = sum(p.numel() for p in model.parameters() if p.requires_grad)
    config = model.config
    hidden = config.hidden_size
    # DistilBERT and its like name this otherwise.
    intermediate: int = getattr(config, "intermediate_size", 0) or getattr(config, "hidden_dim", 0)
    per_token = config.num_hidden_layers * (_HIDDEN * hidden + _INTERMEDIATE * intermediate)
    tokens = train.micro_batch_size * train.max_length
    kept = _FLOAT * per_token * tokens * (_BF16 if bf16 else 1)
    logits = _LOGITS * _FLOAT * max(train.mask_rates) * tokens * config.vocab_size
    return Memory(
        weights=_FLOAT * parameters,
        gradients=_FLOAT * learning * (2 if processes > 1 else 1),
        optimizer=2 * _FLOAT * learning,
        activations=round(kept + logits),
    )


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
