"""From the recipe to the rule by which sequences are masked and paired."""

from __future__ import annotations

from dataclasses import replace

from domainbert.base import LoadedModel
from domainbert.corpus.store import TokenStore
from domainbert.errors import DataError
from domainbert.recipe_train import TrainSection
from domainbert.tokenizer import SpecialTokens
from domainbert.training.masking import MaskRule, mask_rule
from domainbert.training.order import SequenceIndex
from domainbert.training.pair_head import attach_pair_head
from domainbert.training.pairs import PairRule, check_pairs


def mask_rule_of(
    settings: TrainSection,
    loaded: LoadedModel,
    specials: SpecialTokens,
    store: TokenStore,
    index: SequenceIndex,
) -> MaskRule:
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
    if settings.needs_words and not store.mark_values:
        raise DataError("The token store does not say where words begin; delete it and run again.")
    rule = mask_rule(
        settings.mask_rates[0],
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
