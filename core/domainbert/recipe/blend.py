"""The recipe's section `blend:`."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from domainbert.recipe.sections import EachOnce, Section, no_truth_value

_LAST = re.compile(r"last-([2-9]|[1-9]\d{1,5})")


def _choice(value: Any) -> Any:
    """Refuse a choice that is neither a rule nor a number, before pydantic tries both."""
    if isinstance(value, str) and value not in {"validation", "bits"}:
        raise ValueError("expected `validation`, `bits` or a number from 0 to 1")
    return value


def _average(value: Any) -> Any:
    if isinstance(value, str) and (value in {"none", "ema"} or _LAST.fullmatch(value)):
        return value
    raise ValueError("expected `none`, `ema`, or `last-K` with K from 2, such as last-3")


def _short(value: float) -> float:
    """Return α without the sign of zero; files are called after it, so it has few digits."""
    if round(value, 4) != value:
        raise ValueError("four decimals at most")
    return value + 0.0


Alpha = Annotated[
    float, Field(ge=0, le=1, allow_inf_nan=False), BeforeValidator(no_truth_value),
    AfterValidator(_short),
]  # fmt: skip


class BlendSection(Section):
    """The model between base and end of training that is handed over; absent, the end of training.

    Its weights are (1 − α)·base + α·adapted.
    """

    points: Annotated[tuple[Alpha, ...], EachOnce] = Field(default=(0.25, 0.5, 0.75), min_length=1)
    """Values of α to measure, beside 0 and 1."""
    choose: Annotated[Literal["validation", "bits"] | Alpha, BeforeValidator(_choice)] = (
        "validation"
    )
    """`validation`: of `points` and 1, the α whose trials do best on the validation splits of the
    tasks. `bits`: the largest α that keeps general text within `budget`. A number: this α."""
    budget: float = Field(default=0.1, ge=0, allow_inf_nan=False)
    """With `choose: bits`: bits per character of the general text that α may cost."""
    average: Annotated[str, BeforeValidator(_average)] = "none"
    """What lies at α = 1: the end of training, the mean of its last K checkpoints (`last-K`), or
    their exponential mean, in which each counts twice as much as the one before (`ema`, over
    `train.save_total_limit` of them)."""

    def checkpoints(self, limit: int) -> int:
        """Return how many checkpoints are averaged; 0 for none.

        Args:
            limit: `train.save_total_limit`.
        """
        if self.average == "none":
            return 0
        last = _LAST.fullmatch(self.average)
        return int(last[1]) if last else max(2, limit)
