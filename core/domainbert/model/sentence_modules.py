"""The modules of a sentence encoder: what sentence-transformers reads beside the encoder itself."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from domainbert.storage.files import make_folder, read_json

MODULES = "modules.json"
"""Lists the modules of a sentence encoder, in order."""

_BESIDE = (MODULES, "sentence_bert_config.json", "config_sentence_transformers.json")
_IN_MODULE = ("config.json", "model.safetensors")
_PLAIN_NAME = re.compile(r"\w[\w.-]{0,99}")


def module_folders(folder: Path) -> list[str] | None:
    """Return the folders of the modules behind the encoder; None for no sentence encoder."""
    try:
        modules = read_json(folder / MODULES)
        places = [str(module.get("path") or "") for module in modules]
    except (OSError, ValueError, AttributeError, TypeError, RecursionError):
        return None
    named = [place for place in places if place]
    return named if all(map(_PLAIN_NAME.fullmatch, named)) else None


def copy_modules(source: Path, folder: Path) -> None:
    """Copy the modules of a sentence encoder, so that its descendant opens with the same pooling.

    Args:
        source: Folder of the checkpoint that a model was made from; of any other kind nothing is
            copied.
        folder: Of the model.
    """
    places = module_folders(source)
    if places is None:
        return
    files = [Path(name) for name in _BESIDE]
    files += [Path(place, name) for place in places for name in _IN_MODULE]
    for file in files:
        if (source / file).is_file():
            make_folder((folder / file).parent)
            shutil.copyfile(source / file, folder / file)
