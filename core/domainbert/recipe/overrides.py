"""Values of a recipe that come from the command line: `--set` and `--budget`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from domainbert.errors import RecipeError
from domainbert.recipe.budget import BUDGET_KEYS, parse_budget
from domainbert.recipe.yaml import Location, parse_yaml


@dataclass(frozen=True)
class Override:
    """One value.

    Args:
        location: Where it goes; a number is the place in a list.
        value: Plain.
        told: What the user wrote, such as `--set train.steps=500`.
    """

    location: Location
    value: Any
    told: str


def parse_setting(text: str) -> Override:
    """Read `KEY=VALUE`; the value is YAML.

    Raises:
        RecipeError: It is something else.
    """
    key, equals, value = text.partition("=")
    told = f"--set {text}"
    if not equals or not key.strip():
        raise RecipeError(f"{told}: expected KEY=VALUE, such as train.steps=500.")
    parts = key.strip().split(".")
    return Override(
        tuple(int(part) if part.isascii() and part.isdigit() else part for part in parts),
        parse_yaml(f"value: {value}", told).data.get("value"),
        told,
    )


def budget_overrides(text: str, data: dict[str, Any]) -> list[Override]:
    """Return what a budget sets, and that it takes the place of the recipe's own.

    Args:
        text: As the user wrote it.
        data: The recipe.

    Raises:
        RecipeError: It is no budget.
    """
    chosen, value = parse_budget(text)
    train = data.get("train")
    given = train if isinstance(train, dict) else {}
    told = f"--budget {text}"
    replaced = [key for key in BUDGET_KEYS if key in given and key != chosen]
    return [
        *(Override(("train", key), None, told) for key in replaced),
        Override(("train", chosen), value, told),
    ]


def apply_override(data: Any, override: Override, above: Location = ()) -> Any:
    """Return the data with a value replaced.

    Raises:
        RecipeError: There is no such place.
    """
    rest = override.location[len(above) :]
    if not rest:
        return override.value
    head = rest[0]
    if isinstance(data, str) and (short := short_key(above)):
        data = {short: data}
    here = (*above, head)
    if isinstance(data, list):
        if not isinstance(head, int) or head >= len(data):
            raise RecipeError(f"{override.told}: no item {head!r}; the list has {len(data)}.")
        return [
            apply_override(item, override, here) if i == head else item
            for i, item in enumerate(data)
        ]
    if data is None:
        data = {}
    if not isinstance(data, dict):
        raise RecipeError(f"{override.told}: {head!r} is inside a value that has no keys.")
    key = str(head)
    return {**data, key: apply_override(data.get(key), override, here)}


def short_key(location: Location) -> str | None:
    """Return the key that a plain text at this place is short for, as `base: bert` for `source`."""
    if location == ("base",):
        return "source"
    return "name" if location[:-1] == ("tasks",) else None
