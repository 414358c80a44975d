"""From the arguments of `domainbert evaluate` to models and tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from domainbert.corpus.stats import contaminated
from domainbert.errors import RecipeError, RunFolderError
from domainbert.model.fresh import base_of
from domainbert.model.load import BaseFolder, find_base, public_name
from domainbert.pipeline.choose import Chosen
from domainbert.pipeline.evaluate import ModelUnderTest
from domainbert.recipe.evaluate import EvaluateSection
from domainbert.recipe.tasks import TaskSection
from domainbert.run.folder import RunFolder
from domainbert.run.resume_command import continue_command
from domainbert.run.stage import outputs_trouble, read_stage
from domainbert.stages.blend import Blend, read_blend
from domainbert.stages.corpus import MANIFEST
from domainbert.stages.held_out import read_measured
from domainbert.stages.pretrain import Trained, describe
from domainbert.storage.files import read_json_with_hash


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
        first = [_model("base", base_of(chosen.recipe, chosen.folder))]
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


def find_sections(names: Sequence[str], domain: str | None) -> tuple[TaskSection, ...]:
    """Return recipe sections for tasks of a domain.

    Raises:
        RecipeError: There is no domain, or a name is none.
    """
    if names and domain is None:
        raise RecipeError("--task names a task of a domain: add --domain.")
    try:
        return tuple(TaskSection(name=name) for name in names)
    except ValueError:
        raise RecipeError(f"--task {' '.join(names)}: no name of a task.") from None


def changed(
    settings: EvaluateSection, seeds: int, baselines: bool | str | Sequence[str] | None
) -> EvaluateSection:
    """Return settings with the arguments of `domainbert evaluate`.

    Args:
        settings: Of the recipe, or the defaults.
        seeds: Number of seeds.
        baselines: As `evaluate.baselines`; None for those of the settings.

    Raises:
        RecipeError: Baselines are neither true, false, `all`, `none`, nor names.
    """
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


def default_folder(target: str, against: str | None, is_run: bool) -> Path:
    """Return where results go: into a run if they are of this run, else apart from it."""
    if is_run and not against:
        return Path(target)
    return Path("evaluations") / "-against-".join(map(_plain, filter(None, (target, against))))


def check_folder(folder: Path, against: str | None) -> None:
    """Refuse to write scores of another base over those of a run.

    Raises:
        RunFolderError: The folder is that of a run.
    """
    if against and RunFolder(folder).lock.is_file():
        what = f"{folder}: is a run, whose scores of its base those of {against} would replace"
        raise RunFolderError(f"{what}. Name another folder with --out, or none.")


def _plain(text: str) -> str:
    return "".join(c if c.isalnum() or c in "-._" else "-" for c in text).strip("-.") or "model"
