"""What is hashed is what is loaded; the table of bad inputs has the files that are refused."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from domainbert.model.load import find_base, load_masked_lm


@pytest.fixture
def sharded(tmp_path: Path, tiny_base: Path) -> Path:
    """A checkpoint in two shards."""
    folder = shutil.copytree(tiny_base, tmp_path / "base")
    tensors = sorted(load_file(folder / "model.safetensors").items())
    (folder / "model.safetensors").unlink()
    names = [f"model-0000{n}-of-00002.safetensors" for n in (1, 2)]
    for place, name in enumerate(names):
        save_file(dict(tensors[place::2]), folder / name, {"format": "pt"})
    places = {key: names[n % 2] for n, (key, _) in enumerate(tensors)}
    index = {"metadata": {}, "weight_map": places}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return folder


def test_shards_are_hashed_by_name_and_loaded(sharded: Path, tiny_base: Path) -> None:
    found = find_base(str(sharded), Path())
    lines = "".join(
        f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}\n"
        for path in sorted(sharded.glob("*.safetensors"))
    )
    assert found.sha256 == hashlib.sha256(lines.encode()).hexdigest()
    one, two = (
        load_masked_lm(find_base(str(folder), Path()), 0).model.state_dict()
        for folder in (sharded, tiny_base)
    )
    assert all(one[key].equal(two[key]) for key in two)


def test_a_link_to_a_file_is_a_file(tmp_path: Path, tiny_base: Path) -> None:
    # The cache of a model hub consists of such links.
    for path in tiny_base.iterdir():
        (tmp_path / path.name).symlink_to(path)
    assert find_base(str(tmp_path), Path()).sha256 == find_base(str(tiny_base), Path()).sha256
