"""The main path, read first: a list of stages from recipe to model card."""

from __future__ import annotations

import os
from pathlib import Path

from domainbert.evaluate import ModelUnderTest, evaluate
from domainbert.plugin.registry import Registry
from domainbert.recipe.schema import Recipe
from domainbert.report.card import RunSummary, write_card
from domainbert.run.environment import hardware
from domainbert.run.folder import check_run_folder, open_run
from domainbert.run.heartbeat import is_worker
from domainbert.run.progress import Reporter
from domainbert.run.resume_command import continue_command
from domainbert.run.session import open_session
from domainbert.stages.corpus import build_corpus
from domainbert.stages.held_out import measure
from domainbert.stages.inputs import Inputs, locate
from domainbert.stages.plan import Until, plan_stages
from domainbert.stages.pretrain import Adaptation, Trained, fit_head, pretrain
from domainbert.stages.vocabulary import extend_vocabulary
from domainbert.storage.files import check_utf8, sha256_file
from domainbert.training.job import check_environment


def adapt(
    recipe: Recipe,
    folder: Path,
    out: Path,
    registry: Registry,
    reporter: Reporter,
    until: Until | None = None,
) -> RunSummary | None:
    """Adapt a base model to a corpus and compare the two; the same call continues a stopped run.

    Stages that are done under their key are kept, so a call after a change redoes what depends on
    it. Data stages run in rank 0 before processes know of each other; ranks train and score.

    Args:
        recipe: The recipe.
        folder: Its relative paths start here.
        out: Run folder.
        registry: Plugins, for the domain named in the recipe.
        reporter: Where progress is shown.
        until: Last stage to run.

    Returns:
        A summary; None in other ranks than the first, and where `until` ends the run early.

    Raises:
        UserError: Recipe, data, base or folder cannot be used; nothing was begun.
        RunFailed: Training or evaluation could not be finished.
        Stopped: A signal; a checkpoint is kept.
    """
    check_utf8(folder.resolve())
    check_utf8(out)
    with open_session(out, reporter, resume_command(out)) as session:
        if not is_worker():  # the supervisor has said it
            session.reporter.say(f"recipe {recipe.name} → {out}")
        check_run_folder(session.run)
        inputs = locate(recipe, folder, registry, session)
        stages = plan_stages(recipe, inputs, session.run)
        stages.check()
        with open_run(session.run, recipe, folder, session.is_main):
            corpus = build_corpus(stages.corpus, inputs, session)
            if until == "corpus":
                return None
            extended = extend_vocabulary(
                stages.vocabulary, recipe.vocabulary, corpus, inputs, session
            )
            if until == "vocabulary":
                return None
            session = session.with_processes(recipe.train.precision)
            check_environment(recipe.train, session.accelerator)
            head = fit_head(stages.head, inputs, corpus, recipe.train, session)
            adapted = pretrain(stages.pretrain, head, extended, recipe.train, session)
            if until == "pretrain":
                return None
            before = measure(stages.base_score, head.folder, corpus, recipe, session)
            after = measure(stages.adapted_score, adapted.folder, corpus, recipe, session)
            models = _models(inputs, adapted)
            reports = evaluate(models, inputs.tasks, recipe.evaluate, session, recipe)
            if before is None or after is None:
                return None
            summary = RunSummary(
                recipe=recipe,
                base=inputs.base,
                corpus=corpus[0].manifest,
                adaptation=Adaptation(
                    before,
                    after,
                    inputs.new_head,
                    adapted.steps,
                    adapted.tokens,
                    adapted.seconds,
                    adapted.skipped,
                ),
                reports=reports,
                hardware=hardware(session),
                extension=extended[0],
            )
            write_card(summary, session.run)
            return summary


def resume_command(out: Path) -> str:
    """Return the command that continues a run in a folder as this process was started."""
    return continue_command(out, int(os.environ["WORLD_SIZE"]) if is_worker() else 1)


def _models(inputs: Inputs, adapted: Trained) -> tuple[ModelUnderTest, ModelUnderTest]:
    """Return base and adapted model as models under test."""
    base = inputs.base
    return (
        ModelUnderTest("base", base.folder, base.sha256, base.public_name),
        ModelUnderTest(
            "adapted",
            adapted.folder,
            sha256_file(adapted.folder / "model.safetensors"),
            base.public_name,
            adapted.tokens,
            adapted.seconds / 60,
        ),
    )
