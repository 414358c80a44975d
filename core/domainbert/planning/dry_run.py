"""`domainbert adapt --dry-run`: all up to the first step, in a folder that is thrown away."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from domainbert.adapt import find_inputs
from domainbert.model.layers import depths, frozen
from domainbert.model.load import check_length, load_masked_lm
from domainbert.planning.memory import (
    Memory,
    PhaseEstimate,
    estimate_memory,
    estimate_phase,
    forget_peak,
    peak_memory,
)
from domainbert.planning.throughput import (
    Throughput,
    corpus_size,
    measure_throughput,
    planned_steps,
)
from domainbert.plugin.registry import Registry
from domainbert.prepare import Prepared, tokenise
from domainbert.recipe.schema import Recipe
from domainbert.run.folder import RunFolder, check_run_folder
from domainbert.run.progress import Reporter
from domainbert.run.session import Session, open_session
from domainbert.storage.download import temporary_cache
from domainbert.training.environment import check_environment
from domainbert.training.loop import select_parameters
from domainbert.training.phases import (
    CorpusSize,
    Phase,
    check_shares,
    count_steps,
    head_phase,
    plan_phases,
)
from domainbert.training.pretrain import build_job
from domainbert.training.step import Job


@dataclass(frozen=True)
class DryRun:
    """What a run would do.

    Args:
        corpus: Manifest of the token store.
        heldout: Documents never trained on.
        size: The training slice.
        phases: What each reads and takes; empty if the steps cannot be known without timed steps.
        memory: By formula.
        peak: Bytes at the peak of the timed steps; None without them.
        paces: What was timed, by phase; empty if nothing was.
        processes: That would share the work.
        timed_in: Processes in which steps were timed: one, unless a launcher started several.
        device: Type of the device.
        bf16: Whether matrix products run in bf16.
        is_main: Whether this process speaks.
    """

    corpus: dict[str, Any]
    heldout: int
    size: CorpusSize
    phases: tuple[PhaseEstimate, ...]
    memory: Memory
    peak: int | None
    paces: dict[str, Throughput]
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


def dry_run(recipe: Recipe, place: Place, measure: bool, reporter: Reporter) -> DryRun:
    """Find, load, tokenise and count all that a run would, time a few steps, and keep nothing.

    Args:
        recipe: What to do.
        place: Where.
        measure: Whether to time steps.
        reporter: Where progress is shown.

    Raises:
        UserError: What the run itself would refuse.
    """
    check_run_folder(RunFolder(place.out), recipe)
    with TemporaryDirectory(prefix="domainbert-dry-run-") as folder:
        here = Path(folder)
        with (
            temporary_cache(here / "cache"),
            open_session(here / "run", recipe.train.precision, reporter) as session,
        ):
            check_environment(recipe.train, session.accelerator)
            inputs = find_inputs(recipe, place.folder, place.registry, session, here / "hub")
            loaded = load_masked_lm(inputs.base, recipe.train.seed)
            if inputs.tasks:
                check_length(
                    loaded.model, recipe.evaluate.max_seq_length, "evaluate.max_seq_length"
                )
            prepared = tokenise(recipe, loaded, inputs, session)
            return _look_ahead(recipe, prepared, place, measure, session)


def _look_ahead(
    recipe: Recipe, prepared: Prepared, place: Place, measure: bool, session: Session
) -> DryRun:
    split, new_head = prepared.split, prepared.loaded.new_head
    here = session.accelerator.num_processes
    processes = max(here, place.processes)
    check_shares(recipe.train, processes)
    job = build_job(recipe.train, prepared.loaded, prepared.store, split.train_T, session)
    memory = _memory(job, processes)
    paces, peak = _measured(job, new_head) if measure else ({}, None)
    size = corpus_size(job)
    phases = _phases(recipe, size, new_head, planned_steps(RunFolder(place.out).lock), paces)
    return DryRun(
        corpus=prepared.store.manifest,
        heldout=len(split.heldout_H),
        size=size,
        phases=tuple(
            estimate_phase(
                recipe.train,
                phase,
                size,
                paces[phase.name].seconds_per_token if phase.name in paces else None,
            )
            for phase in phases
        ),
        memory=memory,
        peak=peak,
        paces=paces,
        processes=processes,
        timed_in=here,
        device=session.accelerator.device.type,
        bf16=session.bf16,
        is_main=session.is_main,
    )


def _phases(
    recipe: Recipe,
    size: CorpusSize,
    new_head: bool,
    known: int | None,
    paces: dict[str, Throughput],
) -> tuple[Phase, ...]:
    """Return the phases whose steps can be known."""
    train = recipe.train
    heads = head_phase(train, new_head)
    # Before a vocabulary grows, the head of its base is trained in a run of its own.
    heads_first = new_head and recipe.vocabulary is None
    first = sum(phase.steps for phase in heads) if heads_first else 0
    steps = known
    if steps is None and (train.minutes is None or "full" in paces):
        pace = paces["full"].seconds_per_token if "full" in paces else None
        steps = count_steps(train, size, first, pace)
    return heads if steps is None else (*heads, plan_phases(train, steps, heads_first)[-1])


def _memory(job: Job, processes: int) -> Memory:
    select_parameters(job.model, "full", frozen(job.settings, depths(job.model)))
    sharded = job.session.accelerator.is_fsdp2
    return estimate_memory(job.model, job.settings, processes, job.session.bf16, sharded)


def _measured(job: Job, new_head: bool) -> tuple[dict[str, Throughput], int | None]:
    """Time the phases; the peak is that of the last, in which all learns."""
    paces, device, counted = {}, job.session.accelerator.device, False
    for name in (*(phase.name for phase in head_phase(job.settings, new_head)), "full"):
        job.session.reporter.say(f"timing a few steps ({name})")
        counted = forget_peak(device)
        paces[name] = measure_throughput(job, name)
    return paces, peak_memory(device) if counted else None
