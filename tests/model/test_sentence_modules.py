"""A sentence encoder stays one: its pooling and the modules behind it go with the weights."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from domainbert.model.sentence_modules import copy_modules, module_folders

LINES = "\n".join(f"Order {n}: the pump in hall {n} leaks oil." for n in range(60))


@pytest.fixture
def sentence_base(family_folder: Any, tmp_path: Path) -> Callable[[str], Path]:
    """A tiny sentence encoder, written by sentence-transformers."""
    from sentence_transformers import SentenceTransformer, models

    def make(pooling: str) -> Path:
        encoder = models.Transformer(str(family_folder("bert")), max_seq_length=24)
        size = encoder.get_word_embedding_dimension()
        modules = [encoder, models.Pooling(size, pooling_mode=pooling), models.Normalize()]
        SentenceTransformer(modules=modules, device="cpu").save(str(tmp_path / "base"))
        return tmp_path / "base"

    return make


@pytest.mark.slow
@pytest.mark.parametrize("pooling", ["cls", "mean"])
def test_an_adapted_sentence_encoder_opens_with_the_pooling_of_its_base(
    sentence_base: Callable[[str], Path],
    cli: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fresh_accelerator: None,
    pooling: str,
) -> None:
    from sentence_transformers import SentenceTransformer

    from domainbert.model.load import find_base, load_masked_lm

    monkeypatch.chdir(tmp_path)
    sentence_base(pooling)
    Path("texts.txt").write_text(LINES)
    recipe = {
        "base": "./base",
        "corpus": [{"path": "texts.txt", "text_unit": "line"}],
        "train": {"steps": 2, "head_steps": 2, "max_seq_length": 24, "batch_size": 4},
        "blend": {"points": [0.5], "choose": 0.5},
    }
    Path("recipe.json").write_text(json.dumps(recipe))
    Path("recipe.yaml").write_text(json.dumps(recipe))
    done = cli("adapt", "recipe.yaml", "--out", "run")
    assert done.code == 0, done.err
    for folder in ("run/adapted", "run/model"):
        opened = SentenceTransformer(folder, device="cpu")
        kinds = [type(module).__name__ for module in opened]
        assert kinds == ["Transformer", "Pooling", "Normalize"]
        assert opened.max_seq_length == 24
        vectors = opened.encode(["the pump leaks oil"], convert_to_tensor=True)
        loaded = load_masked_lm(find_base(folder, Path()), 0)
        encoded = loaded.tokenizer(["the pump leaks oil"], return_tensors="pt")
        keys = {key: encoded[key] for key in ("input_ids", "attention_mask")}
        hidden = loaded.model.eval().base_model(**keys).last_hidden_state
        own = hidden[:, 0] if pooling == "cls" else hidden.mean(dim=1)
        own = own / own.norm(dim=1, keepdim=True)
        assert (vectors - own).abs().max() < 1e-5


@pytest.mark.parametrize(
    "content",
    ["", "{", "[1]", '{"a": 1}', '[{"path": "../x"}]', '[{"path": "a/b"}]', "[" * 9999],
)
def test_other_folders_have_no_modules(tmp_path: Path, content: str) -> None:
    if content:
        (tmp_path / "modules.json").write_text(content)
    (tmp_path / "to").mkdir()
    assert module_folders(tmp_path) is None
    copy_modules(tmp_path, tmp_path / "to")
    assert not list((tmp_path / "to").iterdir())
