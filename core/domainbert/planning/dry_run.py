"""`domainbert adapt --dry-run`: the same stages up to the first step, in a temporary folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from domainbert.model.load import load_masked_lm
from domainbert.model.lora import with_adapter
from domainbert.planning import throughput
from domainbert.planning.memory import peak_memory, reset_peak
from domainbert.planning.throughput import Throughput
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
from domainbert.training import phases
from domainbert.training.job import build_job, check_environment
from domainbert.training.phases import Phase, places_before
from domainbert.training.step import Job


def dry_run(
    recipe: Recipe, folder: Path, out: Path, registry: Registry, reporter: Reporter, processes: int
) -> dict[str, Any]:
    """Return what a run would do and take, after a few timed steps; the run folder is not written.

    Args:
        recipe: The recipe.
        folder: Its relative paths start here.
        out: Run folder.
        registry: Plugins.
        reporter: Where progress is shown.
        processes: Of the run; steps are timed in this one.

    Returns:
        JSON values: bytes, seconds, counts, and for each stage whether the run folder has it.

    Raises:
        UserError: What the run itself would refuse.
    """
    run = RunFolder(out)
    check_run_folder(run)
    with (
        TemporaryDirectory(prefix="domainbert-dry-run-") as name,
        open_session(out, reporter) as session,
    ):
        inputs = locate(recipe, folder, registry, session)
        stages = plan_stages(recipe, inputs, run)
        stages.check()
        phases.check_shares(recipe.train, processes)
        temporary, stage = RunFolder(Path(name)), stages.corpus
        if not is_done(stage):
            stage = replace(stage, folder=temporary.corpus)
        store, split = build_corpus(stage, inputs, session)
        working = replace(session, run=temporary).with_processes(recipe.train.precision)
        check_environment(recipe.train, working.accelerator)
        loaded = load_masked_lm(inputs.base, recipe.train.seed)
        loaded = with_adapter(loaded, recipe.train, inputs.new_head)
        job = build_job(recipe.train, loaded, store, split.train_T, working)
        planned = throughput.planned_steps(stages.pretrain.folder)
        done = {stage.folder.relative_to(out).as_posix(): is_done(stage) for stage in stages.all}
        counts = {key: store.manifest[key] for key in ("documents", "tokens", "characters")}
        return {
            "done": done,
            "corpus": {**counts, "held_out_documents": len(split.heldout_H)},
            **_look_ahead(recipe, job, inputs.new_head, planned),
            "processes": max(working.accelerator.num_processes, processes),
            "trials": count_trials(recipe, len(stages.points)),
        }


def count_trials(recipe: Recipe, n_points: int) -> int:
    """Return the number of fine-tuning runs at most, baselines not counted.

    Args:
        recipe: Its tasks, seeds and blend.
        n_points: Models between base and end of training.
    """
    blend = recipe.blend
    compared = n_points if blend is not None and blend.choose == "validation" else 0
    # Base and end of training, and the point that is chosen.
    models = 2 + compared + bool(n_points)
    return len(recipe.tasks) * len(recipe.evaluate.seeds) * models


def _look_ahead(recipe: Recipe, job: Job, new_head: bool, steps: int | None) -> dict[str, Any]:
    """Return time and memory of the phases, by a few timed steps of each."""
    train, size, accelerator = recipe.train, throughput.corpus_size(job), job.session.accelerator
    timed, peak = _measured(job, new_head)
    heads = [phases.head_phase(train)] if new_head else []
    # Before a vocabulary grows, the head of its base is trained, and steps count from zero again.
    first = heads[0].stop if heads and recipe.vocabulary is None else 0
    if steps is None:
        steps = phases.count_steps(train, size, first, timed["full"][0])
    estimates = [
        _estimate(train, phase, size, timed[phase.name][0])
        for phase in (*heads, phases.full_phase(train, first, steps))
    ]
    return {
        "training": {
            "n_sequences": size[0],
            "n_tokens": size[1],
            "tokens_per_sequence": size[1] / size[0],
        },
        "phases": estimates,
        "timed": {n: {"seconds_per_token": s, "steps": k} for n, (s, k) in timed.items()},
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
    timed, device, counted = {}, job.session.accelerator.device, False
    for name in ("head", "full") if new_head else ("full",):
        job.session.reporter.say(f"timing a few steps ({name})")
        counted = reset_peak(device)
        timed[name] = throughput.measure_throughput(job, name)
    return timed, peak_memory(device) if counted else None
