"""The recipe's section `forgetting:`."""

from __future__ import annotations

from pydantic import Field

from domainbert.recipe.sections import Section


class ForgettingSection(Section):
    """How much the model may lose on general text; a run that loses more ends with exit code 1."""

    max_bits: float = Field(gt=0, allow_inf_nan=False)
    """Bits per character of `held_out.general` that the model handed over may have more than its
    base."""
