"""Stages `head` and `pretrain`: training with checkpoints, from base to adapted model."""

from __future__ import annotations

import gc
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from domainbert.errors import RunFailed
from domainbert.model.export import export_adapter, export_model
from domainbert.model.load import BaseFolder, LoadedModel, find_base, load_masked_lm
from domainbert.model.lora import merge, with_adapter
from domainbert.planning.throughput import plan_steps
from domainbert.recipe.train import TrainSection
from domainbert.run.metrics import read_metrics, rewind_metrics
from domainbert.run.session import Session
from domainbert.run.stage import Stage, begin, finish, is_done, read_stage, result_of
from domainbert.stages.corpus import Corpus
from domainbert.stages.held_out import Measured
from domainbert.stages.inputs import Inputs
from domainbert.storage.files import describe_file, file_trouble, files_in, folder_in_place
from domainbert.tokenizer.extend import Extension, extend_tokenizer
from domainbert.tokenizer.initialise import extend_model
from domainbert.training.checkpoint import TrainState
from domainbert.training.held_out import HeldOutScore
from domainbert.training.job import build_job
from domainbert.training.loop import run_phase
from domainbert.training.phases import Phase, full_phase, head_phase
from domainbert.training.recovery import resume, roll_back
from domainbert.training.step import BadStep, Job
from domainbert.training.trackers import tracked

# A smaller share of the bits per character is noise, and what no training gives.
_LEARNED = 0.001


@dataclass(frozen=True)
class Trained:
    """A checkpoint folder, and the training that led from the base to it.

    Args:
        folder: Loads with `from_pretrained`.
        steps: Optimizer steps.
        tokens: Tokens read in them, special tokens included, padding not.
        seconds: Wall time of these steps, over all calls that continued the run.
        skipped: Steps whose batch was passed over, and why.
    """

    folder: Path
    steps: int = 0
    tokens: int = 0
    seconds: float = 0.0
    skipped: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Adaptation:
    """Continued pretraining, with scores on held-out text.

    Args:
        before: Of the base; after the head phase, if its head is new.
        after: Of the adapted model.
        new_head: Whether the base had no trained MLM head.
        steps: Optimizer steps, head phase included.
        tokens: Tokens read in them, special tokens included.
        seconds: Wall time of these steps, over all calls that continued the run.
        skipped: Steps whose batch was passed over, from 1, and why.
        general: Scores before and after on the text of `held_out.general`; None without one.
    """

    before: HeldOutScore
    after: HeldOutScore
    new_head: bool
    steps: int
    tokens: int
    seconds: float
    skipped: dict[str, str] = field(default_factory=dict)
    general: tuple[HeldOutScore, HeldOutScore] | None = None

    @property
    def doubt(self) -> str:
        """Why scores of the adapted model say nothing of the adaptation, or an empty string."""
        if 2 * len(self.skipped) > self.steps:
            return (
                f"{len(self.skipped)} of {self.steps} batches were skipped; lower "
                "train.learning_rate or set train.precision: fp32"
            )
        before, after = self.before.bits_per_character, self.after.bits_per_character
        if after > before * (1 - _LEARNED):
            return (
                f"the model learned nothing: held-out text has {after:.3f} bits per character, "
                f"{before:.3f} before; raise train.steps or train.learning_rate"
            )
        return ""


def describe(before: Measured, after: Measured, new_head: bool, trained: Trained) -> Adaptation:
    """Return what training did, with the scores before and after it."""
    done = trained.steps, trained.tokens, trained.seconds, trained.skipped
    general = None
    if before.general is not None and after.general is not None:
        general = before.general, after.general
    return Adaptation(before.field, after.field, new_head, *done, general)


def fit_head(
    stage: Stage | None, inputs: Inputs, corpus: Corpus, settings: TrainSection, session: Session
) -> Trained:
    """Return the base with a trained MLM head: the base itself where it has one.

    Raises:
        RunFailed: Training could not be finished.
        Stopped: A signal; a checkpoint is kept.
    """
    if stage is None:
        return Trained(inputs.base.folder)
    folder = stage.folder / "model"
    if not is_done(stage):
        session = _start(stage, session)
        phase = head_phase(settings)
        what = f"a new one learns alone for {phase.steps} steps first"
        session.reporter.say(f"the base has no trained MLM head: {what}")
        loaded = load_masked_lm(inputs.base, settings.seed)
        job = build_job(settings, loaded, corpus[0], corpus[1].train_T, session)
        start = TrainState(0, 0, 0.0, {"stage": stage.key})
        state = _train(job, phase, start)
        if session.is_main:
            rewind_metrics(session.run, state.step)
        _export(stage, job, loaded, start, state)
    _prune(stage, settings, session)
    return _trained(stage, folder, session)


