"""From the arguments of `domainbert evaluate` to models and the folder of results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

from domainbert.corpus.stats import contaminated
from domainbert.errors import RecipeError, RunFolderError
from domainbert.model.fresh import base_of
from domainbert.model.load import BaseFolder, find_base, public_name
from domainbert.pipeline.choose import Chosen, continue_run
from domainbert.pipeline.trial import ModelUnderTest
from domainbert.plugin.components import Baseline, LoadedTask
from domainbert.plugin.registry import components
from domainbert.run.folder import RunFolder
from domainbert.run.resume_command import continue_command
from domainbert.run.stage import outputs_trouble, read_stage
from domainbert.stages.blend import Blend, read_blend
from domainbert.stages.corpus import MANIFEST
from domainbert.stages.held_out import read_measured
from domainbert.stages.pretrain import Trained, describe
from domainbert.storage.files import read_json_with_hash
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


def check_rows(models: Sequence[ModelUnderTest], tasks: Sequence[LoadedTask]) -> list[str]:
    """Refuse rows of one name or folder, and return notices on those of equal weights.

    Raises:
        RecipeError: With the name.
    """
    equal = [(a, b) for a, b in combinations(models, 2) if a.sha256 == b.sha256]
    for one, two in equal:
        if one.folder and two.folder and one.folder.samefile(two.folder):
            what = f"the same folder as {one.name}, {one.folder}"
            raise RecipeError(f"{two.name}: {what}. Name each model once.")
    outside = [made.name for loaded in tasks for made in loaded.outside]
    names = [*components(Baseline), *dict.fromkeys(outside), *(model.name for model in models)]
    if twice := next((model.name for model in models if names.count(model.name) > 1), ""):
        raise RecipeError(f"{twice}: two rows of the table have this name. Rename the folder.")
    return [f"notice: {one.name} and {two.name} have the same weights" for one, two in equal]


def find_models(target: str, against: str | None, chosen: Chosen | None) -> list[ModelUnderTest]:
    """Return the models of `domainbert evaluate`, the one that is compared with first.

    Args:
        target: Run folder, or a model.
        against: Model to compare with; else the base of the run, if it is one.
        chosen: The recipe of the run.

    Raises:
        UserError: A model is missing or malformed.
    """
    first = [_model("base", find_base(against, Path()))] if against is not None else []
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
