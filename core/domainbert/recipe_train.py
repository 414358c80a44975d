"""The recipe's section `train:`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter, WrapValidator, model_validator

from domainbert.recipe_sections import BatchSize, Count, Fraction, Rate, Section, Seed


class MaskRates(Section):
    """A mask rate that moves in equal steps over the full phase; the head phase has the first."""

    model_config = ConfigDict(validate_by_name=True, serialize_by_alias=True)

    first: Fraction = Field(alias="from")
    """Share of tokens to predict in the first step."""
    last: Fraction = Field(alias="to")
    """Share of tokens to predict in the last step."""


_ONE_RATE = TypeAdapter(Fraction)


def _one_or_two_rates(value: Any, _: Any) -> float | MaskRates:
    # Chosen by shape, so that an error is about what was written and not about both.
    if isinstance(value, dict | MaskRates):
        return MaskRates.model_validate(value)
    return _ONE_RATE.validate_python(value)


class TrainSection(Section):
    """Continued masked-LM pretraining."""

    steps: Count | None = None
    """Optimizer steps after the head phase. Give `steps` or `epochs`."""
    epochs: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """Passes over the training slice after the head phase."""
    head_steps: int = Field(default=200, ge=0)
    """Steps in which only the MLM head learns; used if the base has no trained head, else not."""
    batch_size: BatchSize = 32
    """Sequences in one optimizer step, over all processes and micro-batches."""
    micro_batch_size: BatchSize = 16
    """Full sequences in one forward pass of one process, or as many tokens in shorter ones; changes
    memory and speed, not the loss."""
    packing: bool = True
    """Lay sequences one behind the other rather than pad them, in the families that can do it;
    attention stays within each, so it changes memory and speed, not the loss."""
    max_length: int = Field(default=128, ge=8)
    """Tokens in one sequence, special tokens included."""
    masking: Literal["token", "word", "span", "term"] = "token"
    """What is chosen as one: tokens; words; spans of whole words (SpanBERT), which also share what
    becomes of them; terms of the domain, favoured, and words."""
    mask_rate: Annotated[float | MaskRates, WrapValidator(_one_or_two_rates)] = 0.15
    """Share of tokens to predict, or `{from: 0.3, to: 0.15}`; 80 % become the mask token, 10 %
    another, 10 % stay. Held-out text is always measured at 15 %."""
    term_share: Fraction = 0.5
    """With `masking: term`, share of the tokens to predict that are of terms, as far as there are;
    a term is hidden half of the time at most."""
    sentence_pairs: Literal["none", "next", "order"] = "none"
    """Make two parts of each sequence and also predict whether the second is the next or of another
    document (`next`, BERT), or whether they were swapped (`order`, ALBERT)."""
    learning_rate: Rate = 1e-4
    """Peak rate of AdamW."""
    head_learning_rate: Rate = 1e-3
    """Peak rate of the head phase."""
    warmup: float = Field(default=0.06, ge=0, lt=1)
    """Share of the steps of a phase in which the rate grows from zero."""
    schedule: Literal["linear", "constant"] = "linear"
    """What the rate does after warm-up: fall to zero, or stay."""
    weight_decay: float = Field(default=0.01, ge=0, lt=1)
    """Decoupled decay of matrices; biases and normalisation weights have none."""
    adam_betas: tuple[Fraction, Fraction] = (0.9, 0.98)
    """Decay rates of AdamW's averages."""
    max_gradient_norm: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    """Clip the gradient to this norm."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Dropout of the encoder while adapting; 0 is faster and usual for one pass over a corpus."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """`auto` takes bf16 where the device computes in it, with fp32 weights; else fp32."""
    seed: Seed = 0
    """Seed of order, masks, dropout and a new head."""
    checkpoint_steps: Count = 200
    """Write a checkpoint every so many steps."""
    keep_checkpoints: Count = 2
    """Keep this many of the newest checkpoints."""
    log_steps: Count = 10
    """Write metrics every so many steps."""

    @property
    def needs_words(self) -> bool:
        """Whether the objective has to know where words begin."""
        return self.masking != "token" or self.sentence_pairs != "none"

    @model_validator(mode="after")
    def _one_length(self) -> TrainSection:
        if (self.steps is None) == (self.epochs is None):
            raise ValueError("give `steps` or `epochs`, one of the two")
        return self
