"""From YAML and `--set` values to a recipe, or to one line for each problem."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel, ValidationError

from domainbert.errors import RecipeError
from domainbert.recipe import Recipe
from domainbert.yamlfile import Location, YamlFile, parse_yaml

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails


def validate_recipe(source: YamlFile, overrides: tuple[str, ...] = ()) -> Recipe:
    """Apply `--set` values to parsed YAML and validate the whole.

    Args:
        source: The parsed file.
        overrides: `a.b=c` strings; `c` is read as YAML, list items by number (`tasks.0.name=x`).

    Raises:
        RecipeError: All problems at once, each with file:line and key.
    """
    data = source.data
    origins: dict[Location, str] = {}
    for override in overrides:
        location, value = _parse_override(override)
        data = _with_value(data, location, value, override)
        origins[tuple(map(str, location))] = override
    try:
        return Recipe.model_validate(data)
    except ValidationError as error:
        details = error.errors()
        problems = [
            _problem(detail, source, origins)
            for detail in details
            # An item that is not valid makes its list look too short as well.
            if not (detail["type"] == "too_short" and detail["input"])
        ]
        raise RecipeError("\n".join(dict.fromkeys(problems))) from None


def _parse_override(override: str) -> tuple[Location, Any]:
    key, equals, text = override.partition("=")
    if not equals or not key.strip():
        raise RecipeError(f"--set {override}: expected KEY=VALUE, such as train.steps=500.")
    value = parse_yaml(f"value: {text}", f"--set {override}").data.get("value")
    parts = key.strip().split(".")
    return tuple(int(part) if part.isascii() and part.isdigit() else part for part in parts), value


def _with_value(
    data: Any, location: Location, value: Any, override: str, above: Location = ()
) -> Any:
    if not location:
        return value
    head, rest = location[0], location[1:]
    if isinstance(data, str) and (above == ("base",) or above[:-1] == ("tasks",)):
        data = {"source" if above == ("base",) else "name": data}  # written short
    here = (*above, head)
    if isinstance(data, list):
        if not isinstance(head, int) or head >= len(data):
            raise RecipeError(f"--set {override}: no item {head!r}; the list has {len(data)}.")
        return [
            _with_value(item, rest, value, override, here) if i == head else item
            for i, item in enumerate(data)
        ]
    if data is None:
        data = {}
    if not isinstance(data, dict):
        raise RecipeError(f"--set {override}: {head!r} is inside a value that has no keys.")
    key = str(head)
    return {**data, key: _with_value(data.get(key), rest, value, override, here)}


def _problem(detail: ErrorDetails, source: YamlFile, origins: dict[Location, str]) -> str:
    location = tuple(detail["loc"])
    words = tuple(map(str, location))
    overridden = [
        text
        for at, text in origins.items()
        if words[: len(at)] == at or (at[: len(words)] == words and location not in source.lines)
    ]
    where = f"--set {overridden[-1]}" if overridden else source.where(location)
    return f"{where}: {_explain(detail, location)}"


def _explain(detail: ErrorDetails, location: Location) -> str:
    kind, given = detail["type"], detail.get("input")
    if kind == "extra_forbidden":
        return f"unknown key.{_suggestion(location)}"
    if kind == "missing":
        return "missing; it has no default."
    message = detail["msg"].removeprefix("Value error, ")
    message = message[0].lower() + message[1:]
    if kind == "string_type" and isinstance(given, bool):
        return f"{message}; YAML reads yes, no, on and off as booleans: put the word in quotes."
    if kind in {"value_error", "missing"} or isinstance(given, dict | list):
        return f"{message}."
    return f"{message}, found {given!r}."


def _suggestion(location: Location) -> str:
    siblings = _keys_beside(location)
    close = difflib.get_close_matches(str(location[-1]), siblings, n=1)
    if close:
        return f" Did you mean {close[0]!r}?"
    return f" Known keys here: {', '.join(siblings)}."


def _keys_beside(location: Location) -> list[str]:
    model: type[BaseModel] = Recipe
    for part in location[:-1]:
        if isinstance(part, str) and part in model.model_fields:
            model = _section_of(model.model_fields[part].annotation) or model
    return [field.alias or name for name, field in model.model_fields.items()]


def _section_of(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_section_of, get_args(annotation))), None)
