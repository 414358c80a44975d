from __future__ import annotations

from pathlib import Path

import pytest
import torch

from domainbert.errors import BaseModelError
from domainbert.model.fresh import base_of, fresh_folder
from domainbert.model.load import find_base, load_masked_lm
from domainbert.recipe.schema import Recipe
from domainbert.storage.files import read_json
from domainbert.testing import tiny_checkpoint


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOMAINBERT_CACHE", str(tmp_path / "cache"))


def recipe(folder: Path, **base: object) -> Recipe:
    return Recipe.model_validate(
        {
            "name": "x",
            "base": {"source": str(folder), **base},
            "corpus": [{"path": "x.txt"}],
            "train": {"steps": 1, "seed": 3},
        }
    )


def test_a_fresh_base_has_the_tokenizer_and_other_sizes_and_weights(tmp_path: Path) -> None:
    folder = tiny_checkpoint(tmp_path / "base")
    plain = base_of(recipe(folder), tmp_path)
    made = base_of(recipe(folder, fresh={"num_hidden_layers": 1}), tmp_path)
    assert (plain.folder, plain.source) == (folder, str(folder))
    assert made.source == f"{folder} (random weights)"
    config, own = read_json(made.folder / "config.json"), read_json(folder / "config.json")
    assert config["num_hidden_layers"] == 1 != own["num_hidden_layers"]
    loaded, old = load_masked_lm(made, 0), load_masked_lm(plain, 0)
    assert loaded.tokenizer.get_vocab() == old.tokenizer.get_vocab()
    # The head is as new as the rest and learns with it.
    assert not loaded.new_head
    embeddings = (x.model.get_input_embeddings().weight for x in (loaded, old))
    assert not torch.equal(*embeddings)


def test_the_seed_of_training_draws_the_weights_and_they_are_made_once(tmp_path: Path) -> None:
    base = find_base(str(tiny_checkpoint(tmp_path / "base")), tmp_path)
    one, again, other = (fresh_folder(base, {}, seed) for seed in (1, 1, 2))
    assert one == again != other
    first, second = (load_masked_lm(find_base(str(f), tmp_path), 0).model for f in (one, other))
    states = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    assert not all(torch.equal(a, b) for a, b in states)
    (one / "model.safetensors").write_bytes(b"cut")
    assert load_masked_lm(find_base(str(fresh_folder(base, {}, 1)), tmp_path), 0)


@pytest.mark.parametrize(
    ("sizes", "said"),
    [
        ({"layers": 2}, "fresh: no size 'layers' in config.json; it has "),
        ({"num_attention_heads": 7}, "fresh: no model of these sizes: "),
    ],
)
def test_sizes_that_make_no_model_are_refused(
    tmp_path: Path, sizes: dict[str, int], said: str
) -> None:
    base = find_base(str(tiny_checkpoint(tmp_path / "base")), tmp_path)
    with pytest.raises(BaseModelError, match=said):
        fresh_folder(base, sizes, 0)
