"""Where each value of a resolved recipe comes from, and what differs between two of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from domainbert.recipe.schema import Recipe
from domainbert.recipe.yaml import Location, YamlFile, dotted

_SHOWN = 5


def find_origins(
    recipe: Recipe, source: YamlFile, words: Mapping[Location, str]
) -> dict[Location, str]:
    """Return `file:line`, the words of the command line, or `default` for each value.

    Args:
        recipe: Valid.
        source: The file.
        words: `--set …` or `--budget …` by location, all parts as text.
    """
    origins = {}
    for location, _ in leaves(recipe.model_dump(mode="json")):
        parts = tuple(map(str, location))
        overrides = [text for at, text in words.items() if parts[: len(at)] == at]
        if not _is_given(recipe, location):
            origins[location] = "default"
        else:
            origins[location] = overrides[-1] if overrides else source.line(location)
    return origins


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


def _is_given(value: Any, location: Location) -> bool:
    """Return whether a value was written, in the file or on the command line."""
    for part in location:
        if isinstance(value, BaseModel):
            if part in type(value).model_fields and part not in value.model_fields_set:
                return False
            value = getattr(value, str(part), None)
        else:
            value = value[part]
    return True
