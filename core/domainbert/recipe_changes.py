"""What a recipe says otherwise than the one that a run folder was made by."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from domainbert.recipe import Recipe

_SHOWN = 5


def changes(path: Path, recipe: Recipe) -> str:
    """Return `; changed: KEY: OLD → NEW, …`, or nothing if that cannot be told.

    Args:
        path: The resolved recipe of a run.
        recipe: The other one.
    """
    try:
        before = _flat(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, yaml.YAMLError, RecursionError):
        return ""
    after = _flat(recipe.model_dump(mode="json"))
    keys = [key for key in {**before, **after} if before.get(key) != after.get(key)]
    shown = [f"{key}: {before.get(key)!r} → {after.get(key)!r}" for key in keys[:_SHOWN]]
    more = [f"{len(keys) - _SHOWN} more"] if len(keys) > _SHOWN else []
    return "; changed: " + ", ".join(shown + more) if keys else ""


def _flat(value: Any, key: str = "") -> dict[str, Any]:
    """Return the leaves of nested mappings and lists by dotted key."""
    if isinstance(value, dict | list) and value:
        items = value.items() if isinstance(value, dict) else enumerate(value)
        prefix = f"{key}." if key else ""
        return {k: v for name, part in items for k, v in _flat(part, f"{prefix}{name}").items()}
    return {key: value}
