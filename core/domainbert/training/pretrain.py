"""Continued pretraining from base to adapted model: phases, resume, measurement, export."""

from __future__ import annotations

import gc
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from domainbert.corpus.store import TokenStore
from domainbert.errors import DataError, RecipeError, RunFailed, RunFolderError
from domainbert.model.families import family_of, layout_of
from domainbert.model.layers import check_layers, depths
from domainbert.model.load import LoadedModel, check_length, quiet_transformers
from domainbert.model.masked_lm import first_non_finite, without_heads
from domainbert.model.packed_attention import attend_within
from domainbert.recipe.train import TrainSection
from domainbert.run.session import Session
from domainbert.storage.files import folder_in_place, read_json, sha256_file, write_json
from domainbert.tokenizer.extend import write_extension
from domainbert.tokenizer.load import fingerprint, load_tokenizer, special_tokens
from domainbert.training.checkpoint import TrainState, load_optimizer
from domainbert.training.data.masking import masking_config
from domainbert.training.data.order import index_sequences
from domainbert.training.held_out import HeldOutScore, measure_held_out
from domainbert.training.loop import run_phase
from domainbert.training.losses import objectives_of, prepare_objectives
from domainbert.training.phases import Phase, check_shares
from domainbert.training.recovery import roll_back
from domainbert.training.resume import resume
from domainbert.training.step import BadStep, Job
from domainbert.training.trackers import tracked
from domainbert.training.wrap import save_memory

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from domainbert.training.data.batch import Layout


@dataclass(frozen=True)
class Adaptation:
    """What continued pretraining did.

    Args:
        before: Held-out text under the base; after the head phase, if its head is new.
        after: Held-out text under the adapted model.
        new_head: Whether the base had no trained MLM head.
        steps: Optimizer steps, head phase included.
        tokens: Tokens read in them, special tokens included.
        seconds: Wall time of these steps, over all calls that continued the run.
        skipped: Steps whose batch was passed over, from 1, and why.
    """

    before: HeldOutScore
    after: HeldOutScore
    new_head: bool
    steps: int
    tokens: int
    seconds: float
    skipped: dict[str, str] = field(default_factory=dict)


def build_job(
    settings: TrainSection,
    loaded: LoadedModel,
    store: TokenStore,
    documents_T: NDArray[np.int64],
    session: Session,
) -> Job:
    """Fit model, corpus and settings together.

    Raises:
        RecipeError: A setting does not fit the model or the number of processes.
        DataError: The store has no token units, and the recipe needs them.
    """
    if settings.needs_words and not store.mark_values:
        raise DataError("The token store does not say where words begin; delete it and run again.")
    specials = special_tokens(loaded.tokenizer)
    check_length(loaded.model, settings.max_seq_length, "train.max_seq_length")
    check_shares(settings, session.accelerator.num_processes)
    if loaded.new_head and not settings.head_steps:
        raise RecipeError("train.head_steps: 0, but the base has no trained MLM head; try 200.")
    check_layers(settings, depths(loaded.model), loaded.model.config.model_type)
    capacity = specials.room(settings.max_seq_length, paired=settings.sentence_pairs != "none")
    index = index_sequences(store, documents_T, capacity)
    model = loaded.model.to(session.accelerator.device)
    save_memory(model, settings.gradient_checkpointing)
    layout = _layout(model, settings, session)
    if layout == "flat":
        attend_within(model)
    masking = masking_config(
        settings.mlm_probabilities[0], settings.seed, specials, len(loaded.tokenizer),
        settings.masking, settings.term_share,
    )  # fmt: skip
    objectives = objectives_of(settings)
    job = Job(model, store, index, masking, layout, settings, session, objectives)
    return prepare_objectives(job)


def _layout(model: Any, settings: TrainSection, session: Session) -> Layout:
    """Return how sequences lie in a batch; say what makes a model slow."""
    layout, family = layout_of(model), model.config.model_type
    if family_of(model) is None:
        session.reporter.say(f"model type {family!r}: all logits are computed, which is slower")
    if layout == "padded":
        session.reporter.say(f"model type {family!r}: sequences are padded, which is slower")
    # A compiled model would be compiled again for each way in which a row is made up.
    return "padded" if settings.torch_compile else layout


def pretrain(
    job: Job,
    phases: tuple[Phase, ...],
    loaded: LoadedModel,
    heldout: list[str],
    identity: dict[str, str],
    before: HeldOutScore | None = None,
) -> Adaptation:
    """Train through all phases, continuing from the newest whole checkpoint.

    Args:
        job: The run.
        phases: From `plan_phases`.
        loaded: The base; its tokenizer is saved with the model.
        heldout: Texts to measure on.
        identity: Hashes of recipe, corpus and base, compared with the checkpoint's.
        before: Held-out text under the base, if it was measured already.
    """
    # A base with a head is measured as it is, so before a checkpoint is loaded over it.
    if before is None and phases[0].name == "full":
        before = _measured(job, "before", loaded.tokenizer, heldout)
    state, checkpoint = resume(job, identity, phases[-1].stop)
    with tracked(job.session, job.settings.trackers):
        for phase in phases:
            if phase.name == "full" and before is None:
                _refuse_late_measurement(job, phase, state)
                before = _measured(job, "before", loaded.tokenizer, heldout)
            state = _run(job, phase, state, checkpoint)
    assert before is not None  # noqa: S101  # the last phase is always `full`
    after = _measured(job, "after", loaded.tokenizer, heldout)
    if job.session.is_main and not job.session.run.model.exists():
        export_model(job.model, loaded, job.session.run.model)
    job.session.accelerator.wait_for_everyone()
    return _outcome(before, after, loaded.new_head, state)


