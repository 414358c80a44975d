"""Adaptations whose recipe extends the vocabulary."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from typing import Any

import pytest
import torch
from helpers.runs import held_out

from domainbert.corpus.steps.held_out import heldout_texts, split_documents
from domainbert.corpus.store import open_store
from domainbert.model.load import find_base, load_masked_lm
from domainbert.run.folder import RunFolder
from domainbert.testing import tiny_checkpoint
from domainbert.tokenizer.load import encode_texts, load_tokenizer
from domainbert.training.held_out import measure_held_out

Adapt = Callable[..., Any]
MakeTown = Callable[[], Any]


def write_zoo(town: Any, vocabulary: dict[str, Any], **settings: Any) -> None:
    sections = {"tasks": [], "vocabulary": vocabulary}
    town.write(animals=True, sections=sections, **settings)


@pytest.fixture(scope="module", params=[True, False], ids=["with head", "new head"])
def zoo(request: pytest.FixtureRequest, make_town: MakeTown, adapt: Adapt) -> Any:
    """A finished run, of a base with a head and of one without."""
    town = make_town()
    write_zoo(town, {"size": 3}, with_head=request.param)
    adapt(town, "town.yaml", "--out", "run")
    return town


@pytest.mark.slow
def test_the_model_has_the_entries_and_other_words_keep_their_ids(zoo: Any) -> None:
    run = RunFolder(zoo.folder / "run")
    old, new = load_tokenizer(zoo.folder / "base"), load_tokenizer(run.model)
    content = (run.path / "vocabulary" / "vocabulary.json").read_bytes()
    assert [entry["text"] for entry in json.loads(content)["added"]] == [
        "number", "quokka", "During",
    ]  # fmt: skip
    assert (run.model / "vocabulary.json").read_bytes() == content
    size = json.loads((run.model / "config.json").read_text())["vocab_size"]
    assert len(new) == len(old) + 3 == size
    assert encode_texts(new, ["number quokka"]) == [[len(old), len(old) + 1]]
    assert encode_texts(new, ["quokkas boat"]) == encode_texts(old, ["quokkas boat"])


def test_the_store_has_the_new_tokens_and_only_the_training_slice_was_counted(zoo: Any) -> None:
    run = RunFolder(zoo.folder / "run")
    before, after = (open_store(run.path / name / "store") for name in ("corpus", "vocabulary"))
    texts = [after.text(row) for row in range(len(after.lengths_D))]
    ids = [after.ids(row).tolist() for row in range(len(texts))]
    assert ids == encode_texts(load_tokenizer(run.model), texts)
    for key in ("documents", "characters", "counts", "sources", "digest"):
        assert before.manifest[key] == after.manifest[key]
    record = json.loads((run.path / "vocabulary" / "vocabulary.json").read_text())
    rows = split_documents(before, 0.2).train_T
    assert record["tokens_before"] == before.lengths_D[rows].sum()
    assert record["tokens_saved"] == before.lengths_D[rows].sum() - after.lengths_D[rows].sum()


def test_before_is_the_old_model_with_the_old_tokenizer(zoo: Any) -> None:
    run = RunFolder(zoo.folder / "run")
    new_head = (run.path / "head").exists()
    folder = run.path / "head" / "model" if new_head else zoo.folder / "base"
    loaded = load_masked_lm(find_base(str(folder), zoo.folder), seed=0)
    base = load_masked_lm(find_base("base", zoo.folder), seed=0).model.state_dict()
    changed = {n for n, v in loaded.model.state_dict().items() if not torch.equal(v, base[n])}
    assert all(name.startswith("cls.") for name in changed)
    assert bool(changed) == new_head
    store = open_store(run.corpus / "store")
    texts = heldout_texts(store, split_documents(store, 0.2), 50_000)
    score = measure_held_out(loaded.model, loaded.tokenizer, texts, 32, torch.device("cpu"))
    before, after = held_out(run)["base"], held_out(run)["adapted"]
    assert before["bits_per_character"] == pytest.approx(score.bits_per_character, rel=1e-6)
    # The same characters are hidden, in fewer tokens.
    assert before["characters"] == score.characters == after["characters"]
    assert before["tokens"] > after["tokens"]


@pytest.mark.parametrize(
    ("family", "vocabulary", "message"),
    [
        ("bert", {"size": 3, "slots": "unused"}, "has 0 free [unused] entries, 3 are needed"),
        (
            "bert", {"size": 3, "mine": False},
            "takes the terms of the domain, and the recipe names no `domain:`",
        ),
        ("bert", {"size": 3, "min_frequency": 10_000}, "No word can be added"),
        ("roberta", {"size": 3}, "only WordPiece vocabularies"),
    ],
)  # fmt: skip
def test_what_cannot_be_added_is_refused_and_leaves_nothing(
    make_town: MakeTown, adapt: Adapt, family: str, vocabulary: dict[str, Any], message: str
) -> None:
    town = make_town()
    write_zoo(town, vocabulary)
    shutil.rmtree(town.folder / "base")
    tiny_checkpoint(town.folder / "base", family)
    assert message in adapt(town, "town.yaml", "--out", "run", code=2).err
    assert not (town.folder / "run").exists()
