"""The stages of an adaptation, with what each depends on: one table for run, dry run and tests.

corpus      read → steps → hold out → tokens           one process, before ranks start
vocabulary  entries, tokenizer, corpus in its tokens    one process, before ranks start
head        a masked-LM head for a base without one     ranks
pretrain    continued pretraining; exports `adapted/`   ranks
held-out    scores of base, adapted model, points       main process
point       a model between the two                     main process
blend       chooses a point; exports `model/`           ranks share its trials
sentences   the model as a sentence encoder             main process
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel

from domainbert.model.load import BaseFolder
from domainbert.recipe.schema import Recipe
from domainbert.report.results import task_identity
from domainbert.run.folder import RunFolder
from domainbert.run.stage import Stage, check_stage
from domainbert.stages.inputs import Inputs
from domainbert.storage.files import sha256_file, sha256_of
from domainbert.tokenizer.load import fingerprint

Until = Literal["corpus", "vocabulary", "pretrain"]
"""Stages after which a run can be ended."""

SCHEMAS = {
    "corpus": 1, "vocabulary": 1, "head": 1, "pretrain": 1, "held-out": 3, "point": 1, "blend": 1,
    "sentences": 1,
}  # fmt: skip
"""Version of each stage's code; a changed default of a section that it reads raises it."""

NOT_OF_WEIGHTS = frozenset({"logging_steps", "save_steps", "save_total_limit", "trackers"})
"""Keys of `train:` that change files and no weights."""
NOT_OF_HEAD = frozenset({"steps", "epochs", "tokens", "minutes", "learning_rate", "method", "lora"})
"""Further keys of `train:` that the head phase does not read."""


@dataclass(frozen=True)
class PointStages:
    """The stages of one model between base and end of training.

    Args:
        alpha: Share of the adapted weights.
        model: Writes the model.
        score: Its scores on held-out text.
    """

    alpha: float
    model: Stage
    score: Stage

    @property
    def folder(self) -> Path:
        """Of the checkpoint."""
        return self.model.folder / "model"


@dataclass(frozen=True)
class Stages:
    """The stages of one recipe in one run folder, in order; None where one is not needed."""

    corpus: Stage
    vocabulary: Stage | None
    head: Stage | None
    pretrain: Stage
    base_score: Stage
    adapted_score: Stage
    points: tuple[PointStages, ...]
    blend: Stage
    sentences: Stage | None = None

    def check(self) -> None:
        """Refuse work in the run folder that belongs to another recipe, corpus or base.

        Raises:
            RunFolderError: With the stage and what changed.
        """
        for stage in self.all:
            check_stage(stage)

    @property
    def all(self) -> list[Stage]:
        """The stages that are needed, in order; those of points are parts of `blend`."""
        return [stage for stage in vars(self).values() if isinstance(stage, Stage)]


def plan_stages(recipe: Recipe, inputs: Inputs, run: RunFolder) -> Stages:
    """Return the stages of a recipe; nothing is written."""
    train = section_facts(recipe.train, NOT_OF_WEIGHTS)
    corpus = _stage(run, "corpus", _corpus_facts(recipe, inputs))
    vocabulary = None
    if recipe.vocabulary is not None:
        terms = sha256_of("\n".join(inputs.terms))
        facts = {"vocabulary": section_facts(recipe.vocabulary), "terms": terms}
        vocabulary = _stage(run, "vocabulary", facts | {"corpus": corpus.key})
    base: dict[str, Any] = _base_facts(inputs.base)
    head = None
    if inputs.new_head:
        facts = {key: value for key, value in train.items() if key not in NOT_OF_HEAD}
        head = _stage(run, "head", {"train": facts, "corpus": corpus.key, "base": base})
        base = {"head": head.key}
    tokens = vocabulary or corpus
    pretrain = _stage(run, "pretrain", {"train": train, tokens.name: tokens.key, "base": base})
    measured = {
        "held_out": section_facts(recipe.held_out, ["general"]),
        "corpus": corpus.key,
        "max_seq_length": recipe.train.max_seq_length,
    }
    if inputs.general:
        measured["general"] = sha256_of("\0".join(inputs.general))
    score = partial(_score, run, measured)
    points = _points(recipe, inputs, pretrain, run, score)
    scores = score("base", base), score("adapted", {"pretrain": pretrain.key})
    facts = _blend_facts(recipe, inputs, [stage.key for stage in (pretrain, *scores)], points)
    blend = replace(_stage(run, "blend", facts), replaceable=True)
    sentences = None
    if recipe.sentences is not None:
        facts = {"sentences": section_facts(recipe.sentences), "model": blend.key}
        sentences = replace(_stage(run, "sentences", facts), replaceable=True)
    return Stages(corpus, vocabulary, head, pretrain, *scores, points, blend, sentences)