def _run(job: Job, phase: Phase, state: TrainState, checkpoint: Path | None) -> TrainState:
    if state.step >= phase.stop:
        return state
    if phase.name == "head":
        job.session.reporter.say(
            "the base has no trained MLM head: a new one learns alone for "
            f"{phase.steps} steps first"
        )
    while True:
        # Averages of another phase's optimizer are of other parameters.
        restore = (
            partial(load_optimizer, checkpoint)
            if checkpoint is not None and phase.start < state.step
            else None
        )
        try:
            return run_phase(job, phase, state, restore)
        except BadStep as error:
            bad = BadStep(error.step, error.reason)
        # Outside the handler, whose frames hold the optimizer of the attempt and, with several
        # processes, a module that would still answer to gradients.
        gc.collect()
        state, checkpoint = roll_back(job, phase.start, state, bad)


def prepare_base(
    job: Job,
    phases: tuple[Phase, ...],
    loaded: LoadedModel,
    heldout: list[str],
    identity: dict[str, str],
) -> Adaptation:
    """Train the head of a base that has none, and measure the base; nothing else is changed.

    Args:
        job: The run, in a folder of its own.
        phases: From `head_phase`: one, or none for a base with a head.
        loaded: The base.
        heldout: Texts to measure on.
        identity: As for `pretrain`.

    Returns:
        The measurement as `before` and `after`.
    """
    state, checkpoint = resume(job, identity, phases[-1].stop if phases else 0)
    for phase in phases:
        state = _run(job, phase, state, checkpoint)
    bits = _measured(job, "before", loaded.tokenizer, heldout)
    return _outcome(bits, bits, loaded.new_head, state)


def _outcome(
    before: HeldOutScore, after: HeldOutScore, new_head: bool, state: TrainState
) -> Adaptation:
    return Adaptation(
        before, after, new_head, state.step, state.tokens, state.seconds, state.skipped
    )


def export_model(model: Any, loaded: LoadedModel, folder: Path) -> None:
    """Save model and tokenizer for plain `from_pretrained`, and check what was saved.

    Args:
        model: What is saved; the loaded one, or a part of it.
        loaded: Its tokenizer, and what was added to that.
        folder: Written in one rename.

    Raises:
        RunFailed: A weight is not finite, or the saved tokenizer does something else.
    """
    tokenizer = loaded.tokenizer
    broken = first_non_finite(model)
    if broken:
        raise RunFailed(f"{broken} holds values that are not finite; the model is not saved.")
    with folder_in_place(folder) as beside, quiet_transformers(), without_heads(model):
        model.save_pretrained(beside)
        tokenizer.save_pretrained(beside)
        if fingerprint(load_tokenizer(beside)) != fingerprint(tokenizer):
            raise RunFailed(
                "the saved tokenizer, loaded again, gives other ids; the model is not saved. "
                "Please report this with the name of the base model."
            )
        if loaded.extension is not None:
            write_extension(beside, loaded.extension, tokenizer)


def model_sha256(folder: Path) -> str:
    """Return the hash of a saved model's weights."""
    return sha256_file(folder / "model.safetensors")


def _refuse_late_measurement(job: Job, phase: Phase, state: TrainState) -> None:
    path = _bits_path(job, "before")
    if state.step > phase.start and not path.exists():
        raise RunFolderError(
            f"{path}: was deleted, and the model it measured is gone. Restore it, or start again "
            "with another --out."
        )


def _bits_path(job: Job, when: str) -> Path:
    return job.session.run.results / f"bits-{when}.json"


def _measured(job: Job, when: str, tokenizer: Any, heldout: list[str]) -> HeldOutScore:
    path = _bits_path(job, when)
    if job.session.is_main and not path.exists():
        length, device = job.settings.max_seq_length, job.session.accelerator.device
        poll = partial(job.session.check_stop, f"measuring {when}")
        bits = measure_held_out(job.model, tokenizer, heldout, length, device, poll)
        write_json(path, asdict(bits))
    job.session.accelerator.wait_for_everyone()
    return _read_bits(path)


def _read_bits(path: Path) -> HeldOutScore:
    try:
        return HeldOutScore(**read_json(path))
    except (ValueError, TypeError, RecursionError):
        raise RunFolderError(
            f"{path}: damaged. Delete it and run the same command again, or start again with "
            "another --out if that finds the measured model gone."
        ) from None
