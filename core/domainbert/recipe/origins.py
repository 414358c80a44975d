"""Where each value of a resolved recipe comes from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from domainbert.recipe.overrides import short_key
from domainbert.recipe.schema import Recipe
from domainbert.recipe.yaml import Location, YamlFile

DEFAULT = "default"


def find_origins(
    recipe: Recipe, data: dict[str, Any], source: YamlFile, told: dict[Location, str]
) -> dict[Location, str]:
    """Return `file:line`, what the user wrote on the command line, or `default`, for each value.

    Args:
        recipe: Valid.
        data: What it was made of.
        source: The file.
        told: What was written on the command line, by location as words.
    """
    origins = {}
    for location, _ in leaves(recipe.model_dump(mode="json")):
        given = _given(data, location)
        words = tuple(map(str, location))
        said = [text for at, text in told.items() if words[: len(at)] == at]
        if given is None:
            origins[location] = DEFAULT
        elif said:
            origins[location] = said[-1]
        else:
            origins[location] = source.line(given)
    return origins


def leaves(value: Any, at: Location = ()) -> Iterator[tuple[Location, Any]]:
    """Yield each value that holds no others, or is an empty list or mapping, with its location."""
    if not value or not isinstance(value, dict | list):
        yield at, value
        return
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        yield from leaves(inner, (*at, key))


def _given(data: Any, location: Location) -> Location | None:
    """Return where a value was written, itself or in short; None if it was not."""
    for depth, part in enumerate(location):
        above = location[:depth]
        if isinstance(data, str):
            return above if part == short_key(above) else None
        inside = isinstance(data, dict) and part in data
        if not inside and not (isinstance(data, list) and isinstance(part, int)):
            return None
        data = data[part]
    return location


_SHOWN = 5


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """Return `KEY: OLD → NEW, …` for nested JSON values that differ, the first few of them."""
    old, new = _flat(before), _flat(after)
    keys = [key for key in {**old, **new} if old.get(key) != new.get(key)]
    shown = [f"{key}: {old.get(key)!r} → {new.get(key)!r}" for key in keys[:_SHOWN]]
    more = [f"{len(keys) - _SHOWN} more"] if len(keys) > _SHOWN else []
    return ", ".join(shown + more)


def _flat(value: Any, key: str = "") -> dict[str, Any]:
    """Return the leaves of nested mappings and lists by dotted key."""
    if isinstance(value, dict | list) and value:
        items = value.items() if isinstance(value, dict) else enumerate(value)
        prefix = f"{key}." if key else ""
        return {k: v for name, part in items for k, v in _flat(part, f"{prefix}{name}").items()}
    return {key: value}
