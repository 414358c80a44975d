"""A sentence encoder: modules of sentence-transformers, or the mean of an encoder's token vectors.

Legend: N texts, H hidden size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from domainbert.errors import BaseModelError, UserError, one_line
from domainbert.model.check import check_ids
from domainbert.model.load import longest_sequence
from domainbert.model.opening import quiet_transformers
from domainbert.model.sentence_modules import MODULES, module_folders
from domainbert.words import LONE_SURROGATE

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LONGEST = 512
_BATCH = 32


@dataclass(frozen=True)
class SentenceEncoder:
    """A model that gives a vector per text.

    Args:
        model: A `SentenceTransformer` in evaluation mode.
        window: Tokens that it reads of a text, special tokens included.
    """

    model: Any
    window: int

    @property
    def size(self) -> int:
        """Numbers in a vector."""
        return int(self.model.get_embedding_dimension())

    def encode(self, texts: Sequence[str]) -> tuple[NDArray[np.float32], int]:
        """Return vectors, float32 (N, H), and the number of texts that are longer than the window.

        Raises:
            BaseModelError: A number is not finite.
        """
        texts = [LONE_SURROGATE.sub("\ufffd", text) for text in texts]
        with quiet_transformers():  # it warns of texts that are counted here
            tokens = self.model.tokenizer(texts, add_special_tokens=True, truncation=False)
        cut = sum(len(ids) > self.window for ids in tokens["input_ids"])
        vectors_NH = self.model.encode(
            texts, batch_size=_BATCH, show_progress_bar=False, convert_to_numpy=True
        )
        if not np.isfinite(vectors_NH).all():
            raise BaseModelError("the model gives vectors that are not finite.")
        return np.asarray(vectors_NH, np.float32), cut


def open_encoder(folder: Path, device: str = "cpu") -> SentenceEncoder:
    """Open a checkpoint as a sentence encoder, running no code from it.

    A checkpoint without modules of sentence-transformers gives the mean of its token vectors.

    Args:
        folder: Of the checkpoint, from `find_base`.
        device: Name of a device.

    Raises:
        UserError: sentence-transformers is not installed.
        BaseModelError: It cannot be opened.
    """
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError:
        raise UserError(
            "vectors need sentence-transformers: pip install 'domainbert[sentences]'."
        ) from None
    try:
        with quiet_transformers():
            if (folder / MODULES).is_file() and module_folders(folder) is None:
                raise ValueError(f"{MODULES} names folders outside of it")
            # Without modules it makes the mean of token vectors.
            opened = SentenceTransformer(
                str(folder), device=device, local_files_only=True, trust_remote_code=False
            )
            inner: Any = opened[0].model
            check_ids(opened.tokenizer, inner.config.vocab_size, str(folder))
            longest = min(longest_sequence(inner), _LONGEST)
    except BaseModelError:
        raise
    except Exception as error:  # a config can make it raise anything
        raise BaseModelError(f"{folder}: no sentence encoder: {one_line(error)}") from None
    if not opened.max_seq_length or opened.max_seq_length > longest:
        opened.max_seq_length = longest
    return SentenceEncoder(opened.eval(), opened.max_seq_length)
