"""From YAML and `--set` values to a recipe, or to one line for each problem."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel, ValidationError

from domainbert.errors import RecipeError, did_you_mean
from domainbert.plugin.registry import Registry
from domainbert.recipe.origins import find_origins
from domainbert.recipe.overrides import apply_override, budget_overrides, parse_setting
from domainbert.recipe.schema import Recipe
from domainbert.recipe.yaml import Location, YamlFile, dotted, read_yaml

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

RENAMED = {
    "heldout": "held_out",
    "mask_rate": "mlm_probability",
    "max_length": "max_seq_length",
    "warmup": "warmup_ratio",
    "schedule": "lr_scheduler",
    "max_gradient_norm": "max_grad_norm",
    "layer_rate_decay": "layerwise_lr_decay",
    "checkpoint_steps": "save_steps",
    "keep_checkpoints": "save_total_limit",
    "log_steps": "logging_steps",
    "compile": "torch_compile",
}
"""New name of each key that was renamed, for the hint in the error."""


def load_recipe(source: Path | str, settings: tuple[str, ...] = ()) -> Recipe:
    """Return the valid recipe of a file, with `a.b=c` overrides applied.

    Raises:
        RecipeError: Everything wrong with the file, one line per problem.
    """
    return resolve_recipe(read_yaml(Path(source)), settings)[0]


def resolve_recipe(
    source: YamlFile, settings: tuple[str, ...] = (), budget: str | None = None
) -> tuple[Recipe, dict[Location, str]]:
    """Return the valid recipe, and `file:line`, `--set …`, `--budget …` or `default` per value.

    Args:
        source: The parsed file.
        settings: `a.b=c` strings; `c` is read as YAML, list items by number (`tasks.0.name=x`).
        budget: Takes the place of `train.steps` and its like.

    Raises:
        RecipeError: All problems at once, each with file:line and key.
    """
    data = source.data
    overrides = [parse_setting(setting) for setting in settings]
    overrides += budget_overrides(budget, data) if budget is not None else []
    for override in overrides:
        data = apply_override(data, override)
    words: dict[Location, str] = {tuple(map(str, at)): text for at, _, text in overrides}
    try:
        recipe = Recipe.model_validate(data)
    except ValidationError as error:
        problems = [
            _problem(detail, source, words)
            for detail in error.errors()
            # An item that is not valid makes its list look too short as well.
            if not (detail["type"] == "too_short" and detail["input"])
        ]
        raise RecipeError("\n".join(dict.fromkeys(problems))) from None
    return recipe, find_origins(recipe, source, words)


def _problem(detail: ErrorDetails, source: YamlFile, words: Mapping[Location, str]) -> str:
    location = tuple(detail["loc"])
    parts = tuple(map(str, location))
    overridden = [
        # A value with keys inside: the message has to say which of them is wrong.
        f"{text}: {dotted(location)}" if len(parts) > len(at) else text
        for at, text in words.items()
        if parts[: len(at)] == at or (at[: len(parts)] == parts and location not in source.lines)
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
    if kind == "value_error" or isinstance(given, dict | list):
        return f"{message}."
    return f"{message}, found {given!r}."


def _suggestion(location: Location) -> str:
    model: type[BaseModel] = Recipe
    for part in location[:-1]:
        if isinstance(part, str) and part in model.model_fields:
            model = _section_of(model.model_fields[part].annotation) or model
    keys = [field.alias or name for name, field in model.model_fields.items()]
    key = str(location[-1])
    new = RENAMED.get(key)
    hint = f" Did you mean {new!r}?" if new in keys else did_you_mean(key, keys)
    return hint or f" Known keys here: {', '.join(keys)}."


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
