"""`domainbert adapt --dry-run`: the same stages up to the first step, in a temporary folder."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from domainbert.model.load import load_masked_lm
from domainbert.planning.memory import peak_memory, reset_peak
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
from domainbert.run.session import open_session
from domainbert.run.stage import is_done
from domainbert.stages.corpus import build_corpus
from domainbert.stages.inputs import locate
from domainbert.stages.plan import plan_stages
from domainbert.training.job import build_job, check_environment
from domainbert.training.phases import (
    Phase,
    check_shares,
    count_steps,
    full_phase,
    head_phase,
    places_before,
)
from domainbert.training.step import Job


@dataclass(frozen=True)
class Place:
    """Where a run would take place: folder of the recipe, plugins, run folder, processes."""

    folder: Path
    registry: Registry
    out: Path
    processes: int = 1


def dry_run(recipe: Recipe, place: Place, reporter: Reporter) -> dict[str, Any]:
    """Return what a run would do and take, after a few timed steps; the run folder is not written.

    Args:
        recipe: The recipe.
        place: Where.
        reporter: Where progress is shown.

    Returns:
        JSON values: bytes, seconds, counts, and for each stage whether the run folder has it.

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
            store, split = corpus
            loaded = load_masked_lm(inputs.base, recipe.train.seed)
            job = build_job(recipe.train, loaded, store, split.train_T, working)
            counts = ("documents", "tokens", "characters")
            return {
                "done": {
                    stage.folder.relative_to(run.path).as_posix(): is_done(stage)
                    for stage in vars(stages).values()
                    if stage
                },
                "corpus": {
                    **{key: store.manifest[key] for key in counts},
                    "held_out_documents": len(split.heldout_H),
                },
                **_look_ahead(recipe, job, inputs.new_head, planned_steps(stages.pretrain.folder)),
                "processes": max(working.accelerator.num_processes, place.processes),
            }


def _look_ahead(recipe: Recipe, job: Job, new_head: bool, steps: int | None) -> dict[str, Any]:
    """Return time and memory of the phases, by a few timed steps of each."""
    train, size, accelerator = recipe.train, corpus_size(job), job.session.accelerator
    timed, peak = _measured(job, new_head)
    heads = [head_phase(train)] if new_head else []
    # Before a vocabulary grows, the head of its base is trained, and steps count from zero again.
    first = heads[0].stop if heads and recipe.vocabulary is None else 0
    if steps is None:
        steps = count_steps(train, size, first, timed["full"].seconds_per_token)
    phases = (*heads, full_phase(train, first, steps))
    return {
        "training": {
            "n_sequences": size[0],
            "n_tokens": size[1],
            "tokens_per_sequence": size[1] / size[0],
        },
        "phases": [
            _estimate(train, phase, size, timed[phase.name].seconds_per_token) for phase in phases
        ],
        "timed": {name: asdict(throughput) for name, throughput in timed.items()},
        "timed_in_processes": accelerator.num_processes,
        "peak_memory": peak,
        "device": accelerator.device.type,
        "precision": "bf16" if job.session.bf16 else "fp32",
    }


def _estimate(
    train: TrainSection, phase: Phase, size: tuple[int, int], seconds_per_token: float
) -> dict[str, Any]:
    sequences = places_before(train, phase.stop) - places_before(train, phase.start)
    tokens = round(sequences * (size[1] / size[0]))
    return {
        "name": phase.name,
        "steps": phase.steps,
        "sequences": sequences,
        "tokens": tokens,
        "epochs": sequences / size[0],
        "seconds": tokens * seconds_per_token,
    }


def _measured(job: Job, new_head: bool) -> tuple[dict[str, Throughput], int | None]:
    """Return the throughput of each phase, and the peak memory of the last."""
    throughput, device, counted = {}, job.session.accelerator.device, False
    for name in ("head", "full") if new_head else ("full",):
        job.session.reporter.say(f"timing a few steps ({name})")
        counted = reset_peak(device)
        throughput[name] = measure_throughput(job, name)
    return throughput, peak_memory(device) if counted else None
