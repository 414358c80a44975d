"""The recipe's section `train:`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, TypeAdapter, WrapValidator, model_validator

from domainbert.recipe.budget import BUDGET_KEYS
from domainbert.recipe.lora import LoraSection
from domainbert.recipe.sections import (
    BatchSize,
    Count,
    Fraction,
    Rate,
    Section,
    Seed,
    no_truth_value,
)


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


def _weighted(value: Any) -> Any:
    """Return objectives with weights; a list gives each the weight 1."""
    return dict.fromkeys(value, 1.0) if isinstance(value, list | tuple) else value


Weight = Annotated[float, Field(ge=0, allow_inf_nan=False), BeforeValidator(no_truth_value)]
Weights = Annotated[dict[str, Weight], BeforeValidator(_weighted)]


class BatchRamp(Section):
    """Smaller batches at first."""

    start: BatchSize
    """Sequences in the first step; all sizes are multiples of it, and so is `batch_size`."""
    steps: Count
    """Steps until `batch_size` is reached, counted from the first of the run (of the head phase, if
    there is one)."""


class TrainSection(Section):
    """Continued masked-LM pretraining."""

    steps: Count | None = None
    """Optimizer steps after the head phase. Give one of `steps`, `epochs`, `tokens`, `minutes`."""
    epochs: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """Passes over the training slice after the head phase."""
    tokens: Count | None = None
    """Tokens to read after the head phase, special tokens included, padding not: training ends with
    the first step at which as many are expected, by the mean length of a sequence."""
    minutes: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """Minutes of training after the head phase. A few timed steps at the start tell how many steps
    that is; `pretrain/plan.json` keeps the number, so that a continued run does the same."""
    head_steps: int = Field(default=200, ge=0, le=10**15)
    """Steps in which only the MLM head learns; used if the base has no trained head, else not."""
    batch_size: BatchSize = 32
    """Sequences in one optimizer step, over all processes and micro-batches."""
    batch_ramp: BatchRamp | None = None
    """Let the batch grow linearly to `batch_size`; absent for none."""
    micro_batch_size: BatchSize = 16
    """Full sequences in one forward pass of one process, or as many tokens in shorter ones; changes
    memory and speed, not the loss."""
    max_seq_length: int = Field(default=128, ge=8)
    """Tokens in one sequence, special tokens included."""
    objectives: Weights = Field(default={"masked-lm": 1.0})
    """Training losses with their weights: `[masked-lm, NAME]`, or `{masked-lm: 0.5, NAME: 1}`. The
    step minimises the weighted sum of their means. `masked-lm` is always among them; with weight 0
    it is measured and not trained. `sentence_pairs` adds its own."""
    masking: Literal["token", "word", "span", "term"] = "token"
    """Masking unit: token, word, span of whole words (SpanBERT; one replacement per span), or term
    of the domain, favoured over other words."""
    mlm_probability: Annotated[float | MaskRates, WrapValidator(_one_or_two_rates)] = 0.15
    """Share of tokens to predict, or `{from: 0.3, to: 0.15}`; 80 % become the mask token, 10 %
    another, 10 % stay. Held-out text is always measured at 15 %."""
    term_share: Fraction = 0.5
    """With `masking: term`, share of the tokens to predict that are of terms, as far as there are;
    a term is hidden half of the time at most."""
    sentence_pairs: Literal["none", "next", "order"] = "none"
    """Make two parts of each sequence and also predict whether the second is the next or of another
    document (`next`, BERT), or whether they were swapped (`order`, ALBERT)."""
    method: Literal["full", "lora"] = "full"
    """What learns after the head phase: all weights, or low-rank matrices beside them, which are
    also saved on their own in `adapter/`. A new head learns in both."""
    lora: LoraSection | None = None
    """With `method: lora`: rank, scale and places; absent for its defaults."""
    learning_rate: Rate = 1e-4
    """Peak rate of AdamW; LoRA wants about ten times that of full training."""
    warmup_ratio: float = Field(default=0.06, ge=0, lt=1)
    """Share of the steps of a phase in which the rate grows from zero."""
    lr_scheduler: Literal["linear", "constant", "cosine", "wsd"] = "linear"
    """What the rate does after warm-up: linear or cosine decay, constant, or (`wsd`, for
    warm-up, stable, decay) stay and fall at the end, as 1 − √t."""
    decay: Fraction = 0.1
    """Share of the steps of a phase in which the rate of `wsd` falls; 0.1 to 0.2 are usual."""
    layerwise_lr_decay: float = Field(default=1.0, gt=0, le=1, allow_inf_nan=False)
    """Factor on the rate from each layer to the one below, the embeddings lowest; the head has the
    whole rate. 1 gives all the same."""
    freeze_embeddings: bool = False
    """Never change the embeddings, and with them a decoder that is tied to them."""
    freeze_layers: int = Field(default=0, ge=0, le=1000)
    """Never change this many of the lowest layers."""
    unfreeze: Literal["all", "gradual"] = "all"
    """`gradual`: the head learns alone, then with each equal part of the steps one layer more, the
    embeddings in the last part. It changes what learns, not what a step costs."""
    weight_decay: float = Field(default=0.01, ge=0, lt=1)
    """Decoupled decay of matrices; biases and normalisation weights have none."""
    adam_betas: tuple[Fraction, Fraction] = (0.9, 0.98)
    """Decay rates of AdamW's averages."""
    max_grad_norm: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    """Clip the gradient to this norm."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Dropout of the encoder while adapting; 0 is faster and usual for one pass over a corpus."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """`auto` takes bf16 where the device computes in it, with fp32 weights; else fp32."""
    gradient_checkpointing: bool = False
    """Compute layers again in the backward pass instead of keeping them: less memory, slower."""
    torch_compile: bool = False
    """Compile the model with `torch.compile`, which takes minutes and needs a C++ compiler."""
    spike: float | None = Field(default=3.0, gt=0, allow_inf_nan=False)
    """A loss this many nats, and six deviations of the last 64, above the lowest median of 64 steps
    is a failure; null: never."""
    max_rollbacks: int = Field(default=3, ge=0, le=10**6)
    """How often training may go back to a checkpoint and skip the batch that failed."""
    seed: Seed = 0
    """Seed of order, masks, dropout and a new head."""
    save_steps: Count = 200
    """Steps between checkpoints."""
    save_total_limit: int = Field(default=2, ge=0, le=10**6)
    """Keep this many of the newest checkpoints; 0: one while training, none beside the model."""
    logging_steps: Count = 10
    """Steps between lines of metrics."""
    trackers: tuple[Literal["tensorboard", "wandb", "trackio", "mlflow"], ...] = ()
    """Send the metrics to these too; each has to be installed."""

    @property
    def mlm_probabilities(self) -> tuple[float, float]:
        """The mask rate in the first step and in the last."""
        rates = self.mlm_probability
        return (rates.first, rates.last) if isinstance(rates, MaskRates) else (rates, rates)

    @property
    def loss_weights(self) -> dict[str, float]:
        """The weight of each objective, masked LM first."""
        pairs = {} if self.sentence_pairs == "none" else {"sentence-pairs": 1.0}
        return {"masked-lm": 1.0, **pairs, **self.objectives}

    @property
    def needs_words(self) -> bool:
        """Whether masking or pairs have to know where words begin."""
        return self.masking != "token" or self.sentence_pairs != "none"

    @model_validator(mode="after")
    def _is_consistent(self) -> TrainSection:
        given = [f"`{key}`" for key in BUDGET_KEYS if getattr(self, key) is not None]
        if len(given) != 1:
            found = " and ".join(given) or "none"
            wanted = "give one of `steps`, `epochs`, `tokens` and `minutes`"
            raise ValueError(f"{wanted}, found {found}")
        if "masked-lm" not in self.objectives or not any(self.objectives.values()):
            raise ValueError("objectives: `masked-lm` is missing (0 measures it), or all are 0")
        if self.lr_scheduler == "wsd" and self.warmup_ratio + self.decay > 1:
            raise ValueError("`warmup_ratio` and `decay` are shares of the steps: at most 1 in all")
        if self.lora is not None and self.method != "lora":
            raise ValueError("`lora` is given, and `method` is not lora")
        if self.batch_ramp is not None and self.batch_size % self.batch_ramp.start:
            start = self.batch_ramp.start
            raise ValueError(f"`batch_size` must be a multiple of `batch_ramp.start`, {start}")
        return self
