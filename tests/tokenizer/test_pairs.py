from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from domainbert.errors import BaseModelError
from domainbert.testing import FAMILIES
from domainbert.tokenizer.load import encode_texts, load_tokenizer
from domainbert.tokenizer.pairs import pair_joiner


@pytest.mark.parametrize("family", FAMILIES)
def test_pairs_are_those_of_the_tokenizer(
    family_folder: Callable[[str], Path], family: str
) -> None:
    tokenizer = load_tokenizer(family_folder(family))
    join = pair_joiner(tokenizer)
    for texts in (["the boat", "a mill of the baker"], ["the", "the"]):
        expected = tokenizer(*texts)
        ids, types = join(*encode_texts(tokenizer, texts))
        assert list(ids) == expected["input_ids"]
        given = expected.get("token_type_ids") or []
        assert list(types) == (given if any(given) else [])


def test_a_tokenizer_that_frames_pairs_in_another_way_is_refused(
    family_folder: Callable[[str], Path],
) -> None:
    from tokenizers.processors import TemplateProcessing

    tokenizer = load_tokenizer(family_folder("bert"))
    signs = [(token, tokenizer.convert_tokens_to_ids(token)) for token in ("[CLS]", "[SEP]")]
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $B [SEP] $A", special_tokens=signs
    )
    with pytest.raises(BaseModelError, match="frames pairs of texts in an unknown way"):
        pair_joiner(tokenizer)
