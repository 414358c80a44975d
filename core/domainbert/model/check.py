"""Checks of a checkpoint's files before anything in them is loaded.

transformers loads exactly the files that are hashed: one `model.safetensors`, or the shards that an
index in the same folder names. The sizes in the configuration may not exceed those of the weights.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from domainbert.errors import BaseModelError, DataError
from domainbert.plugin.readers import check_regular
from domainbert.storage.files import sha256_file, sha256_of

WEIGHTS = "model.safetensors"
INDEX = f"{WEIGHTS}.index.json"
MAX_JSON_BYTES = 16 << 20
MAX_FILE_BYTES = 512 << 20
"""Of a tokenizer's files; the largest published ones have 35 MB."""

_PICKLES = {".bin", ".pt", ".pth", ".pkl", ".ckpt", ".h5", ".msgpack"}
_MAX_LAYERS, _MAX_HEADS = 1000, 100_000
# Each is a dimension of some weight, so none can be larger than the largest dimension.
_SIZES = ("vocab_size", "hidden_size", "intermediate_size", "embedding_size", "dim", "hidden_dim")
_LAYERS = ("num_hidden_layers", "n_layers", "num_layers")
_HEADS = ("num_attention_heads", "n_heads")
_EPSILONS = ("layer_norm_eps", "norm_eps", "layer_norm_epsilon")
_DECODER = ("is_decoder", "add_cross_attention", "is_encoder_decoder")


def weight_files(folder: Path, name: str) -> list[Path]:
    """Return the files that transformers would load as weights, sorted by name.

    Args:
        folder: Of the checkpoint.
        name: Of the checkpoint, for messages.

    Raises:
        BaseModelError: There are none, others stand beside them, or an index leads elsewhere.
    """
    present = sorted(path.name for path in folder.glob("*.safetensors"))
    pickles = sorted(path.name for path in folder.iterdir() if path.suffix in _PICKLES)
    if pickles and not present:
        raise BaseModelError(
            f"{name}: only {pickles[0]} and no .safetensors. A pickle can run code when "
            "opened: convert it on a machine you can lose, or ask the publisher for safetensors."
        )
    if not present:
        raise BaseModelError(f"{name}: {folder} holds no .safetensors file.")
    expected = [WEIGHTS]
    if (folder / INDEX).is_symlink() or (folder / INDEX).exists():
        expected = _shards(folder / INDEX, name)
    if present != expected:
        missing, surplus = {*expected} - {*present}, {*present} - {*expected}
        what = f"{min(missing)} is missing" if missing else f"{min(surplus)} is none of its weights"
        raise BaseModelError(
            f"{name}: {what}. Keep exactly the files of one checkpoint, so that the hash covers "
            "everything that is loaded."
        )
    for file in expected:
        _check_regular(folder / file, name)
    return [folder / file for file in expected]


def _shards(index: Path, name: str) -> list[str]:
    """Return the names of the shards of an index, all of which must lie beside it."""
    content = read_config(index, name)
    shards = content.get("weight_map")
    files = {*shards.values()} if isinstance(shards, dict) and shards else set()
    if not files or not all(isinstance(file, str) for file in files):
        raise BaseModelError(f"{name}: {index.name} has no `weight_map` from weights to files.")
    if outside := sorted(file for file in files if Path(file).name != file):
        raise BaseModelError(
            f"{name}: {index.name} names {outside[0]!r}, which is not in the checkpoint's folder."
        )
    return sorted(files)


def hash_weights(files: Iterable[Path]) -> str:
    """Return the hash of the weights; of several files that of their names and hashes."""
    hashes = [(path.name, sha256_file(path)) for path in files]
    if len(hashes) == 1:
        return hashes[0][1]
    return sha256_of("".join(f"{n} {digest}\n" for n, digest in hashes))


def hash_tokenizer(folder: Path) -> str:
    """Return the hash of a tokenizer: of `tokenizer.json`, or else of the files it is made from."""
    whole = folder / "tokenizer.json"
    parts = ("vocab.*", "merges.txt", "*.model", "tokenizer_config.json")
    files = [whole] if whole.is_file() else sorted(p for part in parts for p in folder.glob(part))
    return hash_weights(files)


def check_files(folder: Path, name: str) -> None:
    """Refuse pipes, devices, links to nothing and files of an absurd size beside the weights.

    Raises:
        BaseModelError: Naming the first.
    """
    for path in sorted(folder.iterdir()):
        if path.suffix in {".json", ".txt", ".model"}:
            _check_regular(path, name, MAX_FILE_BYTES)


def read_config(path: Path, name: str) -> dict[str, Any]:
    """Return a JSON object of a checkpoint.

    Raises:
        BaseModelError: Missing, no regular file, too large, no JSON object, or with NaN.
    """
    _check_regular(path, name, MAX_JSON_BYTES)
    try:
        content = json.loads(path.read_text(encoding="utf-8"), parse_constant=_no_constant)
    except (OSError, ValueError, RecursionError) as error:
        raise BaseModelError(f"{name}: no readable {path.name}: {error}") from None
    if not isinstance(content, dict):
        raise BaseModelError(f"{name}: {path.name} holds no JSON object.")
    return content


