"""From the arguments of `domainbert evaluate` to models and tasks."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from domainbert.corpus.stats import contaminated
from domainbert.errors import RecipeError, RunFolderError
from domainbert.model.fresh import base_of
from domainbert.model.load import BaseFolder, find_base, public_name
from domainbert.pipeline.choose import Chosen, continue_run
from domainbert.pipeline.trial import ModelUnderTest
from domainbert.plugin.components import Baseline, LoadedTask
from domainbert.plugin.registry import Registry, components
from domainbert.recipe.evaluate import EvaluateSection
from domainbert.recipe.evaluation import resolve_evaluation
from domainbert.recipe.library import find_recipe
from domainbert.recipe.tasks import TaskSection
from domainbert.recipe.yaml import YamlFile, read_yaml
from domainbert.run.folder import RunFolder
from domainbert.run.resume_command import continue_command
from domainbert.run.stage import outputs_trouble, read_stage
from domainbert.stages.blend import Blend, read_blend
from domainbert.stages.corpus import MANIFEST
from domainbert.stages.held_out import read_measured
from domainbert.stages.pretrain import Trained, describe
from domainbert.storage.files import read_json_with_hash, sha256_of
from domainbert.storage.locate import known_commits


def find_others(targets: Sequence[str]) -> list[ModelUnderTest]:
    """Return further models of `domainbert evaluate`, each called after its run or folder.

    Args:
        targets: Finished runs, of which the model is taken that they hand over, or models.

    Raises:
        UserError: A model is missing or malformed.
    """
    models = []
    for target in targets:
        path = Path(target)
        is_run = RunFolder(path).lock.is_file()
        model = find_models(target, None, continue_run(path) if is_run else None)[-1]
        own = path.parent if RunFolder(path.parent).lock.is_file() else path
        models.append(replace(model, name=_plain((path if is_run else own).name)))
    return models


def check_rows(models: Sequence[ModelUnderTest], tasks: Sequence[LoadedTask]) -> None:
    """Refuse two models of one name, or one that is called as another row.

    Raises:
        RecipeError: With the name.
    """
    outside = [made.name for loaded in tasks for made in loaded.outside]
    names = [*components(Baseline), *dict.fromkeys(outside), *(model.name for model in models)]
    if twice := next((model.name for model in models if names.count(model.name) > 1), ""):
        raise RecipeError(f"{twice}: two rows of the table have this name. Rename the folder.")


def find_models(target: str, against: str | None, chosen: Chosen | None) -> list[ModelUnderTest]:
    """Return the models of `domainbert evaluate`, the one that is compared with first.

    Args:
        target: Run folder, or a model.
        against: Model to compare with; else the base of the run, if it is one.
        chosen: The recipe of the run.

    Raises:
        UserError: A model is missing or malformed.
    """
    first = [_model("base", find_base(against, Path()))] if against else []
    if chosen is None:
        return [*first, _model("adapted" if against else "model", find_base(target, Path()))]
    run = RunFolder(Path(target))
    if against is None:
        first = [
            _model("base", base_of(chosen.recipe, chosen.folder, commits=known_commits(run.lock)))
        ]
    again = continue_command(run.path, 1)
    if not run.model.is_dir():
        raise RunFolderError(f"{run.path}: has no model yet. Continue with: {again}")
    for name, folder in (("pretrain", run.adapted), ("blend", run.model)):
        if trouble := outputs_trouble(run.path / name):
            raise RunFolderError(f"{folder}: {trouble}. Restore it, or rebuild it with: {again}")
    stages = [read_stage(run.path / name) or {} for name in ("head", "pretrain")]
    done = [stage.get("result", {}) for stage in stages]
    tokens, seconds = (sum(each.get(key, 0) for each in done) for key in ("tokens", "seconds"))
    about = public_name(chosen.recipe.base.title), int(tokens), seconds / 60, _doubt(run, done)
    return [*first, *_own_models(run, about)]


def _own_models(run: RunFolder, about: tuple[str, int, float, str]) -> list[ModelUnderTest]:
    """Return the model at the end of training, and the one handed over if that is another."""
    written = read_stage(run.path / "blend")
    blend = read_blend(written["result"]) if written and written.get("done") else Blend()
    folders: dict[str, Path] = {"adapted": run.adapted if run.adapted.is_dir() else run.model}
    if not blend.is_adapted:
        folders["blend"] = run.model
    manifest = run.corpus / MANIFEST
    left_out = contaminated(read_json_with_hash(manifest)) if manifest.is_file() else None
    models = []
    for name, folder in folders.items():
        place = find_base(str(folder), Path())
        which = blend.name if name == "blend" else ""
        models.append(ModelUnderTest(name, place.folder, place.sha256, *about, which, left_out))
    return models


def _doubt(run: RunFolder, done: Sequence[Mapping[str, Any]]) -> str:
    """Return why scores of a run's model say nothing of its adaptation, or an empty string."""
    scores = [read_stage(run.path / "held-out" / name) or {} for name in ("base", "adapted")]
    if not all(score.get("done") for score in scores):
        return ""
    before, after = (read_measured(score["result"]) for score in scores)
    steps, skipped = sum(each.get("steps", 0) for each in done), dict[str, str]()
    for number, each in enumerate(done):
        skipped |= {f"{number}/{step}": why for step, why in each.get("skipped", {}).items()}
    return describe(before, after, False, Trained(Path(), steps, skipped=skipped)).doubt


