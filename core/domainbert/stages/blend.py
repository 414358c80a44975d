"""Stage `blend`: the model that is handed over, between the base and the end of training.

Points are measured on held-out text and, where the recipe chooses by validation, fine-tuned on the
tasks and scored on their validation splits. The test splits are not touched here.
"""

from __future__ import annotations

import copy
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from domainbert.errors import RunFailed
from domainbert.model.blend import averaged, blended, set_parameters
from domainbert.model.export import export_model
from domainbert.model.load import find_base, load_masked_lm
from domainbert.recipe.blend import BlendSection
from domainbert.recipe.schema import Recipe
from domainbert.run.folder import RunFolder
from domainbert.run.session import Session
from domainbert.run.stage import begin, building, finish, is_done, result_of
from domainbert.stages.corpus import Corpus
from domainbert.stages.held_out import Measured, measure
from domainbert.stages.inputs import Inputs
from domainbert.stages.plan import Stages
from domainbert.stages.validation import of_result, validate_points
from domainbert.storage.files import files_in, folder_in_place
from domainbert.tokenizer.extend import read_extension
from domainbert.tokenizer.load import VOCABULARY_FILE
from domainbert.training.checkpoint import averageable
from domainbert.training.held_out import HeldOutScore


@dataclass(frozen=True)
class Point:
    """One α of the curve.

    Args:
        alpha: Share of the adapted weights.
        bits: Bits per character of held-out text.
        general: The same of general text; None without one.
        validation: Mean over the tasks of the primary metric on validation, per seed; empty where
            no trial was made.
    """

    alpha: float
    bits: float
    general: float | None = None
    validation: tuple[float, ...] = ()


@dataclass(frozen=True)
class Blend:
    """The model that is handed over.

    Args:
        alpha: Share of the adapted weights; 1 is the end of training, or the average.
        average: What lies at α = 1: `none` for the end of training, `last-K` or `ema`.
        reason: Why this α.
        curve: From base to end; empty where the recipe has no `blend` section.
    """

    alpha: float = 1.0
    average: str = "none"
    reason: str = ""
    curve: tuple[Point, ...] = ()

    @property
    def name(self) -> str:
        """What tables call it, such as `α = 0.5` or `α = 1, last-3`."""
        of = "" if self.average == "none" else f", {self.average}"
        return f"α = {self.alpha:g}{of}"

    @property
    def is_adapted(self) -> bool:
        """Whether it is the end of training itself."""
        return self.alpha == 1 and self.average == "none"


def blend_models(
    stages: Stages,
    inputs: Inputs,
    corpus: Corpus,
    recipe: Recipe,
    ends: tuple[Measured, Measured],
    session: Session,
) -> Blend:
    """Choose the point that is handed over, and export it to `model/`.

    Args:
        stages: Of the run.
        inputs: Base, tasks, general text.
        corpus: In the tokens of the base.
        recipe: Section `blend`; without it the end of training is handed over.
        ends: Scores of base and adapted model on held-out text.
        session: Processes, device, run folder; it holds the results of both on the tasks.

    Raises:
        BaseModelError: Base and adapted model do not fit.
        RunFailed: No point keeps the budget, or a checkpoint to be averaged is gone.
        Stopped: A signal; finished trials are kept.
    """
    stage, section = stages.blend, recipe.blend
    if not is_done(stage):
        curve: tuple[Point, ...] = ()
        alpha, reason = 1.0, ""
        if section is not None:
            if session.is_main:
                _build_points(stages, inputs, recipe, session)
            validation = validate_points(stages.points, inputs.tasks, recipe, session)
            if session.is_main:
                curve = _curve(stages, inputs, corpus, recipe, (ends, validation), session)
                alpha, reason = choose(section, curve, ends[0].general)
        if session.is_main:
            average = section.average if section else "none"
            _hand_over(stages, Blend(alpha, average, reason, curve), session)
    session.await_stage(stage)
    if session.is_main:  # whatever a stop has left
        shutil.rmtree(session.run.points, ignore_errors=True)
    return read_blend(result_of(stage))


def read_blend(result: Mapping[str, Any]) -> Blend:
    """Return what the stage has written."""
    curve = tuple(
        Point(**{**point, "validation": tuple(point["validation"])}) for point in result["curve"]
    )
    return Blend(**{**result, "curve": curve})


