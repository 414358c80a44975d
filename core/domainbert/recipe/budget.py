"""`--budget`: how long to train, in whichever unit comes to mind."""

from __future__ import annotations

import re

from domainbert.errors import RecipeError

BUDGET_KEYS = ("steps", "epochs", "tokens", "minutes")
"""Keys of `train:` that say how long; a recipe has one of them."""

_WRITTEN = re.compile(r"(\d+(?:\.\d+)?) ?([A-Za-z]*)", re.ASCII)
_THOUSANDS = {"k": 10**3, "K": 10**3, "M": 10**6, "B": 10**9}
_UNITS: dict[str, tuple[str, float]] = {
    **dict.fromkeys(("", "step", "steps"), ("steps", 1)),
    **dict.fromkeys(("epoch", "epochs"), ("epochs", 1)),
    **{
        short + word: ("tokens", factor)
        for short, factor in {"": 1, **_THOUSANDS}.items()
        for word in ("", "token", "tokens")
        if short + word
    },
    **dict.fromkeys(("m", "min"), ("minutes", 1)),
    "h": ("minutes", 60),
    "d": ("minutes", 24 * 60),
}


def parse_budget(text: str) -> tuple[str, int | float]:
    """Return the key of `train:` and its value.

    >>> parse_budget("1.5M")
    ('tokens', 1500000)

    Args:
        text: Such as `500`, `2epochs`, `3M` (tokens) or `30m` (minutes).

    Raises:
        RecipeError: It is none of these.
    """
    found = _WRITTEN.fullmatch(text.strip())
    key, factor = _UNITS.get(found[2], ("", 0)) if found else ("", 0)
    value = float(found[1]) * factor if found else 0.0
    whole = key in {"epochs", "minutes"} or value.is_integer()
    if not key or not value or not whole:
        raise RecipeError(
            f"--budget {text}: expected steps (500), epochs (2epochs), tokens (500k, 3M) or time "
            "(30m, 2h), more than none."
        )
    return key, value if key in {"epochs", "minutes"} else int(value)