def _score(run: RunFolder, measured: Mapping[str, Any], name: str, model: Any) -> Stage:
    facts = {"schema": SCHEMAS["held-out"], **measured, "model": model}
    return Stage("held-out", run.path / "held-out" / name, facts, replaceable=True)


def _points(
    recipe: Recipe,
    inputs: Inputs,
    pretrain: Stage,
    run: RunFolder,
    score: Callable[[str, Any], Stage],
) -> tuple[PointStages, ...]:
    """Return the stages of all models that are neither the base nor the end of training."""
    section = recipe.blend
    if section is None:
        return ()
    chosen = {section.choose} if isinstance(section.choose, float) else set()
    train, average = recipe.train, section.average != "none"
    ends: dict[str, Any] = {"pretrain": pretrain.key, "base": _base_facts(inputs.base)}
    if average:
        n_averaged = section.checkpoints(train.save_total_limit)
        ends["average"] = [section.average, n_averaged, train.save_steps]
    stages = []
    for alpha in sorted({*section.points, *chosen, *([1.0] if average else [])}):
        if alpha == 1 and not average:
            continue
        facts = {"schema": SCHEMAS["point"], "alpha": alpha, **ends}
        model = Stage("point", run.points / f"{alpha:g}", facts, replaceable=True)
        stages.append(PointStages(alpha, model, score(f"blend-{alpha:g}", {"point": model.key})))
    return tuple(stages)


def _blend_facts(
    recipe: Recipe, inputs: Inputs, ends: list[str], points: Sequence[PointStages]
) -> dict[str, Any]:
    """Return what the choice of a point depends on; without a section the end of training alone."""
    section = recipe.blend
    if section is None:
        return {"pretrain": ends[0]}
    facts: dict[str, Any] = {"blend": section_facts(section), "ends": ends}
    facts["points"] = [point.score.key for point in points]
    if section.choose == "validation":
        facts["tasks"] = [task_identity(loaded.task) for loaded in inputs.tasks]
        facts["evaluate"] = section_facts(recipe.evaluate, ["baselines", "keep"])
    return facts


def section_facts(section: BaseModel, without: Iterable[str] = ()) -> dict[str, Any]:
    """Return a recipe section as JSON values, those at their default left out."""
    return section.model_dump(mode="json", exclude_defaults=True, exclude=set(without))


def _stage(run: RunFolder, name: str, facts: Mapping[str, Any]) -> Stage:
    return Stage(name, run.path / name, {"schema": SCHEMAS[name], **facts})


def _corpus_facts(recipe: Recipe, inputs: Inputs) -> dict[str, Any]:
    encoder, keys = inputs.encoder, {"corpus", "corpus_steps"}
    return {
        **recipe.model_dump(mode="json", include=keys, exclude_defaults=True),
        **({"steps": read} if (read := [s.facts for s in inputs.steps if s.facts]) else {}),
        "held_out": recipe.held_out.fraction,
        "files": {f"{n} {item['file']}": item["sha256"] for n, item in enumerate(inputs.files)},
        "tokenizer": fingerprint(encoder.tokenizer),
        "units": encoder.unit_name,
    }


def _base_facts(base: BaseFolder) -> dict[str, Any]:
    # The same weights compute something else with another activation or number of heads.
    return {"weights": base.sha256, "config.json": sha256_file(base.folder / "config.json")}
