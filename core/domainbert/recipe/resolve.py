"""From YAML and `--set` values to a recipe, or to one line for each problem."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel, ValidationError

from domainbert.errors import RecipeError
from domainbert.plugin.registry import Registry
from domainbert.recipe.origins import find_origins
from domainbert.recipe.overrides import apply_override, budget_overrides, parse_setting
from domainbert.recipe.schema import Recipe
from domainbert.recipe.yaml import Location, YamlFile, dotted, read_yaml

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails


@dataclass(frozen=True)
class Resolved:
    """A recipe, and where each of its values comes from.

    Args:
        recipe: Valid.
        origins: `file:line`, `--set …`, `--budget …` or `default` for each value.
    """

    recipe: Recipe
    origins: dict[Location, str]


def resolve_recipe(
    source: YamlFile, settings: tuple[str, ...] = (), budget: str | None = None
) -> Resolved:
    """Apply `--set` values and `--budget` to parsed YAML and validate the whole.

    Args:
        source: The parsed file.
        settings: `a.b=c` strings; `c` is read as YAML, list items by number (`tasks.0.name=x`).
        budget: Takes the place of `train.steps` and its like.

    Raises:
        RecipeError: All problems at once, each with file:line and key.
    """
    data = source.data
    told: dict[Location, str] = {}
    overrides = [parse_setting(setting) for setting in settings]
    overrides += budget_overrides(budget, data) if budget is not None else []
    for override in overrides:
        data = apply_override(data, override)
        told[tuple(map(str, override.location))] = override.told
    try:
        recipe = Recipe.model_validate(data)
    except ValidationError as error:
        details = error.errors()
        problems = [
            _problem(detail, source, told)
            for detail in details
            # An item that is not valid makes its list look too short as well.
            if not (detail["type"] == "too_short" and detail["input"])
        ]
        raise RecipeError("\n".join(dict.fromkeys(problems))) from None
    return Resolved(recipe, find_origins(recipe, data, source, told))


def validate_recipe(source: YamlFile, settings: tuple[str, ...] = ()) -> Recipe:
    """Apply `--set` values to parsed YAML and validate the whole; see `resolve_recipe`."""
    return resolve_recipe(source, settings).recipe


def _problem(detail: ErrorDetails, source: YamlFile, told: dict[Location, str]) -> str:
    location = tuple(detail["loc"])
    words = tuple(map(str, location))
    overridden = [
        # A value with keys of its own has to be told which of them is meant.
        f"{text}: {dotted(location)}" if len(words) > len(at) else text
        for at, text in told.items()
        if words[: len(at)] == at or (at[: len(words)] == words and location not in source.lines)
    ]
    where = overridden[-1] if overridden else source.where(location)
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


def check_names(recipe: Recipe, registry: Registry) -> None:
    """Check domain, corpus and task names without opening any file.

    Raises:
        PluginError: The domain is not installed.
        RecipeError: Every name that does not exist, one line each.
    """
    domain = registry.domain(recipe.domain) if recipe.domain else None
    corpora = {corpus.name for corpus in domain.corpora} if domain else set()
    tasks = {task.name for task in domain.tasks} if domain else set()
    where = f"domain {recipe.domain!r}" if domain else "a recipe without `domain:`"
    problems = [
        f"corpus.{number}.name: {where} has no corpus {section.name!r}."
        for number, section in enumerate(recipe.corpus)
        if section.name is not None and section.name not in corpora
    ]
    problems += [
        f"tasks.{number}: {where} has no task {section.name!r}."
        for number, section in enumerate(recipe.tasks)
        if section.kind is None and section.name not in tasks
    ]
    if problems:
        raise RecipeError("\n".join(problems))


def load_recipe(source: Path | str, settings: tuple[str, ...] = ()) -> Recipe:
    """Read a recipe file, apply `a.b=c` overrides and validate.

    Raises:
        RecipeError: Everything wrong with the file, one line a problem.
    """
    return validate_recipe(read_yaml(Path(source)), settings)
