"""The recipe's sections `train.lora` and `evaluate.lora`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from domainbert.recipe.sections import EachOnce, Section

_Names = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], EachOnce]


class LoraSection(Section):
    """Low-rank matrices that learn beside frozen weights (Hu et al. 2021, arXiv 2106.09685)."""

    r: int = Field(default=8, ge=1, le=4096)
    """Rank of the matrices."""
    alpha: float = Field(default=16.0, gt=0, allow_inf_nan=False)
    """Their product counts times `alpha`/`r`."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Dropout of what they read."""
    targets: _Names = ()
    """Linear layers of the encoder beside which they stand, by the end of their names (`query`);
    empty for all."""
    modules_to_save: _Names = ()
    """Further modules that learn in full, by the end of their names, kept in the adapter."""
