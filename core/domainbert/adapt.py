"""The main path, read first: recipe → corpus → vocabulary → training → evaluation → report."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from domainbert.corpus.sources import find_sources
from domainbert.evaluate import ModelUnderTest, evaluate
from domainbert.model.load import BaseFolder, check_length, find_base, load_masked_lm
from domainbert.planning.throughput import plan_job
from domainbert.plugin.registry import Registry
from domainbert.prepare import Inputs, Prepared, find_terms, find_units, prepare
from domainbert.recipe.schema import Recipe
from domainbert.report.card import RunSummary, write_card
from domainbert.report.hardware import hardware
from domainbert.run.folder import open_run
from domainbert.run.heartbeat import is_worker
from domainbert.run.progress import Reporter, download_bar
from domainbert.run.resume_command import continue_command
from domainbert.run.session import Session, open_session
from domainbert.storage.files import check_utf8
from domainbert.tasks.load import load_task
from domainbert.training.environment import check_environment
from domainbert.training.pretrain import Adaptation, build_job, model_sha256, pretrain


def adapt(
    recipe: Recipe, recipe_folder: Path, out: Path, registry: Registry, reporter: Reporter
) -> RunSummary:
    """Adapt a base model to a corpus and compare the two; the same call continues a stopped run.

    Args:
        recipe: What to do.
        recipe_folder: Relative paths of the recipe start here.
        out: Run folder; a new one, or one of the same recipe.
        registry: Plugins, for the domain named in the recipe.
        reporter: Where progress is shown.

    Raises:
        UserError: Something in recipe, data, base or folder has to be put right first.
        RunFailed: Training or evaluation could not be finished.
        Stopped: A signal; a checkpoint is kept.
    """
    check_utf8(recipe_folder.resolve())
    check_utf8(out)
    with open_session(out, recipe.train.precision, reporter, again(out)) as session:
        session.reporter.say(f"recipe {recipe.name} → {out}")
        check_environment(recipe.train, session.accelerator)
        inputs = find_inputs(recipe, recipe_folder, registry, session)
        with open_run(session.run, recipe, recipe_folder, session.is_main):
            session.check_stop("loading the base")
            loaded = load_masked_lm(inputs.base, recipe.train.seed)
            if inputs.tasks:
                check_length(
                    loaded.model, recipe.evaluate.max_seq_length, "evaluate.max_seq_length"
                )
            prepared = prepare(recipe, loaded, inputs, session)
            adaptation = continue_pretraining(recipe, prepared, session)
            candidates = run_candidates(inputs.base, adaptation, session)
            reports = evaluate(candidates, inputs.tasks, recipe.evaluate, session, recipe)
            summary = RunSummary(
                recipe=recipe,
                base=inputs.base,
                corpus=prepared.store.manifest,
                adaptation=adaptation,
                reports=reports,
                hardware=hardware(session),
                is_main=session.is_main,
                extension=prepared.loaded.extension,
            )
            if session.is_main:
                write_card(summary, session.run)
            return summary


def again(out: Path) -> str:
    """Return the command that continues a run in a folder as this process was started."""
    return continue_command(out, int(os.environ["WORLD_SIZE"]) if is_worker() else 1)


def find_inputs(
    recipe: Recipe,
    folder: Path,
    registry: Registry,
    session: Session,
    spare: Path | None = None,
) -> Inputs:
    """Find, download and check everything that the recipe refers to.

    Args:
        recipe: What to do.
        folder: Its relative paths start here.
        registry: Plugins.
        session: Where it is done.
        spare: Where a base from a model hub goes if the hub's cache is to stay as it is.
    """
    domain = registry.domain(recipe.domain) if recipe.domain else None
    with session.accelerator.main_process_first(), download_bar(session.reporter) as bar:

        def progress(done: int, total: int) -> None:
            session.check_stop("downloading")
            bar(done, total)

        return Inputs(
            base=find_base(
                recipe.base.source, folder, recipe.base.revision, recipe.base.sha256, spare
            ),
            sources=find_sources(recipe.corpus, domain, folder, progress),
            tasks=tuple(load_task(section, domain, folder, progress) for section in recipe.tasks),
            terms=find_terms(recipe.vocabulary, domain),
            marker=find_units(recipe.train, domain),
        )


def run_candidates(
    base: BaseFolder, adaptation: Adaptation, session: Session
) -> tuple[ModelUnderTest, ModelUnderTest]:
    """Return the base and what became of it."""
    model = session.run.model
    minutes = adaptation.seconds / 60
    return (
        ModelUnderTest("base", base.folder, base.sha256, base.public_name),
        ModelUnderTest(
            "adapted", model, model_sha256(model), base.public_name, adaptation.tokens, minutes
        ),
    )


def continue_pretraining(recipe: Recipe, prepared: Prepared, session: Session) -> Adaptation:
    """Plan the steps and train; what preparing the base took is part of it."""
    loaded, split = prepared.loaded, prepared.split
    job = build_job(recipe.train, loaded, prepared.store, split.train_T, session)
    phases = plan_job(job, loaded.new_head)
    identity = prepared.identity
    if recipe.train.minutes is not None:
        identity = {**identity, "plan": str(phases[-1].steps)}
    first = prepared.first
    if first is None:
        return pretrain(job, phases, loaded, prepared.heldout, identity)
    done = pretrain(job, phases, loaded, prepared.heldout, identity, first.before)
    return replace(
        done,
        new_head=first.new_head,
        steps=first.steps + done.steps,
        tokens=first.tokens + done.tokens,
        seconds=first.seconds + done.seconds,
        skipped={f"base/{step}": why for step, why in first.skipped.items()} | done.skipped,
    )
