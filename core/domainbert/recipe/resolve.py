"""From YAML and `--set` values to a recipe, or to one line for each problem."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from domainbert.errors import PluginError, RecipeError, did_you_mean
from domainbert.plugin.components import Baseline, Objective, TaskKind
from domainbert.plugin.registry import Registry, component
from domainbert.plugin.steps import CorpusReader, CorpusStep
from domainbert.recipe.budget import BUDGET_KEYS, parse_budget
from domainbert.recipe.origins import DEFAULT, leaves
from domainbert.recipe.schema import Recipe
from domainbert.recipe.sections import Section, name_of
from domainbert.recipe.yaml import MAX_DEPTH, Location, YamlFile, dotted, parse_yaml, read_yaml

RENAMED = {
    "heldout": "held_out", "mask_rate": "mlm_probability", "max_length": "max_seq_length",
    "warmup": "warmup_ratio", "schedule": "lr_scheduler", "max_gradient_norm": "max_grad_norm",
    "layer_rate_decay": "layerwise_lr_decay", "checkpoint_steps": "save_steps",
    "keep_checkpoints": "save_total_limit", "log_steps": "logging_steps",
    "compile": "torch_compile",
}  # fmt: skip
"""New name of each key that was renamed, for the hint in the error."""
REMOVED = {"packing": "sequences are always packed", "head_learning_rate": "it is always 1e-3"}
"""Keys of `train:` that were removed, and why."""


R = TypeVar("R", bound=Section)
_INDEX, _SHOWN = re.compile(r"[0-9]{1,6}"), 80


def load_recipe(source: Path | str, settings: tuple[str, ...] = ()) -> Recipe:
    """Return the valid recipe of a file, with `a.b=c` overrides applied.

    Raises:
        RecipeError: Everything wrong with the file, one line per problem.
    """
    return resolve_recipe(read_yaml(Path(source)), settings)[0]


def resolve_recipe(
    source: YamlFile, settings: tuple[str, ...] = ()
) -> tuple[Recipe, dict[Location, str]]:
    """Return the valid recipe, and `file:line`, `--set …` or `default` per value.

    Args:
        source: The parsed file.
        settings: `a.b=c` strings; `c` is read as YAML, list items by number (`tasks.0.name=x`).
            `budget=30m` takes the place of `train.steps` and its like.

    Raises:
        RecipeError: All problems at once, each with file:line and key.
    """
    recipe, words = resolve(Recipe, source, settings)
    return recipe, _origins(recipe, source, words)


def resolve(
    model: type[R], source: YamlFile, settings: tuple[str, ...]
) -> tuple[R, dict[Location, str]]:
    """Return a valid recipe of a kind, and the setting that gave a value, by location.

    Raises:
        RecipeError: All problems at once, each with file:line and key.
    """
    data: Any = source.data
    words: dict[Location, str] = {}
    for setting in settings:
        for location, value in _parse_setting(setting):
            data = _replaced(data, location, value, _shown(setting))
            words[tuple(map(str, location))] = _shown(setting)
    if isinstance(data, dict) and source.path.endswith((".yaml", ".yml")):
        data = {"name": name_of(source.path), **data}
    try:
        return model.model_validate(data), words
    except ValidationError as error:
        # An item that is not valid makes its list look too short as well.
        details = [d for d in error.errors() if d["type"] != "too_short" or not d["input"]]
        problems = dict.fromkeys(_problem(detail, source, words) for detail in details)
        raise RecipeError("\n".join(problems)) from None


def _origins(
    recipe: Recipe, source: YamlFile, words: Mapping[Location, str]
) -> dict[Location, str]:
    given = dict(leaves(recipe.model_dump(mode="json", exclude_unset=True)))
    origins = dict.fromkeys((at for at, _ in leaves(recipe.model_dump(mode="json"))), DEFAULT)
    for location in origins.keys() & given.keys():
        parts = tuple(map(str, location))
        overrides = [text for at, text in words.items() if parts[: len(at)] == at]
        origins[location] = overrides[-1] if overrides else source.line(location)
    return origins


def _shown(setting: str) -> str:
    return f"--set {setting if len(setting) <= _SHOWN else setting[:_SHOWN] + '…'}"


def _parse_setting(text: str) -> list[tuple[Location, Any]]:
    """Return the values that `KEY=VALUE` sets, by location; the value is YAML."""
    key, equals, value = text.partition("=")
    key = key.strip()
    if not equals or not key:
        raise RecipeError(f"--set {text}: expected KEY=VALUE, such as train.steps=500.")
    if key == "budget":
        budget = dict.fromkeys(BUDGET_KEYS) | dict([parse_budget(value)])
        return [(("train", name), number) for name, number in budget.items()]
    shown = _shown(text)
    parts = [int(p) if _INDEX.fullmatch(p) else p for p in key.split(".")]
    if len(parts) > MAX_DEPTH:
        raise RecipeError(f"{shown}: {len(parts)} keys deep; a recipe has at most {MAX_DEPTH}.")
    data = parse_yaml(f"value: {value}", shown).data
    if set(data) != {"value"}:
        raise RecipeError(f"{shown}: sets several keys; give each its own --set.")
    return [(tuple(parts), data["value"])]


def _replaced(data: Any, rest: Location, value: Any, words: str, above: Location = ()) -> Any:
    """Return the data at the location `above` with the value at `rest` below it replaced."""
    if not rest:
        return value
    key, below, here = rest[0], rest[1:], (*above, rest[0])
    if isinstance(data, str) and (above == ("base",) or above[:-1] == ("tasks",)):
        data = {"source" if above == ("base",) else "name": data}
    if isinstance(data, list):
        if not isinstance(key, int) or key >= len(data):
            raise RecipeError(f"{words}: no item {key!r}; the list has {len(data)}.")
        return [*data[:key], _replaced(data[key], below, value, words, here), *data[key + 1 :]]
    if not isinstance(data, dict | None):
        raise RecipeError(f"{words}: {key!r} is inside a value that has no keys.")
    data = data or {}
    return {**data, str(key): _replaced(data.get(str(key)), below, value, words, here)}


def _problem(detail: Any, source: YamlFile, words: Mapping[Location, str]) -> str:
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


def _explain(detail: Any, location: Location) -> str:
    kind, given = detail["type"], detail.get("input")
    if kind == "extra_forbidden":
        return f"unknown key.{_suggestion(location)}"
    if kind == "missing":
        return "missing; it has no default."
    message = detail["msg"].removeprefix("Value error, ")
    message = message[0].lower() + message[1:]
    if kind == "string_type" and isinstance(given, bool):
        return f"{message}; put the word {str(given).lower()} in quotes if it is text."
    if isinstance(given, str) and len(given) > _SHOWN:
        given = given[:_SHOWN] + "…"
    shown = kind != "value_error" and not isinstance(given, dict | list)
    return f"{message}, found {given!r}." if shown else f"{message}."


def _suggestion(location: Location) -> str:
    model: type[BaseModel] = Recipe
    for part in location[:-1]:
        if isinstance(part, str) and part in model.model_fields:
            model = _section_of(model.model_fields[part].annotation) or model
    keys = [field.alias or name for name, field in model.model_fields.items()]
    key = str(location[-1])
    if location[:-1] == ("train",) and key in REMOVED:
        return f" It was removed: {REMOVED[key]}."
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
    problems = [
        f"corpus.{number}.name: {_where(recipe.domain)} has no corpus {section.name!r}."
        for number, section in enumerate(recipe.corpus)
        if section.name not in {None, *corpora}
    ]
    named = [(f"corpus.{n}", recipe.domain, each.task) for n, each in enumerate(recipe.corpus)]
    named += [
        (f"tasks.{number}", section.domain or recipe.domain, name)
        for number, section in enumerate(recipe.tasks)
        for name in (section.name, section.test_on)
        if section.kind is None
    ]
    for key, of, name in named:
        tasks = {task.name for task in registry.domain(of).tasks} if of else set()
        if name not in {None, *tasks}:
            problems.append(f"{key}: {_where(of)} has no task {name!r}.")
    problems += _unknown_components(recipe)
    if problems:
        raise RecipeError("\n".join(problems))


def _where(domain: str | None) -> str:
    return f"domain {domain!r}" if domain else "a recipe without `domain:`"


def _unknown_components(recipe: Recipe) -> list[str]:
    """Return a line for each component that the recipe names and no plugin provides."""
    named: list[tuple[str, type[Any], str]] = [
        *((f"corpus_steps.{n}", CorpusStep, step if isinstance(step, str) else step.name)
          for n, step in enumerate(recipe.corpus_steps)),
        *((f"corpus.{n}.format", CorpusReader, section.format)
          for n, section in enumerate(recipe.corpus) if section.format),
        *(("train.objectives", Objective, name) for name in recipe.train.loss_weights),
        *(("evaluate.baselines", Baseline, name) for name in recipe.evaluate.baseline_names),
    ]  # fmt: skip
    for number, task in enumerate(recipe.tasks):
        key = f"tasks.{number}"
        named += [(f"{key}.kind", TaskKind, task.kind)] if task.kind else []
        named += [(f"{key}.baselines", Baseline, name) for name in task.baselines]
    problems = []
    for key, kind, name in named:
        try:
            component(kind, name)
        except PluginError as error:
            problems.append(f"{key}: {error}")
    return problems
