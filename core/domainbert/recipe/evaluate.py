"""The recipe's section `evaluate:`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from domainbert.recipe.lora import LoraSection
from domainbert.recipe.sections import BatchSize, Count, EachOnce, Rate, Section, Seed


def _list_of_seeds(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        example = list(range(min(max(value, 1), 10)))
        raise ValueError(f"expected a list of seeds, such as {example}")
    return value


class GridSection(Section):
    """Values of which each model and task takes the pair with the best primary metric.

    It is found with seed 0 on validation; the test split is not read for it.
    """

    learning_rate: Annotated[tuple[Rate, ...], EachOnce] = ()
    """Rates to try; empty for that of `evaluate`."""
    epochs: Annotated[tuple[Count, ...], EachOnce] = ()
    """Numbers of epochs to try; empty for that of `evaluate`."""

    @model_validator(mode="after")
    def _has_a_choice(self) -> GridSection:
        if len(self.learning_rate) < 2 and len(self.epochs) < 2:
            raise ValueError("grid: give two rates or two numbers of epochs at least")
        return self


def _names(value: Any) -> Any:
    """Return names that are written as one text, such as `bilstm, frozen`, as a list."""
    if isinstance(value, str) and value.lower() in _TRUTH:
        return value
    if isinstance(value, str) and value not in ("all", "none"):
        value = [name.strip() for name in value.split(",")]
    listed = isinstance(value, list | tuple) and all(isinstance(name, str) for name in value)
    if not listed and not isinstance(value, bool | str):
        raise ValueError("expected true, false, `all`, or a list of names, such as [bilstm]")
    if listed and len(set(value)) < len(value):
        raise ValueError("a name stands twice; give each once")
    return False if value == "none" else value


# Texts that pydantic takes for true or false, as YAML's `yes`.
_TRUTH = {"true", "yes", "on", "t", "y", "1", "false", "no", "off", "f", "n", "0"}
Baselines = bool | Literal["all"] | tuple[str, ...]
"""Values of `evaluate.baselines`."""


class EvaluateSection(Section):
    """Fine-tuning of base and adapted model on the tasks."""

    seeds: Annotated[tuple[Seed, ...], EachOnce, BeforeValidator(_list_of_seeds)] = Field(
        default=(0, 1, 2), min_length=1
    )
    """One fine-tuning run for each seed and model."""
    epochs: Count = 4
    """Passes over the training split."""
    min_steps: Count = 100
    """Steps at least: with few labels, more passes than `epochs` says."""
    steps: Count | None = None
    """Steps, whatever `epochs` and `min_steps` say."""
    batch_size: BatchSize = 16
    """Sequences in one step."""
    learning_rate: Rate = 1e-4
    """Peak rate of AdamW; linear warm-up, then linear decay to zero."""
    warmup_ratio: float = Field(default=0.1, ge=0, lt=1)
    """Share of the steps in which the rate grows from zero."""
    layerwise_lr_decay: float = Field(default=1.0, gt=0, le=1, allow_inf_nan=False)
    """Factor on the rate from each layer to the one below; 1 gives all the same rate."""
    unfreeze: Literal["all", "gradual"] = "all"
    """`gradual`: the classifier learns alone, then one layer more with each third of an epoch. The
    layers not reached by then, as the lowest of twelve in four epochs, never learn."""
    max_seq_length: int = Field(default=128, ge=8)
    """Tokens in one window; longer sentences to tag are read in overlapping windows."""
    long_texts: Literal["truncate", "window"] = "truncate"
    """Longer texts to classify: keep the beginning, or average the scores of all windows."""
    pooling: Literal["mean", "head"] = "mean"
    """Texts to classify: a linear layer on the mean of the token vectors, or the head that
    transformers has for the family, mostly on the first token."""
    method: Literal["full", "lora", "frozen"] = "full"
    """What learns beside the classifier: the whole encoder, low-rank matrices beside its weights,
    which are added to them in the end, or nothing."""
    lora: LoraSection | None = None
    """With `method: lora`: rank, scale and places; absent for its defaults."""
    epoch: Literal["last", "best"] = "last"
    """Weights to take: those of the last step, or of the epoch with the best primary metric on
    validation, which is measured after each."""
    patience: Count | None = None
    """With `epoch: best`, stop after this many epochs without a better score; absent for none."""
    class_weights: Literal["none", "balanced"] = "none"
    """`balanced`: each record weighs N / (K · records of its class) in the loss, as scikit-learn
    has it; in tagging each word does, and its classes are the tags. For tagging, and for tasks
    with one label per record."""
    grid: GridSection | None = None
    """Rates and epochs of which each model takes the best on validation; absent for none."""
    keep: Literal["best", "all", "none"] = "best"
    """Fine-tuned models to keep in `tasks/`: of each task the one with the best primary metric on
    validation, all of them, or none."""
    baselines: Annotated[Baselines, BeforeValidator(_names)] = True
    """`true` for those that take seconds: majority class and TF-IDF + linear SVM, or majority type
    per word and the domain's terms as a dictionary. `all` for every one that suits a task, `false`
    for none, or a list of names, as `[tfidf-logreg, bilstm, frozen]`."""

    @property
    def baseline_names(self) -> tuple[str, ...]:
        """Names of baselines that are listed; empty for those that suit each task."""
        return self.baselines if isinstance(self.baselines, tuple) else ()

    @model_validator(mode="after")
    def _is_consistent(self) -> EvaluateSection:
        if self.lora is not None and self.method != "lora":
            raise ValueError("`lora` is given, and `method` is not lora")
        if self.patience is not None and self.epoch != "best":
            raise ValueError("`patience` is for `epoch: best`: the last epoch is taken anyway")
        if self.grid is not None and self.grid.epochs and self.steps is not None:
            raise ValueError("`grid.epochs` and `steps` exclude each other; leave one out")
        if self.unfreeze == "gradual" and self.method != "full":
            raise ValueError(f"`unfreeze: gradual` is for `method: full`, not {self.method}")
        return self
