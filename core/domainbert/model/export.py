"""Write a model and its tokenizer for plain `from_pretrained`."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from domainbert.errors import BaseModelError, RunFailed, one_line
from domainbert.model.load import BaseFolder, LoadedModel
from domainbert.model.lora import quiet_peft
from domainbert.model.masked_lm import first_non_finite, without_heads
from domainbert.model.opening import quiet_transformers
from domainbert.model.sentence_modules import copy_modules
from domainbert.storage.files import folder_in_place, read_json, write_json, write_manifest
from domainbert.tokenizer.extend import write_extension
from domainbert.tokenizer.load import fingerprint, load_tokenizer

ADAPTER_BASE = "base.json"
"""Beside an adapter: name, revision and hash of the weights of its base."""

_OF_LOADING = {"local_files_only", "is_local", "max_length"}


def check_saves(tokenizer: Any) -> None:
    """Refuse a tokenizer that could not be saved after hours of training.

    Raises:
        BaseModelError: It cannot be saved, or does something else when loaded again.
    """
    with TemporaryDirectory() as folder:
        save_tokenizer(tokenizer, Path(folder))


def save_tokenizer(tokenizer: Any, folder: Path) -> None:
    """Save a tokenizer, and compare what a new process would load with it.

    Raises:
        BaseModelError: It cannot be saved, or does something else when loaded again.
    """
    try:
        with quiet_transformers():
            tokenizer.save_pretrained(folder)
            _forget_this_machine(folder / "tokenizer_config.json")
            same = fingerprint(load_tokenizer(folder)) == fingerprint(tokenizer)
    except (BaseModelError, OSError):
        raise
    except Exception as error:  # its classes raise anything
        raise BaseModelError(f"the base's tokenizer cannot be saved: {one_line(error)}") from None
    if not same:
        raise BaseModelError(
            "the base's tokenizer, saved and loaded again, gives other ids. Please report this "
            "with the name of the base."
        )


def _forget_this_machine(path: Path) -> None:
    """Drop what transformers keeps of how the base was loaded and cut here."""
    config = read_json(path)
    write_json(path, {key: value for key, value in config.items() if key not in _OF_LOADING})


def export_adapter(loaded: LoadedModel, folder: Path, base: BaseFolder) -> None:
    """Save the adapter of a model for plain peft, with the tokenizer if entries were added to it.

    Args:
        loaded: Has the adapter.
        folder: Written in one rename.
        base: The checkpoint that it belongs to, named in the adapter with its hash.
    """
    about = {"name": base.public_name, "revision": base.revision, "sha256": base.sha256}
    config = loaded.adapter.peft_config["default"]
    config.base_model_name_or_path, config.revision = base.public_name, base.revision
    with folder_in_place(folder) as beside, quiet_peft(), quiet_transformers():
        # New rows are saved by `trainable_token_indices`, the matrix never.
        loaded.adapter.save_pretrained(beside, save_embedding_layers=False)
        (beside / "README.md").unlink(missing_ok=True)  # of peft, without content
        if loaded.extension is not None:
            save_tokenizer(loaded.tokenizer, beside)
            write_extension(beside, loaded.extension, loaded.tokenizer)
        write_json(beside / ADAPTER_BASE, about)
        write_manifest(beside)


def export_model(model: Any, loaded: LoadedModel, folder: Path) -> None:
    """Save model and tokenizer for plain `from_pretrained`, and check the files.

    Args:
        model: The model to save; the loaded one, or a part of it.
        loaded: Has the tokenizer, the entries added to it, and the folder that it came from.
        folder: Written in one rename.

    Raises:
        RunFailed: A weight is not finite.
        BaseModelError: The saved tokenizer does something else.
    """
    tokenizer = loaded.tokenizer
    broken = first_non_finite(model)
    if broken:
        raise RunFailed(f"{broken} holds values that are not finite; the model is not saved.")
    with folder_in_place(folder) as beside, quiet_transformers(), without_heads(model):
        model.save_pretrained(beside)
        save_tokenizer(tokenizer, beside)
        if loaded.folder is not None:
            copy_modules(loaded.folder, beside)
        if loaded.extension is not None:
            write_extension(beside, loaded.extension, tokenizer)
        write_manifest(beside)