def pretrain(
    stage: Stage,
    inputs: Inputs,
    head: Trained,
    extended: tuple[Extension | None, Corpus],
    settings: TrainSection,
    session: Session,
) -> Trained:
    """Return the adapted model, exported to `adapted/`; with LoRA also the adapter, to `adapter/`.

    Args:
        stage: Its folder gets the checkpoints.
        inputs: The base.
        head: From `fit_head`.
        extended: New entries of the vocabulary, and the corpus in the tokens to train on.
        settings: The recipe's section.
        session: Processes, run folder, signals.

    Raises:
        RunFailed: Training could not be finished.
        Stopped: A signal; a checkpoint is kept.
    """
    extension, corpus = extended
    folder = session.run.adapted
    _adopt(stage, session)
    session.accelerator.wait_for_everyone()
    if not is_done(stage):
        session = _start(stage, session)
        if session.is_main:  # of a training that is done again, maybe in full
            shutil.rmtree(session.run.adapter, ignore_errors=True)
        loaded = _load(head.folder, extension, settings.seed)
        loaded = with_adapter(loaded, settings, inputs.new_head)
        job = build_job(settings, loaded, corpus[0], corpus[1].train_T, session)
        # Steps go on counting after those of a head, unless the tokens are other ones since.
        first, tokens = (0, 0) if extension else (head.steps, head.tokens)
        phase = full_phase(settings, first, plan_steps(job, first, stage.folder))
        start = TrainState(first, tokens, 0.0, {"stage": stage.key})
        with tracked(session, settings.trackers):
            state = _train(job, phase, start)
        if state.tokens == start.tokens:
            raise RunFailed(
                f"every one of the {state.step - start.step} batches was skipped, so nothing was "
                "learned and no model is saved. Lower train.learning_rate, set train.precision: "
                "fp32, or take another base; use another --out."
            )
        _export(stage, job, loaded, start, state, inputs.base)
    _prune(stage, settings, session)
    own = _trained(stage, folder, session)
    skipped = {f"head/{step}": why for step, why in head.skipped.items()} | own.skipped
    steps, tokens = head.steps + own.steps, head.tokens + own.tokens
    return Trained(folder, steps, tokens, head.seconds + own.seconds, skipped)


def _adopt(stage: Stage, session: Session) -> None:
    """Copy the model of a run from before `adapted/`, whose training ended in `model/`, there."""
    run, outputs = session.run, (read_stage(stage.folder) or {}).get("outputs", {})
    of_before = any(name.startswith("../model/") for name in outputs)
    if session.is_main and of_before and is_done(stage):
        with folder_in_place(run.adapted) as beside:
            shutil.copytree(run.model, beside, dirs_exist_ok=True)
        here = [Path("..", "adapted") / path for path in files_in(run.adapted)]
        finish(stage, result_of(stage), here)


def _start(stage: Stage, session: Session) -> Session:
    """Mark the stage as begun, and return a session that writes its checkpoints."""
    if session.is_main:
        begin(stage)
    session.accelerator.wait_for_everyone()
    return replace(session, run=replace(session.run, training=stage.name))


def _prune(stage: Stage, settings: TrainSection, session: Session) -> None:
    """Remove the checkpoints of a finished stage, if none is to be kept."""
    folder = stage.folder / "checkpoints"
    if settings.save_total_limit == 0 and session.is_main and folder.is_dir():
        shutil.rmtree(folder)


def _trained(stage: Stage, folder: Path, session: Session) -> Trained:
    """Return what a finished stage recorded; metrics that were damaged since are named."""
    result, metrics = result_of(stage), session.run.metrics
    written = result.pop("metrics", None)
    if written and (trouble := file_trouble(metrics, written)):
        lost = f"{len(read_metrics(session.run)):,} of its lines can be read"
        session.reporter.say(f"notice: {metrics} {trouble} when training ended; {lost}")
    return Trained(folder, **result)


def _load(folder: Path, extension: Extension | None, seed: int) -> LoadedModel:
    """Return a checkpoint with the entries of an extension in tokenizer and model."""
    loaded = load_masked_lm(find_base(str(folder.resolve()), Path()), seed)
    if extension is None:
        return loaded
    extend_model(loaded.model, loaded.tokenizer, extension)
    tokenizer = extend_tokenizer(loaded.tokenizer, extension)
    return replace(loaded, tokenizer=tokenizer, extension=extension)


def _train(job: Job, phase: Phase, start: TrainState) -> TrainState:
    """Train from the newest whole checkpoint to the end of a phase, past batches that fail."""
    state, checkpoint = resume(job, start, phase.stop)
    while state.step < phase.stop:
        # Averages of another phase's optimizer belong to other parameters.
        resumed = checkpoint if phase.start < state.step else None
        try:
            return run_phase(job, phase, state, resumed)
        except BadStep as error:
            bad = BadStep(error.step, error.reason)
        # Outside the handler, whose frames hold the optimizer of the attempt and, with several
        # processes, a module that would still answer to gradients.
        gc.collect()
        state, checkpoint = roll_back(job, phase.start, state, bad)
    return state


def _export(
    stage: Stage,
    job: Job,
    loaded: LoadedModel,
    start: TrainState,
    state: TrainState,
    base: BaseFolder | None = None,
) -> None:
    """Write the model, and its adapter if it has one, then mark the stage as done."""
    if job.session.is_main:
        beside = Path("model") if stage.name == "head" else Path("..", "adapted")
        folder = stage.folder / beside
        if loaded.adapter is not None and base is not None:
            export_adapter(loaded, job.session.run.adapter, base)
            merge(loaded.adapter)
        export_model(job.model, loaded, folder)
        steps, tokens = state.step - start.step, state.tokens - start.tokens
        result: dict[str, Any] = {"steps": steps, "tokens": tokens, "seconds": state.seconds}
        outputs = [beside / path for path in files_in(folder)]
        if loaded.adapter is not None:
            of_adapter = files_in(job.session.run.adapter)
            outputs += [Path("..", "adapter") / path for path in of_adapter]
        if stage.name == "pretrain" and job.session.run.metrics.is_file():
            result["metrics"] = describe_file(job.session.run.metrics)
        finish(stage, {**result, "skipped": state.skipped}, outputs)
    job.session.accelerator.wait_for_everyone()
