"""The recipe's section `sentences:`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from domainbert.recipe.sections import BatchSize, Count, Rate, Section, Seed


class SentencesSection(Section):
    """A second stage for vectors of texts: the model that is handed over learns which are alike.

    Masked-LM training harms the similarity of a sentence encoder's vectors; this brings it back.
    """

    method: Literal["simcse"] = "simcse"
    """`simcse`: each sentence is read twice with other dropout; the two vectors are to be nearer to
    each other than to those of other sentences (Gao et al. 2021, arXiv 2104.08821)."""
    steps: Count = 200
    """Optimizer steps."""
    batch_size: BatchSize = Field(default=64, ge=2)
    """Sentences in one step, each from another document while there are enough."""
    learning_rate: Rate = 3e-5
    """Peak rate of AdamW; linear warm-up over a tenth of the steps, then linear decay to zero."""
    max_seq_length: int = Field(default=64, ge=8)
    """Tokens that are read of a sentence while learning."""
    pairs: Count = 500
    """Pairs of title and text at most, made from held-out documents, that retrieval is measured
    on."""
    seed: Seed = 0
    """Seed of the order, the sentences and dropout."""
