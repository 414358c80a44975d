"""The single values inside nested ones, and what differs between two of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from domainbert.recipe.yaml import Location, dotted

_SHOWN = 5

DEFAULT = "default"
"""Origin of a value that nobody gave."""


def leaves(value: Any, at: Location = ()) -> Iterator[tuple[Location, Any]]:
    """Yield each value that holds no others, or is an empty list or mapping, with its location."""
    if not value or not isinstance(value, dict | list):
        yield at, value
        return
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        yield from leaves(inner, (*at, key))


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """Return `KEY: OLD → NEW, …` for nested JSON values that differ, the first few of them."""
    old, new = ({dotted(at): value for at, value in leaves(side)} for side in (before, after))
    keys = [key for key in {**old, **new} if old.get(key) != new.get(key)]
    shown = [f"{key}: {old.get(key)!r} → {new.get(key)!r}" for key in keys[:_SHOWN]]
    more = [f"{len(keys) - _SHOWN} more"] if len(keys) > _SHOWN else []
    return ", ".join(shown + more)