def _model(name: str, place: BaseFolder) -> ModelUnderTest:
    return ModelUnderTest(name, place.folder, place.sha256, place.public_name)


DEFAULT_SEEDS = 5
"""Number of seeds of `domainbert evaluate`."""


@dataclass(frozen=True)
class Asked:
    """What `domainbert evaluate` was asked to do with the models.

    Args:
        sections: Tasks.
        settings: Of fine-tuning.
        domain: Name of the domain of the tasks.
        folder: Where relative paths of the tasks start.
        other: Short name of settings that are not those of a run or of the defaults; else empty.
    """

    sections: tuple[TaskSection, ...]
    settings: EvaluateSection
    domain: str | None
    folder: Path
    other: str = ""


@dataclass(frozen=True)
class Arguments:
    """Those of `domainbert evaluate` that say on which tasks and how; None for not given.

    Args:
        domain: Domain of the tasks.
        tasks: Names of tasks of it.
        recipe: File or library name of a recipe.
        words: Values of `--set`, as `evaluate.epochs=2`.
        seeds: Number of seeds.
        baselines: As `evaluate.baselines`.
    """

    domain: str | None = None
    tasks: Sequence[str] = ()
    recipe: str | None = None
    words: tuple[str, ...] = ()
    seeds: int | None = None
    baselines: bool | str | Sequence[str] | None = None


_SEEDS = re.compile(r"\s*evaluate(\.seeds\b|=.*\bseeds\b)")
# More seeds and other baselines only add trials, and what is kept changes none.
_OF_ANY_FOLDER: Any = {"title": True, "evaluate": {"seeds", "baselines", "keep"}}


