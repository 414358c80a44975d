"""Adaptations whose recipe extends the vocabulary."""

from __future__ import annotations

import json
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from safetensors.numpy import load_file

from domainbert.corpus.steps.held_out import heldout_texts, split_documents
from domainbert.corpus.store import open_store
from domainbert.model.load import find_base, load_masked_lm
from domainbert.run.folder import RunFolder
from domainbert.tokenizer.load import encode_texts, load_tokenizer
from domainbert.training.held_out import measure_held_out

Adapt = Callable[..., Any]
LINES = [
    "the quokka and two quokkas borrowed a basket",
    "a quokka opened the heron pond before dawn",
    "herons moved in with the quokka",
]


def write_zoo(town: Any, vocabulary: dict[str, Any], **settings: Any) -> Path:
    path = town.write(**settings)
    letters = town.folder / "letters.txt"
    more = "".join(f"{line} number {n}\n" for n in range(12) for line in LINES)
    letters.write_text(letters.read_text() + more)
    recipe = yaml.safe_load(path.read_text()) | {"tasks": [], "vocabulary": vocabulary}
    path.write_text(yaml.safe_dump(recipe))
    return path


@pytest.fixture(scope="module", params=[True, False], ids=["with head", "new head"])
def zoo(request: pytest.FixtureRequest, make_town: Callable[[], Any], adapt: Adapt) -> Any:
    """A finished run, of a base with a head and of one without."""
    town = make_town()
    write_zoo(town, {"size": 3}, with_head=request.param)
    adapt(town, "town.yaml", "--out", "run")
    return town


def test_the_model_has_the_entries_and_other_words_keep_their_ids(zoo: Any) -> None:
    run = RunFolder(zoo.folder / "run")
    old, new = load_tokenizer(zoo.folder / "base"), load_tokenizer(run.model)
    record = json.loads((run.path / "vocabulary.json").read_text())
    assert [entry["text"] for entry in record["added"]] == ["number", "quokka", "During"]
    assert (run.model / "vocabulary.json").read_bytes() == (
        run.path / "vocabulary.json"
    ).read_bytes()
    assert (
        len(new)
        == len(old) + 3
        == json.loads((run.model / "config.json").read_text())["vocab_size"]
    )
    assert encode_texts(new, ["number quokka"]) == [[len(old), len(old) + 1]]
    assert encode_texts(new, ["quokkas boat"]) == encode_texts(old, ["quokkas boat"])


def test_the_store_is_tokenised_anew_and_only_the_training_slice_was_counted(zoo: Any) -> None:
    run = RunFolder(zoo.folder / "run")
    before, after = open_store(run.before_extension.corpus), open_store(run.corpus)
    new = load_tokenizer(run.model)
    texts = [after.text(row) for row in range(len(after.lengths_D))]
    assert [after.ids(row).tolist() for row in range(len(texts))] == encode_texts(new, texts)
    for key in ("documents", "characters", "counts", "sources", "digest"):
        assert before.manifest[key] == after.manifest[key]
    record = json.loads((run.path / "vocabulary.json").read_text())
    rows = split_documents(before, 0.2).train_T
    assert record["tokens_before"] == before.lengths_D[rows].sum()
    assert record["tokens_saved"] == before.lengths_D[rows].sum() - after.lengths_D[rows].sum()


def test_before_is_the_old_model_with_the_old_tokenizer(zoo: Any) -> None:
    import torch

    run = RunFolder(zoo.folder / "run")
    first = run.before_extension
    loaded = load_masked_lm(find_base("base", zoo.folder), seed=0)
    if loaded.new_head:
        from domainbert.training.checkpoint import load_model, newest_checkpoint

        checkpoint, _ = newest_checkpoint(first.checkpoints)
        load_model(checkpoint, loaded.model)
    store = open_store(first.corpus)
    texts = heldout_texts(store, split_documents(store, 0.2), 50_000)
    expected = measure_held_out(loaded.model, loaded.tokenizer, texts, 32, torch.device("cpu"))
    told = json.loads((first.results / "bits-before.json").read_text())
    after = json.loads((run.results / "bits-after.json").read_text())
    assert told["bits_per_character"] == pytest.approx(expected.bits_per_character, rel=1e-6)
    # The same characters are hidden, in fewer tokens.
    assert told["characters"] == expected.characters == after["characters"]
    assert told["documents"] == after["documents"]
    assert told["tokens"] > after["tokens"]
    assert f"{told['bits_per_character']:.3f}" in run.card.read_text()