def choose(
    section: BlendSection, curve: Sequence[Point], general: HeldOutScore | None = None
) -> tuple[float, str]:
    """Return the α to hand over, and why.

    Args:
        section: The rule.
        curve: All points, with base and end.
        general: Score of the base on general text, for the rule `bits`.

    Raises:
        RunFailed: No point keeps the budget.
    """
    if isinstance(section.choose, float):
        return section.choose, "set by the recipe"
    candidates = [point for point in curve if point.alpha in {*section.points, 1.0}]
    if section.choose == "validation":
        best = max(candidates, key=lambda point: (np.mean(point.validation), point.alpha))
        # The base is no candidate: nobody runs this to get it back. Where it wins, we say so.
        base_wins = np.mean(curve[0].validation) > np.mean(best.validation)
        rank = "best after the base" if base_wins else "best"
        return best.alpha, f"{rank} on the validation splits of the tasks"
    assert general is not None  # noqa: S101  # the schema asks for the text
    base = general.bits_per_character
    costs = {point.alpha: (point.general or 0.0) - base for point in candidates}
    within = [alpha for alpha, cost in costs.items() if cost <= section.budget]
    if within:
        return max(within), f"the largest within {section.budget:g} bits of general text"
    nearest = min(costs, key=lambda alpha: (costs[alpha], alpha))
    raise RunFailed(
        f"blend.budget: no point keeps general text within {section.budget:g} bits per character "
        f"of the base; the nearest, α = {nearest:g}, costs {costs[nearest]:.3f}. Raise the budget, "
        "or give smaller `blend.points`."
    )


def averaged_checkpoints(stages: Stages, recipe: Recipe, run: RunFolder) -> list[Path]:
    """Return the checkpoints of a finished run that `blend.average` asks for; none without it.

    Raises:
        RunFolderError: One is missing or damaged.
    """
    train, section = recipe.train, recipe.blend
    n_averaged = section.checkpoints(train.save_total_limit) if section else 0
    if not n_averaged or not is_done(stages.pretrain):
        return []
    steps = result_of(stages.pretrain)["steps"]
    return averageable(run.checkpoints, n_averaged, train.save_steps, steps)


def check_average(stages: Stages, recipe: Recipe, run: RunFolder) -> None:
    """Refuse an average of checkpoints that a finished run does not have.

    Raises:
        RunFolderError: One is missing or damaged.
    """
    if recipe.blend is not None and recipe.blend.average != "none" and not is_done(stages.blend):
        averaged_checkpoints(stages, recipe, run)


def _build_points(stages: Stages, inputs: Inputs, recipe: Recipe, session: Session) -> None:
    """Write the models between the ends that are not there yet."""
    missing = [point.model for point in stages.points if not is_done(point.model)]
    if not missing:
        return
    session.check_stop("blending")
    seed, run = recipe.train.seed, session.run
    base = load_masked_lm(inputs.base, seed)
    end = load_masked_lm(find_base(str(run.adapted.resolve()), Path()), seed)
    if (run.adapted / VOCABULARY_FILE).is_file():
        end = replace(end, extension=read_extension(run.adapted))
    section = recipe.blend
    assert section is not None  # noqa: S101  # else there is no point
    if folders := averaged_checkpoints(stages, recipe, run):
        ratio = 2.0 if section.average == "ema" else 1.0
        shares = [ratio**place for place in range(len(folders))]
        set_parameters(end.model, averaged(folders, shares))
    for stage in missing:
        session.check_stop("blending")
        model = copy.deepcopy(end.model)
        set_parameters(model, blended(base, end, stage.facts["alpha"]))
        with building(stage) as (beside, _):
            export_model(model, end, beside / "model")


def _curve(
    stages: Stages,
    inputs: Inputs,
    corpus: Corpus,
    recipe: Recipe,
    known: tuple[tuple[Measured, Measured], Mapping[float, Mapping[str, list[float]]]],
    session: Session,
) -> tuple[Point, ...]:
    """Return all points in order, base and end among them."""
    (before, after), validation = known
    measured = {point.alpha: point for point in stages.points}
    curve = []
    for alpha in sorted({0.0, 1.0, *measured}):
        if (point := measured.get(alpha)) is not None:
            scores = measure(point.score, point.folder, corpus, inputs, recipe, session)
            by_task = list(validation.get(alpha, {}).values())
        else:
            scores, name = (before, "base") if alpha == 0 else (after, "adapted")
            tasks = inputs.tasks if validation else ()
            by_task = [of_result(session, loaded, name, recipe) for loaded in tasks]
        general = None if scores.general is None else scores.general.bits_per_character
        # Where nothing learns, one score stands for all seeds.
        n_seeds = max(map(len, by_task), default=0)
        rows = [values * (n_seeds // len(values)) for values in by_task]
        means = tuple(np.mean(rows, axis=0).tolist()) if rows else ()
        curve.append(Point(alpha, scores.field.bits_per_character, general, means))
    return tuple(curve)


def _hand_over(stages: Stages, blend: Blend, session: Session) -> None:
    """Export the chosen model to `model/`, and mark the stage as done."""
    run, stage = session.run, stages.blend
    chosen = {point.alpha: point.folder for point in stages.points}.get(blend.alpha, run.adapted)
    begin(stage)
    with folder_in_place(run.model) as beside:
        shutil.copytree(chosen, beside, dirs_exist_ok=True)
    outputs = [Path("..", "model") / path for path in files_in(run.model)]
    finish(stage, asdict(blend), outputs)
