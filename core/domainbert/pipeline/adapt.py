"""The main path, read first: a list of stages from recipe to model card."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from domainbert.corpus.stats import contaminated
from domainbert.model.fresh import asked_for
from domainbert.pipeline.evaluate import evaluate, run_models
from domainbert.pipeline.kept import drop_blends
from domainbert.pipeline.trial import ModelUnderTest
from domainbert.plugin.registry import Registry
from domainbert.recipe.schema import Recipe
from domainbert.report.card import RunSummary, write_card
from domainbert.run.environment import hardware
from domainbert.run.folder import check_run_folder, open_run, update_lock
from domainbert.run.heartbeat import is_worker
from domainbert.run.progress import Reporter
from domainbert.run.resume_command import continue_command
from domainbert.run.session import Session, open_session
from domainbert.stages.blend import Blend, blend_models, check_average
from domainbert.stages.corpus import Corpus, build_corpus
from domainbert.stages.forgetting import check_forgetting
from domainbert.stages.held_out import measure
from domainbert.stages.inputs import Inputs, locate
from domainbert.stages.plan import Stages, Until, plan_stages
from domainbert.stages.pretrain import Trained, describe, fit_head, pretrain
from domainbert.stages.sentences import find_pairs, harm_notice, train_sentences
from domainbert.stages.vocabulary import extend_vocabulary
from domainbert.storage.files import check_utf8, sha256_file
from domainbert.tasks.trials import unused_settings
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
    with open_session(out, reporter, continue_command(out)) as session:
        if not is_worker():  # the supervisor has said it
            session.reporter.say(f"recipe {recipe.name} → {out}")
        check_run_folder(session.run)
        inputs = locate(recipe, folder, registry, session)
        if notice := harm_notice(recipe, inputs.base.folder):
            session.reporter.say(notice)
        for notice in unused_settings(inputs.tasks, recipe.evaluate):
            session.reporter.say(notice)
        stages = plan_stages(recipe, inputs, session.run)
        stages.check()
        check_average(stages, recipe, session.run)
        with open_run(session.run, recipe, folder, session.is_main):
            if inputs.pins and session.is_main:
                update_lock(session.run, datasets=dict(inputs.pins))
            if inputs.base.revision and session.is_main:
                update_lock(session.run, bases={asked_for(recipe.base): inputs.base.revision})
            return _run_stages(recipe, inputs, stages, session, until)


def _run_stages(
    recipe: Recipe, inputs: Inputs, stages: Stages, session: Session, until: Until | None
) -> RunSummary | None:
    """Run the stages that are not done under their key; data stages in rank 0 alone."""
    train = recipe.train
    corpus = build_corpus(stages.corpus, inputs, session)
    pairs = find_pairs(stages.sentences, corpus, recipe, session)
    if until == "corpus":
        return None
    extended = extend_vocabulary(stages.vocabulary, recipe.vocabulary, corpus, inputs, session)
    if until == "vocabulary":
        return None
    session = session.with_processes(train.precision)
    check_environment(train, session.accelerator)
    head = fit_head(stages.head, inputs, corpus, train, session)
    adapted = pretrain(stages.pretrain, inputs, head, extended, train, session)
    if until == "pretrain":
        return None
    given = corpus, inputs, recipe, session
    before = measure(stages.base_score, head.folder, *given)
    after = measure(stages.adapted_score, adapted.folder, *given)
    check_forgetting(recipe, before, after)
    adaptation = describe(before, after, inputs.new_head, adapted)
    models = _models(inputs, corpus, adapted, adaptation.doubt)
    run_models(models, inputs.tasks, recipe.evaluate, session, recipe)
    blend = blend_models(stages, inputs, corpus, recipe, (before, after), session)
    check_forgetting(recipe, before, after, blend)
    if not blend.is_adapted:
        models.append(_blend(models[1], blend, session))
    retrieval = train_sentences(stages.sentences, inputs, corpus, pairs, recipe, session)
    reports = evaluate(models, inputs.tasks, recipe.evaluate, session, recipe)
    drop_blends(session, {model.sha256 for model in models if model.name == "blend"})
    if not session.is_main:
        return None
    manifest, extension = corpus[0].manifest, extended[0]
    done = adaptation, reports, hardware(session), session.run.path, extension, inputs.language
    summary = RunSummary(recipe, inputs.base, manifest, *done, blend, retrieval)
    write_card(summary, session.run)
    return summary


def _models(inputs: Inputs, corpus: Corpus, adapted: Trained, doubt: str) -> list[ModelUnderTest]:
    base, digest = inputs.base, sha256_file(adapted.folder / "model.safetensors")
    done = adapted.tokens, adapted.seconds / 60, doubt
    model = ModelUnderTest("adapted", adapted.folder, digest, base.public_name, *done)
    return [
        ModelUnderTest("base", base.folder, base.sha256, base.public_name),
        replace(model, contaminated=contaminated(corpus[0].manifest)),
    ]


def _blend(adapted: ModelUnderTest, blend: Blend, session: Session) -> ModelUnderTest:
    folder = session.run.model
    digest = sha256_file(folder / "model.safetensors")
    return replace(adapted, name="blend", folder=folder, sha256=digest, blend=blend.name)