def understand(given: Arguments, chosen: Chosen | None, registry: Registry) -> Asked:
    """Return tasks and settings: of a recipe, else of the run, else of the arguments alone.

    Args:
        given: The arguments.
        chosen: The recipe of the run, if the target is one.
        registry: Plugins.

    Raises:
        RecipeError: No task, a task without a domain, or a value that is not valid.
    """
    source, folder = _source(given, chosen, registry)
    for word in given.words:
        if not word.strip().startswith(("evaluate.", "tasks.", "tasks=", "evaluate=")):
            raise RecipeError(f"--set {word}: the models are there; set `evaluate.` or `tasks.`.")
    if given.domain is not None or given.tasks:
        domain = given.domain or source.data.get("domain")
        if given.tasks and domain is None:
            raise RecipeError("--task names a task of a domain: add --domain.")
        named = {"tasks": list(given.tasks)} if given.tasks else {}
        source = replace(source, data={**source.data, "domain": domain, **named})
    if not source.data.get("tasks"):
        raise RecipeError("No task to evaluate on: name one with --domain and --task.")
    recipe = resolve_evaluation(source, given.words)
    sets_seeds = any(_SEEDS.match(word) for word in given.words)
    seeds = given.seeds or (None if given.recipe or sets_seeds else DEFAULT_SEEDS)
    settings = _changed(recipe.evaluate, seeds, given.baselines)
    other = ""
    if given.recipe or given.words:
        key = recipe.model_dump(mode="json", exclude=_OF_ANY_FOLDER, exclude_defaults=True)
        other = f"{recipe.name}-{sha256_of(json.dumps(key, sort_keys=True))[:8]}"
    return Asked(recipe.tasks, settings, recipe.domain, folder, other)


def _source(given: Arguments, chosen: Chosen | None, registry: Registry) -> tuple[YamlFile, Path]:
    """Return the recipe that the arguments start from, and where its paths start."""
    if given.recipe is not None:
        path = find_recipe(given.recipe, registry)
        return read_yaml(path), path.parent
    if chosen is None or chosen.run_folder is None:
        return YamlFile("--set", {"name": "evaluation"}, {}), Path()
    return read_yaml(RunFolder(chosen.run_folder).recipe), chosen.folder


def _changed(
    settings: EvaluateSection, seeds: int | None, baselines: bool | str | Sequence[str] | None
) -> EvaluateSection:
    """Return settings with a number of seeds and with baselines, where these are given."""
    if seeds is not None:
        settings = settings.model_copy(update={"seeds": tuple(range(seeds))})
    if baselines is None:
        return settings
    given = baselines if isinstance(baselines, bool | str) else tuple(baselines)
    try:
        made = EvaluateSection.model_validate({"baselines": given})
    except ValueError:
        expected = "expected `all`, `none`, or names with commas between, each once"
        raise RecipeError(f"--baselines {baselines}: {expected}.") from None
    return settings.model_copy(update={"baselines": made.baselines})


def results_folder(
    out: str | Path | None,
    target: str,
    others: Sequence[str],
    against: str | None,
    is_run: bool,
    other: str = "",
) -> Path:
    """Return where results go: into a run if they are of this run, else apart from it.

    Args:
        out: Folder that was asked for, if any.
        target: Run or model.
        others: Further models.
        against: Model that it is compared with, if that is named.
        is_run: Whether the target is a run.
        other: `Asked.other`.

    Raises:
        RunFolderError: The folder is a run, and the results are not all of it.
    """
    folder = Path(out) if out else _default_folder(target, others, against, is_run, other)
    _check_folder(folder, others, against, other)
    return folder


def _default_folder(
    target: str, others: Sequence[str], against: str | None, is_run: bool, other: str
) -> Path:
    if is_run and not (others or against or other):
        return Path(target)
    models = "-and-".join(map(_plain, (target, *others)))
    name = "-against-".join(filter(None, (models, _plain(against) if against else "")))
    return Path("evaluations") / "-with-".join(filter(None, (name, other)))


def _check_folder(folder: Path, others: Sequence[str], against: str | None, other: str) -> None:
    """Refuse to write scores of other models, or of other settings, into a run."""
    if not (others or against or other) or not RunFolder(folder).lock.is_file():
        return
    if others:
        what = f"{folder}: is a run, and {others[0]} is none of its models"
        raise RunFolderError(f"{what}. Name another folder with --out, or none.")
    replaced = f"scores of its base those of {against}" if against else f"results those of {other}"
    what = f"{folder}: is a run, whose {replaced} would replace"
    raise RunFolderError(f"{what}. Name another folder with --out, or none.")


def _plain(text: str) -> str:
    return "".join(c if c.isalnum() or c in "-._" else "-" for c in text).strip("-.") or "model"
