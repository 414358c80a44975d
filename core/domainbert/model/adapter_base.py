"""An adapter of peft as a base: merged into the checkpoint that it belongs to, once, in the cache.

What follows sees a checkpoint like any other.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from domainbert.errors import BaseModelError, one_line
from domainbert.model.check import check_files, read_config
from domainbert.model.export import ADAPTER_BASE, export_model
from domainbert.model.load import BaseFolder, LoadedModel, find_base, load_masked_lm
from domainbert.model.lora import (
    ADAPTER_WEIGHTS,
    PEFT_PREFIX,
    ends_with,
    merge,
    quiet_peft,
)
from domainbert.storage.download import cache_folder
from domainbert.storage.files import manifest_trouble, sha256_file, sha256_of
from domainbert.tokenizer.extend import read_extension
from domainbert.tokenizer.initialise import extend_model
from domainbert.tokenizer.load import VOCABULARY_FILE, load_tokenizer

ADAPTER_CONFIG = "adapter_config.json"


def merged(folder: Path, name: str, around: Path, poll: Callable[[], None]) -> Path:
    """Return a checkpoint with the weights of an adapter added to those of its base.

    Args:
        folder: Of the adapter.
        name: Of the base in the recipe, for messages.
        around: A relative folder of its base starts here, unless it is beside the adapter.
        poll: As of `find_base`.

    Raises:
        BaseModelError: It is damaged, no LoRA, a pickle, of another base, or does not fit its base.
    """
    pickles = sorted(path.name for path in folder.glob("*.bin"))
    if not (folder / ADAPTER_WEIGHTS).is_file():
        what = f"only {pickles[0]}, a pickle, which can run code" if pickles else "no weights"
        raise BaseModelError(f"{name}: the adapter has {what}; expected {ADAPTER_WEIGHTS}.")
    check_files(folder, name)
    config = read_config(folder / ADAPTER_CONFIG, name)
    if trouble := manifest_trouble(folder):
        raise BaseModelError(f"{name}: {trouble}. Export it again.")
    if (kind := config.get("peft_type")) != "LORA":
        raise BaseModelError(f"{name}: is an adapter of the kind {kind}; only LORA can be merged.")
    base = _base_of(folder, config, name, around, poll)
    files = [folder / name for name in (ADAPTER_WEIGHTS, "tokenizer.json", VOCABULARY_FILE)]
    hashes = [sha256_file(f) for f in (*files, base.folder / "config.json") if f.is_file()]
    key = sha256_of(f"{hashes} {base.sha256} {sorted(config.items())}")
    target = cache_folder() / "merged" / key[:16]
    if not target.is_dir() or manifest_trouble(target):
        _merge(folder, config, base, target, name)
    return target


def _base_of(
    folder: Path, config: dict[str, Any], name: str, around: Path, poll: Callable[[], None]
) -> BaseFolder:
    source = config.get("base_model_name_or_path")
    if not isinstance(source, str) or not source:
        raise BaseModelError(f"{name}: {ADAPTER_CONFIG} names no base_model_name_or_path.")
    start = folder.parent if (folder.parent / source).is_dir() else around
    try:
        base = find_base(source, start, config.get("revision"), poll=poll, of_adapter=True)
    except BaseModelError as error:
        raise BaseModelError(
            f"{name}: its own base cannot be had: {error} A folder can be named in "
            f"{ADAPTER_CONFIG}, as base_model_name_or_path."
        ) from None
    expected = None
    if (folder / ADAPTER_BASE).is_file():
        expected = read_config(folder / ADAPTER_BASE, name).get("sha256")
    if expected and expected != base.sha256:
        raise BaseModelError(
            f"{name}: is an adapter of another base: it expects weights with sha256 {expected}, "
            f"and {source} has {base.sha256}."
        )
    return base


def _merge(folder: Path, config: dict[str, Any], base: BaseFolder, target: Path, name: str) -> None:
    loaded = load_masked_lm(base, 0)
    model, extension = loaded.model, None
    tokenizer = loaded.tokenizer
    if (folder / "tokenizer.json").is_file():
        tokenizer = load_tokenizer(folder)
    if (folder / VOCABULARY_FILE).is_file():
        extension = read_extension(folder)
        extend_model(model, loaded.tokenizer, extension)
    elif len(tokenizer) > model.config.vocab_size:
        model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    _add(folder, config, model, name)
    # A new head would be taken for a trained one later.
    whole = model.base_model if loaded.new_head else model
    about = LoadedModel(whole, tokenizer, False, extension, base.folder)
    export_model(whole, about, target)


def _add(folder: Path, given: dict[str, Any], model: Any, name: str) -> None:
    """Add the weights of an adapter to a masked language model, in place.

    Modules that the adapter has in full and the model has not, such as a classifier, are left out.
    """
    from peft import LoraConfig, PeftModel, set_peft_model_state_dict
    from safetensors.torch import load_file

    weights = load_file(folder / ADAPTER_WEIGHTS)
    inside = f"{PEFT_PREFIX}{model.base_model_prefix}."
    # Trained on the encoder alone, its names lack the encoder's.
    root = model if any(key.startswith(inside) for key in weights) else model.base_model
    try:
        with quiet_peft():
            config = LoraConfig.from_peft_type(**given)
            names = [place for place, _ in root.named_modules()]
            saved = [m for m in config.modules_to_save or () if any(ends_with(n, m) for n in names)]
            left_out = set(config.modules_to_save or ()) - set(saved)
            config.modules_to_save = saved or None
            adapter = PeftModel(root, config)
            own = {k: v for k, v in weights.items() if not left_out.intersection(k.split("."))}
            result: Any = set_peft_model_state_dict(adapter, own)
    except Exception as error:  # a config can make peft raise anything
        raise BaseModelError(f"{name}: the adapter does not fit: {one_line(error)}") from None
    lacking = [key for key in result.missing_keys if re.search("lora_|modules_to_save", key)]
    if odd := sorted([*result.unexpected_keys, *lacking]):
        raise BaseModelError(
            f"{name}: {len(odd)} weights of the adapter do not fit its base, such as {odd[0]}."
        )
    merge(adapter)
