"""Values of a recipe that come from the command line: `--set` and `--budget`."""

from __future__ import annotations

from typing import Any

from domainbert.errors import RecipeError
from domainbert.recipe.budget import BUDGET_KEYS, parse_budget
from domainbert.recipe.yaml import Location, parse_yaml

Override = tuple[Location, Any, str]
"""Location, plain value, and the words that set it, such as `--set train.steps=500`."""


def parse_setting(text: str) -> Override:
    """Return the override that `KEY=VALUE` stands for; the value is YAML.

    Raises:
        RecipeError: The text has another form.
    """
    key, equals, value = text.partition("=")
    words = f"--set {text}"
    if not equals or not key.strip():
        raise RecipeError(f"{words}: expected KEY=VALUE, such as train.steps=500.")
    parts = key.strip().split(".")
    location = tuple(int(part) if part.isascii() and part.isdigit() else part for part in parts)
    return location, parse_yaml(f"value: {value}", words).data.get("value"), words


def budget_overrides(text: str, data: dict[str, Any]) -> list[Override]:
    """Return the override of a budget, and those that clear the recipe's own budget.

    Args:
        text: As the user wrote it.
        data: The recipe.

    Raises:
        RecipeError: It is no budget.
    """
    key, value = parse_budget(text)
    train = data.get("train")
    replaced = set(BUDGET_KEYS) & set(train if isinstance(train, dict) else ()) - {key}
    values = dict.fromkeys(replaced) | {key: value}
    return [(("train", name), number, f"--budget {text}") for name, number in values.items()]


def apply_override(data: Any, override: Override, depth: int = 0) -> Any:
    """Return the data with a value replaced.

    Args:
        data: What is at the location down to `depth`.
        override: The location is that in the whole recipe.
        depth: Parts of the location that lead to `data`.

    Raises:
        RecipeError: There is no such place.
    """
    location, value, words = override
    if depth == len(location):
        return value
    key = location[depth]
    if isinstance(data, str) and (short := _short_key(location[:depth])):
        data = {short: data}
    if isinstance(data, list):
        if not isinstance(key, int) or key >= len(data):
            raise RecipeError(f"{words}: no item {key!r}; the list has {len(data)}.")
        return [*data[:key], apply_override(data[key], override, depth + 1), *data[key + 1 :]]
    if not isinstance(data, dict | None):
        raise RecipeError(f"{words}: {key!r} is inside a value that has no keys.")
    data = data or {}
    return {**data, str(key): apply_override(data.get(str(key)), override, depth + 1)}


def _short_key(location: Location) -> str | None:
    """Return the key that plain text at a location stands for, as `base: bert` for `source`."""
    if location == ("base",):
        return "source"
    return "name" if location[:-1] == ("tasks",) else None
