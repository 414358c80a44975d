"""Write a model and its tokenizer for plain `from_pretrained`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from domainbert.errors import RunFailed
from domainbert.model.load import LoadedModel, quiet_transformers
from domainbert.model.masked_lm import first_non_finite, without_heads
from domainbert.storage.files import folder_in_place
from domainbert.tokenizer.extend import write_extension
from domainbert.tokenizer.load import fingerprint, load_tokenizer


def export_model(model: Any, loaded: LoadedModel, folder: Path) -> None:
    """Save model and tokenizer for plain `from_pretrained`, and check the files.

    Args:
        model: The model to save; the loaded one, or a part of it.
        loaded: Has the tokenizer, and the entries added to it.
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
            problem = "the saved tokenizer, loaded again, gives other ids; the model is not saved"
            raise RunFailed(f"{problem}. Please report this with the name of the base model.")
        if loaded.extension is not None:
            write_extension(beside, loaded.extension, tokenizer)
