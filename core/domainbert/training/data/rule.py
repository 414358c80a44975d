"""From the recipe to the rule by which sequences are masked and paired."""

from __future__ import annotations

from dataclasses import replace

from domainbert.corpus.store import TokenStore
from domainbert.errors import DataError
from domainbert.model.load import LoadedModel
from domainbert.model.pair_head import attach_pair_head
from domainbert.recipe.train import TrainSection
from domainbert.tokenizer.load import SpecialTokens
from domainbert.training.data.masking import MaskingConfig, masking_config
from domainbert.training.data.order import SequenceIndex
from domainbert.training.data.pairs import PairRule, check_pairs


def masking_config_of(
    settings: TrainSection,
    loaded: LoadedModel,
    specials: SpecialTokens,
    store: TokenStore,
    index: SequenceIndex,
) -> MaskingConfig:
    """Return how sequences are masked and paired; pairs give the model a head of their own.

    Args:
        settings: The recipe's section.
        loaded: Model and tokenizer; the model gets the head.
        specials: What frames and masks a sequence.
        store: Token store, with marks where the objective needs them.
        index: Sequences of the training slice.

    Raises:
        DataError: The store has no marks.
        RecipeError: No pairs can be made.
    """
    if settings.needs_words and store.manifest["units"] is None:
        raise DataError("The token store does not say where words begin; delete it and run again.")
    rule = masking_config(
        settings.mlm_probabilities[0],
        settings.seed,
        specials,
        len(loaded.tokenizer),
        settings.masking,
        settings.term_share,
    )
    if settings.sentence_pairs == "none":
        return rule
    typed = getattr(loaded.model.config, "type_vocab_size", 0) > 1
    pairs = PairRule(settings.sentence_pairs, settings.seed, specials, store, index, typed)
    check_pairs(pairs)
    attach_pair_head(loaded.model, settings.seed)
    return replace(rule, pairs=pairs)
