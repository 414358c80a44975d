"""`--set budget=30m`: how long to train, in steps, epochs, tokens or time."""

from __future__ import annotations

import re

from domainbert.errors import RecipeError

BUDGET_KEYS = ("steps", "epochs", "tokens", "minutes")
"""Keys of `train:` that say how long; a recipe has one of them."""

_WRITTEN = re.compile(r"(\d+(?:\.\d+)?) ?([A-Za-z]*)", re.ASCII)
_ENDING = re.compile(r"(?<=[kKMB])tokens?$|(?<=step|poch|oken)s$")
_UNITS: dict[str, tuple[str, float]] = {
    "": ("steps", 1), "step": ("steps", 1), "epoch": ("epochs", 1), "token": ("tokens", 1),
    "k": ("tokens", 1e3), "K": ("tokens", 1e3), "M": ("tokens", 1e6), "B": ("tokens", 1e9),
    "m": ("minutes", 1), "min": ("minutes", 1), "h": ("minutes", 60), "d": ("minutes", 24 * 60),
}  # fmt: skip


def parse_budget(text: str) -> tuple[str, int | float]:
    """Return the key of `train:` and its value.

    >>> parse_budget("1.5M")
    ('tokens', 1500000)

    Args:
        text: Such as `500`, `2epochs`, `3M` (tokens) or `30m` (minutes).

    Raises:
        RecipeError: It is none of these.
    """
    match = _WRITTEN.fullmatch(text.strip())
    key, factor = _UNITS.get(_ENDING.sub("", match[2]), ("", 0)) if match else ("", 0)
    value = float(match[1]) * factor if match else 0.0
    parts = key in {"epochs", "minutes"}
    if not value or not (parts or value.is_integer()):
        wanted = "steps (500), epochs (2epochs), tokens (500k, 3M) or time (30m, 2h)"
        raise RecipeError(f"--set budget={text}: expected {wanted}, more than none.")
    return key, value if parts else int(value)
