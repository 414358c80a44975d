"""From model, corpus and settings to a job: what every step of training needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from domainbert.corpus.store import TokenStore
from domainbert.errors import DataError
from domainbert.model.families import family_of, layout_of
from domainbert.model.layers import check_layers, depths
from domainbert.model.load import LoadedModel, check_length
from domainbert.model.packed_attention import attend_within
from domainbert.recipe.train import TrainSection
from domainbert.run.session import Session
from domainbert.tokenizer.load import special_tokens
from domainbert.training.data.masking import masking_config
from domainbert.training.data.order import index_sequences
from domainbert.training.losses import objectives_of, prepare_objectives
from domainbert.training.phases import check_shares
from domainbert.training.step import Job
from domainbert.training.wrap import save_memory

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from domainbert.training.data.batch import Layout


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
    if settings.needs_words and store.manifest["units"] is None:
        raise DataError("The token store does not say where words begin; delete it and run again.")
    specials = special_tokens(loaded.tokenizer)
    check_length(loaded.model, settings.max_seq_length, "train.max_seq_length")
    check_shares(settings, session.accelerator.num_processes)
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
