"""From model, corpus and settings to a job, or why this machine cannot do what a recipe asks."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch

from domainbert.corpus.store import TokenStore
from domainbert.errors import DataError, RecipeError, UserError
from domainbert.model.dropout import quicken_dropout
from domainbert.model.families import family_of, layout_of
from domainbert.model.load import LoadedModel
from domainbert.model.packed_attention import attend_within
from domainbert.recipe.train import TrainSection
from domainbert.run.session import Session
from domainbert.tokenizer.load import special_tokens
from domainbert.training.data.masking import MaskingConfig
from domainbert.training.data.order import index_sequences
from domainbert.training.losses import objectives_of, prepare_objectives
from domainbert.training.phases import check_shares
from domainbert.training.step import Job
from domainbert.training.wrap import save_memory

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def build_job(
    settings: TrainSection,
    loaded: LoadedModel,
    store: TokenStore,
    documents_T: NDArray[np.int64],
    session: Session,
) -> Job:
    """Fit model, corpus and settings together.

    Raises:
        RecipeError: A setting does not fit the number of processes, or two objectives frame
            sequences. What does not fit the base is refused by `locate`.
        DataError: The store has no token units, and the recipe needs them.
    """
    if settings.needs_words and store.manifest["units"] is None:
        raise DataError("The token store does not say where words begin; delete it and run again.")
    specials = special_tokens(loaded.tokenizer)
    check_shares(settings, session.accelerator.num_processes)
    capacity = specials.room(settings.max_seq_length, paired=settings.sentence_pairs != "none")
    index = index_sequences(store, documents_T, capacity)
    model = loaded.model.to(session.accelerator.device)
    if settings.gradient_checkpointing:
        save_memory(model)
    layout, family = layout_of(model), model.config.model_type
    if family_of(model) is None:
        session.reporter.say(f"model type {family!r}: all logits are computed, which is slower")
    if layout == "padded":
        session.reporter.say(f"model type {family!r}: sequences are padded, which is slower")
    if settings.torch_compile:
        layout = "padded"  # else each new make-up of a row would be compiled
    if layout == "flat":
        attend_within(model)
    quicken_dropout(model)
    masking = MaskingConfig(
        settings.mlm_probabilities[0], settings.seed, specials, len(loaded.tokenizer),
        settings.masking, settings.term_share,
    )  # fmt: skip
    still = frozenset(name for name, p in model.named_parameters() if not p.requires_grad)
    job = Job(model, store, index, masking, layout, settings, session, objectives_of(settings))
    return prepare_objectives(replace(job, still=still))


def check_environment(settings: TrainSection, accelerator: Any) -> None:
    """Refuse, before any work starts, what cannot be done on this machine.

    Args:
        settings: The recipe's `train:` section.
        accelerator: Knows how processes were started.

    Raises:
        RecipeError: A setting asks for an objective or a compiler that is not here.
        UserError: The processes were started in a way that is not supported.
    """
    objectives_of(settings)
    compiled, kind = settings.torch_compile, accelerator.distributed_type.value
    if compiled and accelerator.is_fsdp2:
        raise RecipeError("train.torch_compile: cannot be used with FSDP; leave one of them out.")
    if compiled and not any(map(shutil.which, (os.environ.get("CXX", "g++"), "g++", "clang++"))):
        raise RecipeError("train.torch_compile: install g++ or clang++, or leave it out.")
    if kind == "FSDP" and not accelerator.is_fsdp2:
        raise UserError("FSDP 1 is not supported. Set `fsdp_version: 2` in Accelerate's config.")
    if kind not in {"NO", "FSDP"} and not kind.startswith("MULTI_"):
        raise UserError(f"{kind} is not supported. Use plain processes or FSDP 2.")
    processes, gpus = int(os.environ.get("LOCAL_WORLD_SIZE", "1")), torch.cuda.device_count()
    # NCCL refuses several processes on one GPU too, but later and without a remedy.
    if accelerator.device.type == "cuda" and processes > gpus:
        raise UserError(
            f"{processes} processes were started on a machine with {gpus} GPU(s), and each needs "
            f"one. Start {gpus}, or train on the CPU with ACCELERATE_USE_CPU=true."
        )