def test_steps_of_the_head_are_counted(zoo: Any) -> None:
    run = RunFolder(zoo.folder / "run")
    head = run.before_extension.checkpoints.exists()
    assert f"| {16 if head else 12} steps of 4" in run.card.read_text().replace("training | ", "| ")


def test_the_lock_names_the_extension(zoo: Any) -> None:
    run = RunFolder(zoo.folder / "run")
    record = json.loads((run.path / "vocabulary.json").read_text())
    lock = json.loads(run.lock.read_text())
    assert lock["vocabulary"]["sha256"] == record["sha256"]
    state = json.loads((run.checkpoints / "step-00000012" / "state.json").read_text())
    assert state["identity"]["vocabulary"] == record["sha256"]


def weights(run: Path) -> dict[str, bytes]:
    found = load_file(run / "model" / "model.safetensors")
    return {name: value.tobytes() for name, value in found.items()}


def cut_back(zoo: Any, name: str, *lost: str) -> Path:
    """Copy the run and remove what a run that was killed earlier would not have."""
    run = zoo.folder / name
    shutil.copytree(zoo.folder / "run", run)
    for path in ("README.md", "model", "results", *lost):
        target = run / path
        if target.is_dir():
            shutil.rmtree(target)
        else:
            target.unlink(missing_ok=True)
    return run


@pytest.mark.parametrize(
    "lost",
    [
        ("checkpoints/step-00000012",),
        ("checkpoints", "corpus"),
        ("checkpoints", "corpus", "base/checkpoints", "base/results"),
        ("checkpoints", "corpus", "base", "vocabulary.json"),
    ],
    ids=["training", "store", "head", "all"],
)
def test_a_run_that_was_cut_short_ends_with_the_same_model(
    zoo: Any, adapt: Adapt, lost: tuple[str, ...]
) -> None:
    run = cut_back(zoo, f"cut-{'-'.join(lost).replace('/', '-')}", *lost)
    adapt(zoo, run.name)
    assert weights(run) == weights(zoo.folder / "run")
    told = (run / "vocabulary.json").read_bytes()
    assert told == (zoo.folder / "run" / "vocabulary.json").read_bytes()


def test_an_edited_record_is_refused(zoo: Any, adapt: Adapt) -> None:
    run = cut_back(zoo, "edited")
    path = run / "vocabulary.json"
    path.write_text(path.read_text().replace('"quokka"', '"quokkaz"'))
    assert "vocabulary.json: was edited or damaged" in adapt(zoo, run.name, code=2).err


@pytest.mark.slow
def test_a_signal_while_the_head_learns_keeps_the_checkpoint(make_town: Callable[[], Any]) -> None:
    town = make_town()
    write_zoo(town, {"size": 3}, with_head=False, head_steps=4000, save_steps=1000)
    process = town.start("domainbert", "adapt", "town.yaml", "--out", "run")
    metrics = town.folder / "run" / "base" / "metrics.jsonl"
    until = time.monotonic() + 60
    while not metrics.exists() and time.monotonic() < until and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 75, err
    learned = json.loads(metrics.read_text(encoding="utf-8").splitlines()[-1])["step"]
    kept = sorted(path.name for path in (metrics.parent / "checkpoints").iterdir())
    assert kept[-1] == f"step-{learned:08d}"
    assert (town.folder / "run" / "vocabulary.json").is_file()


@pytest.mark.parametrize(
    ("vocabulary", "message"),
    [
        ({"size": 3, "slots": "unused"}, "has 0 free [unused] entries, 3 are needed"),
        ({"size": 3, "mine": False}, "leaves only terms, and the recipe names no `domain:`"),
        ({"size": 3, "min_frequency": 10_000}, "No word can be added"),
    ],
)
def test_what_cannot_be_added_is_refused_and_leaves_nothing(
    make_town: Callable[[], Any], adapt: Adapt, vocabulary: dict[str, Any], message: str
) -> None:
    town = make_town()
    write_zoo(town, vocabulary)
    assert message in adapt(town, "town.yaml", "--out", "run", code=2).err
    assert not (town.folder / "run").exists()


def test_another_family_is_refused(make_town: Callable[[], Any], adapt: Adapt) -> None:
    from domainbert.testing import tiny_checkpoint

    town = make_town()
    write_zoo(town, {"size": 3})
    shutil.rmtree(town.folder / "base")
    tiny_checkpoint(town.folder / "base", "roberta")
    assert "only WordPiece vocabularies" in adapt(town, "town.yaml", "--out", "run", code=2).err
    assert not (town.folder / "run").exists()
