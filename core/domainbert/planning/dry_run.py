"""`domainbert adapt --dry-run`: the same stages up to the first step, in a temporary folder."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from domainbert.model.load import load_masked_lm
from domainbert.planning.memory import forget_peak, peak_memory
from domainbert.planning.throughput import (
    Throughput,
    corpus_size,
    measure_throughput,
    planned_steps,
)
from domainbert.plugin.registry import Registry
from domainbert.recipe.schema import Recipe
from domainbert.recipe.train import TrainSection
from domainbert.run.folder import RunFolder, check_run_folder
from domainbert.run.progress import Reporter
from domainbert.run.session import Session, open_session
from domainbert.run.stage import is_done
from domainbert.stages.corpus import Corpus, build_corpus
from domainbert.stages.inputs import Inputs, locate
from domainbert.stages.plan import Stages, plan_stages
from domainbert.training.batch_ramp import places_before
from domainbert.training.environment import check_environment
from domainbert.training.job import build_job
from domainbert.training.phases import (
    CorpusSize,
    Phase,
    check_shares,
    count_steps,
    full_phase,
    head_phase,
)
from domainbert.training.step import Job


@dataclass(frozen=True)
class PhaseEstimate:
    """What a phase reads and takes.

    Args:
        name: Of the phase.
        steps: Optimizer steps.
        sequences: Read in them.
        tokens: Expected in these, special tokens included.
        epochs: Passes over the training slice.
        seconds: By timed steps.
    """

    name: str
    steps: int
    sequences: int
    tokens: int
    epochs: float
    seconds: float


@dataclass(frozen=True)
class DryRun:
    """What a run would do.

    Args:
        done: Stages in order, and whether the run folder has them already.
        corpus: Manifest of the token store.
        held_out: Documents never trained on.
        size: The training slice.
        phases: What each reads and takes.
        peak: Bytes at the peak of the timed steps; None where the system does not count them.
        throughput: What was timed, by phase.
        processes: That would share the work.
        timed_in: Processes in which steps were timed: one, unless a launcher started several.
        device: Type of the device.
        bf16: Whether matrix products run in bf16.
        is_main: Whether this process prints.
    """

    done: dict[str, bool]
    corpus: dict[str, Any]
    held_out: int
    size: CorpusSize
    phases: tuple[PhaseEstimate, ...]
    peak: int | None
    throughput: dict[str, Throughput]
    processes: int
    timed_in: int
    device: str
    bf16: bool
    is_main: bool


@dataclass(frozen=True)
class Place:
    """Where a run would take place: folder of the recipe, plugins, run folder, processes."""

    folder: Path
    registry: Registry
    out: Path
    processes: int = 1


def dry_run(recipe: Recipe, place: Place, reporter: Reporter) -> DryRun:
    """Return what a run would do and take, after a few timed steps; the run folder is not written.

    Args:
        recipe: The recipe.
        place: Where.
        reporter: Where progress is shown.

    Raises:
        UserError: What the run itself would refuse.
    """
    run = RunFolder(place.out)
    check_run_folder(run)
    with TemporaryDirectory(prefix="domainbert-dry-run-") as name:
        temporary = RunFolder(Path(name))
        with open_session(place.out, reporter) as session:
            inputs = locate(recipe, place.folder, place.registry, session)
            stages = plan_stages(recipe, inputs, run)
            stages.check()
            check_shares(recipe.train, place.processes)
            stage = stages.corpus
            if not is_done(stage):
                stage = replace(stage, folder=temporary.corpus)
            corpus = build_corpus(stage, inputs, session)
            working = replace(session, run=temporary).with_processes(recipe.train.precision)
            check_environment(recipe.train, working.accelerator)
            return _look_ahead(recipe, stages, inputs, corpus, place, working)


def _look_ahead(
    recipe: Recipe, stages: Stages, inputs: Inputs, corpus: Corpus, place: Place, session: Session
) -> DryRun:
    (store, split), train = corpus, recipe.train
    loaded = load_masked_lm(inputs.base, train.seed)
    job = build_job(train, loaded, store, split.train_T, session)
    size, timed_in = corpus_size(job), session.accelerator.num_processes
    throughput, peak = _measured(job, inputs.new_head)
    heads = [head_phase(train)] if inputs.new_head else []
    # Before a vocabulary grows, the head of its base is trained, and steps count anew.
    first = heads[0].stop if heads and recipe.vocabulary is None else 0
    steps = planned_steps(stages.pretrain.folder)
    if steps is None:
        steps = count_steps(train, size, first, throughput["full"].seconds_per_token)
    phases = (*heads, full_phase(train, first, steps))
    return DryRun(
        done={stage.name: is_done(stage) for stage in vars(stages).values() if stage},
        corpus=store.manifest,
        held_out=len(split.heldout_H),
        size=size,
        phases=tuple(
            _estimate(train, phase, size, throughput[phase.name].seconds_per_token)
            for phase in phases
        ),
        peak=peak,
        throughput=throughput,
        processes=max(timed_in, place.processes),
        timed_in=timed_in,
        device=session.accelerator.device.type,
        bf16=session.bf16,
        is_main=session.is_main,
    )


def _estimate(
    train: TrainSection, phase: Phase, size: CorpusSize, seconds_per_token: float
) -> PhaseEstimate:
    sequences = places_before(train, phase.stop) - places_before(train, phase.start)
    tokens = round(sequences * size.tokens_per_sequence)
    epochs = sequences / size.n_sequences
    seconds = tokens * seconds_per_token
    return PhaseEstimate(phase.name, phase.steps, sequences, tokens, epochs, seconds)


def _measured(job: Job, new_head: bool) -> tuple[dict[str, Throughput], int | None]:
    """Return the throughput of each phase, and the peak memory of the last."""
    throughput, device, counted = {}, job.session.accelerator.device, False
    for name in ("head", "full") if new_head else ("full",):
        job.session.reporter.say(f"timing a few steps ({name})")
        counted = forget_peak(device)
        throughput[name] = measure_throughput(job, name)
    return throughput, peak_memory(device) if counted else None