def _no_constant(word: str) -> None:
    raise ValueError(f"{word} is no number")


def _check_regular(path: Path, name: str, max_bytes: int | None = None) -> None:
    try:
        check_regular(path, max_bytes)
    except DataError as error:
        raise BaseModelError(f"{name}: {error}") from None


def check_unchanged(folder: Path, sha256: str | None, name: str) -> None:
    """Refuse weights that were replaced between their check and their use.

    Raises:
        BaseModelError: They have another hash now.
    """
    if sha256 and (found := hash_weights(weight_files(folder, name))) != sha256:
        changed = f"{found[:12]}… in place of {sha256[:12]}…"
        raise BaseModelError(f"{name}: its weights were replaced while it was used: {changed}")


def check_config(folder: Path, files: Iterable[Path], name: str) -> None:
    """Refuse a configuration that runs code, is no encoder's, or does not fit the weights.

    Raises:
        BaseModelError: With the key and what is wrong.
    """
    config = read_config(folder / "config.json", name)
    problem = next(_problems(config, folder), None) or _misfit(config, files, name)
    if problem:
        raise BaseModelError(f"{name}: {problem}")


def _problems(config: Mapping[str, Any], folder: Path) -> Iterator[str]:
    if (folder / "adapter_config.json").exists():
        yield "holds a model and an adapter (PEFT). Keep one of the two in the folder."
    if not isinstance(config.get("model_type"), str):
        yield "config.json names no model_type."
    if "auto_map" in config:
        yield (
            "config.json asks to run its own code (auto_map), which domainbert never does. Use a "
            "model that transformers knows."
        )
    # transformers would download and run a kernel named like owner/repository.
    if kernels := [k for k in config if "attn_implementation" in k and "/" in str(config[k])]:
        yield f"config.json asks to fetch code ({', '.join(kernels)})."
    if "transformers_weights" in config:
        yield f"config.json names other weights (transformers_weights). Only {WEIGHTS} is loaded."
    if any(config.get(key) for key in ("quantization_config", "compression_config")):
        yield "config.json says that the weights are quantised. Use the checkpoint in full."
    yield from _wrong_values(config)


def _wrong_values(config: Mapping[str, Any]) -> Iterator[str]:
    for key in _DECODER:
        if config.get(key):
            yield f"config.json says {key}: true; an encoder sees both sides of a token."
    most = dict.fromkeys(_LAYERS, _MAX_LAYERS) | dict.fromkeys(_HEADS, _MAX_HEADS)
    for key in most.keys() & config.keys():
        if not _is_count(config[key], most[key]):
            wanted = f"expected a number from 1 to {most[key]:,}"
            yield f"config.json: {key} is {config[key]!r}, {wanted}."
    for key in _EPSILONS:
        value = config.get(key, 1e-5)
        if not isinstance(value, int | float) or not 0 < value < math.inf:
            yield f"config.json: {key} is {value!r}, expected a small number above 0."


def _is_count(value: Any, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most


def _misfit(config: Mapping[str, Any], files: Iterable[Path], name: str) -> str:
    """Return a size of the configuration that no weight has; checked before memory is taken."""
    shapes = [shape for path in files for shape in _shapes(path, name)]
    largest = max((size for shape in shapes for size in shape), default=0)
    for key in _SIZES:
        if key in config and not _is_count(config[key], largest):
            return (
                f"config.json: {key} is {config[key]!r}, but the largest dimension of a weight is "
                f"{largest:,}. Weights and configuration do not belong together."
            )
    return ""


def _shapes(path: Path, name: str) -> list[list[int]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as stream:
            return [stream.get_slice(key).get_shape() for key in stream.keys()]  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise BaseModelError(f"{name}: {path.name} is damaged: {error}. Fetch it again.") from None


def check_ids(tokenizer: Any, rows: int, name: str) -> None:
    """Refuse ids of a tokenizer that are no rows of the model, have no token or have two.

    Args:
        tokenizer: With all its entries.
        rows: Of the model's embeddings.
        name: Of the checkpoint, for messages.

    Raises:
        BaseModelError: With the first of them.
    """
    tokens = tokenizer.get_vocab()
    ids = sorted(tokens.values())
    problem = ""
    if ids[0] < 0 or ids[-1] >= rows:
        problem = f"the tokenizer has the id {ids[-1]}, the model {rows} rows"
    elif len({*ids}) < len(ids):
        twice = next(first for first, second in pairwise(ids) if first == second)
        problem = f"two tokens have the id {twice}"
    elif ids != list(range(len(ids))):
        hole = next(number for number, found in enumerate(ids) if number != found)
        problem = f"no token has the id {hole}, and some have larger ones"
    if problem:
        raise BaseModelError(f"{name}: {problem}. Tokenizer and model do not belong together.")
