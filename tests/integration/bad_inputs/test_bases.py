"""Checkpoints that are damaged, unsafe or of another kind are refused before the corpus is read."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers.bad_inputs import Case, set_keys
from safetensors.torch import load_file, save_file

pytestmark = pytest.mark.slow

WEIGHTS = "base/model.safetensors"
FILES = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")


def on(name: str, change: Callable[[Path], object]) -> Callable[[Path], object]:
    return lambda folder: change(folder / "base" / name)


def file_cases() -> Iterator[Case]:
    """Damage of each file of a checkpoint."""
    changes: dict[str, Callable[[Path], object]] = {
        "missing": Path.unlink, "empty": lambda path: path.write_bytes(b""),
        "cut": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
        "noise": lambda path: path.write_bytes(bytes(range(256)) * 9),
        "a list": lambda path: path.write_bytes(b"[1, 2]"),
        "deep": lambda path: path.write_bytes(b'{"a":' + b"[" * 100_000),
        "a pipe": instead(os.mkfifo), "a folder": instead(Path.mkdir),
        "a link to a device": instead(lambda path: path.symlink_to("/dev/zero")),
        "a link to nothing": instead(lambda path: path.symlink_to("nowhere")),
        "6 GB of nothing": sparse,
    }  # fmt: skip
    for name in FILES:
        for what, change in changes.items():
            optional = name == "tokenizer_config.json" and what in {"missing", "a link to nothing"}
            codes = (0, 2) if optional else (2,)
            yield Case(f"{name}: {what}", on(name, change), "", codes=codes)


def instead(make: Callable[[Path], object]) -> Callable[[Path], object]:
    def change(path: Path) -> None:
        path.unlink()
        make(path)

    return change


def sparse(path: Path) -> None:
    with path.open("wb") as stream:
        stream.truncate(6 << 30)


def config(**values: Any) -> Callable[[Path], object]:
    """Return a change of keys of config.json; None removes a key."""

    def change(folder: Path) -> None:
        path = folder / "base" / "config.json"
        content = json.loads(path.read_text(encoding="utf-8")) | values
        kept = {key: value for key, value in content.items() if value is not None}
        path.write_text(json.dumps(kept), encoding="utf-8")

    return change


def config_cases() -> Iterator[Case]:
    """Configurations that say something else than the weights, or something unsafe."""
    bad: dict[str, tuple[Any, ...]] = {
        "model_type": (None, "gpt2", "t5", "nope", 3, "../bert", "bert\x1b[2J"),
        "num_hidden_layers": (0, -1, 1, 99, 10**9, "two", 1.5),
        "hidden_size": (0, -8, 7, 64, 10**9, "wide"),
        "num_attention_heads": (0, -1, 3, 5, "many"),
        "intermediate_size": (0, -1, 9, 10**9),
        "vocab_size": (0, -1, 5, 10**6, 10**12, "all"),
        "max_position_embeddings": (0, -1, 3, 10**9),
        "layer_norm_eps": (float("nan"), -1, "small"),
        "hidden_act": ("nope", 3), "type_vocab_size": (0, -1, 99),
        "hidden_dropout_prob": (2, -1, "half"),
        "is_decoder": (True,), "add_cross_attention": (True,), "auto_map": ({"AutoModel": "a.B"},),
        "attn_implementation": ("owner/kernel",), "_attn_implementation": ("owner/kernel",),
        "quantization_config": ({"quant_method": "bitsandbytes"}, {"quant_method": "nope"}, {}),
        "transformers_weights": ("other.safetensors", "../base/model.safetensors"),
        "pad_token_id": (-5, 10**9),
    }  # fmt: skip
    harmless = {("pad_token_id", 10**9), ("pad_token_id", -5), ("quantization_config", "{}")}
    for key, values in bad.items():
        for value in values:
            codes = (0, 2) if (key, str(value)) in {(k, str(v)) for k, v in harmless} else (2,)
            yield Case(f"{key}: {value!r}", config(**{key: value}), "base", codes=codes)


def weights(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        tensors = load_file(folder / WEIGHTS)
        change(tensors)
        save_file(tensors, folder / WEIGHTS, {"format": "pt"})

    return write


def weight_cases() -> Iterator[Case]:
    """Weights that are not those of the configuration, or not numbers."""
    name = "bert.encoder.layer.1.output.dense.weight"
    table = "bert.embeddings.word_embeddings.weight"
    changes: dict[str, Callable[[dict[str, Any]], object]] = {
        "a tensor is missing": lambda t: t.pop(name), "no tensor": lambda t: t.clear(),
        "a tensor too many": lambda t: t.update({"bert.extra.weight": torch.ones(2)}),
        "a layer too many": lambda t: t.update({name.replace(".1.", ".7."): t[name].clone()}),
        "another shape": lambda t: t.update({name: torch.ones(3, 3)}),
        "NaN": lambda t: t[name].fill_(float("nan")),
        "infinite": lambda t: t[name].fill_(float("inf")),
        "one NaN": lambda t: t[table][3].fill_(float("nan")),
        "fewer rows": lambda t: t.update({table: t[table][:9].clone()}),
    }  # fmt: skip
    for what, change in changes.items():
        yield Case(what, weights(change), "base")


def folder_cases() -> Iterator[Case]:
    """Sources and folders that are no checkpoint of ours."""
    for source in ("./nowhere", "../base", "/nowhere", "~nobody/base", "a b", "a/b/c/d", "package:",
                   "package:nope/x", "package:json/..", "package:__main__/x", "package:os.path/x",
                   "http://127.0.0.1/base", "file:///etc", "base\x1b[2J",
                   "./town.yaml"):  # fmt: skip
        yield Case(f"source {source!r}", set_keys(base=source), "base")
    pinned = set_keys(base={"source": "./base", "sha256": "0" * 64})
    yield Case("another hash", pinned, "0000")
    yield Case("pickles alone", pickled, "pickle")
    yield Case("an adapter", on("adapter_config.json", lambda p: p.write_text("{}")), "adapter")
    yield Case("a second weights file", second_file, "base")
    for index in ({}, {"weight_map": {}}, {"weight_map": {"a": "../x.safetensors"}}, [],
                  {"weight_map": {"a": "/etc/passwd"}},
                  {"weight_map": {"a": "b.safetensors"}}):  # fmt: skip
        name, text = "model.safetensors.index.json", json.dumps(index)
        yield Case(f"index {text}", on(name, lambda p, t=text: p.write_text(t)), "base")


def pickled(folder: Path) -> None:
    (folder / WEIGHTS).rename(folder / "base" / "pytorch_model.bin")


def second_file(folder: Path) -> None:
    shutil.copy(folder / WEIGHTS, folder / "base" / "model-00002-of-00002.safetensors")


def token_cases() -> Iterator[Case]:
    """Tokenizers that do not belong to the model."""
    changes: dict[str, Callable[[Any], object]] = {
        "an id beyond the rows": lambda t: t["model"]["vocab"].update({"zzz": 10**6}),
        "a hole in the ids": lambda t: t["model"]["vocab"].pop("the"),
        "two words of one id": lambda t: t["model"]["vocab"].update({"zzz": 40}),
        "a negative id": lambda t: t["model"]["vocab"].update({"zzz": -1}),
        "no model": lambda t: t.pop("model"), "no vocabulary": lambda t: t["model"].pop("vocab"),
        "an empty vocabulary": lambda t: t["model"].update({"vocab": {}}),
        "no mask token": without_mask,
    }  # fmt: skip
    for what, change in changes.items():
        yield Case(what, tokenizer(change), "base")


def without_mask(content: Any) -> None:
    content["added_tokens"] = [t for t in content["added_tokens"] if t["content"] != "[MASK]"]
    content["model"]["vocab"].pop("[MASK]")


def tokenizer(change: Callable[[Any], object]) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        path = folder / "base" / "tokenizer.json"
        content = json.loads(path.read_text(encoding="utf-8"))
        change(content)
        path.write_text(json.dumps(content), encoding="utf-8")

    return write


@pytest.mark.parametrize(
    "family", [file_cases, config_cases, weight_cases, folder_cases, token_cases]
)
def test_bases(family: Callable[[], Iterator[Case]], check: Callable[..., None]) -> None:
    check(family(), tasks=[])
