"""What is damaged or changed on the disk is found, named, and never used."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from helpers.forks import ForkServer, fork_server

from domainbert.corpus.store import open_store
from domainbert.errors import DataError, StorageError
from domainbert.run.folder import RunFolder, read_lock
from domainbert.storage.files import storage_errors
from domainbert.training.checkpoint import choose_checkpoint, newest_checkpoint

Same = Callable[..., bool]


def copy(town: Any, name: str) -> RunFolder:
    """The whole run, as if it had been killed after its last checkpoint."""
    run: RunFolder = town.run(name)
    shutil.copytree(town.run("whole").path, run.path)
    shutil.rmtree(run.model)
    run.card.unlink()
    (run.results / "bits-after.json").unlink()
    return run


def flip(path: Path, place: int) -> bytes:
    """Flip one bit; return what the file held."""
    content = path.read_bytes()
    damaged = bytearray(content)
    damaged[place // 8] ^= 1 << place % 8
    path.write_bytes(damaged)
    return content


def test_every_one_of_200_flipped_bits_is_found(town: Any) -> None:
    run = copy(town, "flips")
    newest, _ = newest_checkpoint(run.checkpoints)
    assert newest is not None
    files = [*sorted(newest.iterdir()), *sorted(run.corpus.iterdir())]
    assert len(files) == 7
    chance, found = random.Random(0), 0
    for number in range(200):
        path = files[number % len(files)]
        before = flip(path, chance.randrange(8 * path.stat().st_size))
        if path.parent == newest:
            found += newest_checkpoint(run.checkpoints)[0] != newest
        else:
            with pytest.raises(DataError, match=path.name):
                open_store(run.corpus)
            found += 1
        path.write_bytes(before)
    assert found == 200
    assert newest_checkpoint(run.checkpoints) == (newest, [])
    assert open_store(run.corpus).manifest["documents"] == 60


@pytest.mark.parametrize("harm", ["flipped", "truncated", "renamed"])
def test_a_damaged_checkpoint_is_named_put_aside_and_its_steps_are_done_again(
    town: Any, same: Same, harm: str
) -> None:
    run = copy(town, harm)
    newest = sorted(run.checkpoints.iterdir())[-1]
    weights = newest / "model.safetensors"
    if harm == "flipped":
        flip(weights, 4000)
    elif harm == "truncated":
        os.truncate(weights, 1000)
    else:
        before = sorted(run.checkpoints.iterdir())[-2]
        shutil.rmtree(newest)
        shutil.copytree(before, newest)
    assert town.finish(harm) == 0, town.told(harm)
    told = town.told(harm)
    assert "checkpoint step-00000066: " in told
    assert "now .quarantine-step-00000066-1, using the one before" in told
    assert "continuing after step 65, bit-exact" in told
    assert (run.checkpoints / ".quarantine-step-00000066-1").is_dir()
    assert [f"checkpoint {line}" in told for line in read_lock(run)["damaged"]] == [True]
    assert same(run, town.run("whole"))


def test_where_no_checkpoint_is_whole_it_is_said_that_training_begins_anew(
    town: Any, same: Same
) -> None:
    run = copy(town, "none")
    for path in run.checkpoints.iterdir():
        os.truncate(path / "model.safetensors", 1000)
    assert town.finish("none") == 0, town.told("none")
    told = town.told("none")
    assert "using the one before" not in told
    assert "continuing after step" not in told
    assert told.count("and no older one is whole: training begins anew") == 2
    damaged = read_lock(run)["damaged"]
    assert [line.partition(":")[0] for line in damaged] == ["step-00000066", "step-00000065"]
    assert all(f"checkpoint {line}" in told for line in damaged)
    assert same(run, town.run("whole"))


def test_a_whole_checkpoint_is_not_removed_for_the_sake_of_damaged_ones(town: Any) -> None:
    run = copy(town, "kept")
    first, last = sorted(run.checkpoints.iterdir())
    (last / "state.json").unlink()
    assert choose_checkpoint(run.checkpoints)[0] == int(first.name.removeprefix("step-"))
    assert sorted(path.name for path in run.checkpoints.iterdir()) == [
        f".quarantine-{last.name}-1",
        first.name,
    ]


def test_a_changed_corpus_is_refused_and_named(town: Any) -> None:
    copy(town, "corpus")
    texts = town.folder / "texts.txt"
    before = texts.read_bytes()
    try:
        flip(texts, 8 * 100)
        assert town.finish("corpus") == 2
        assert "corpus: was made from another corpus" in town.told("corpus")
        assert "texts.txt was changed). Restore the files" in town.told("corpus")
        texts.write_bytes(before)
        assert town.finish("corpus") == 0
    finally:
        texts.write_bytes(before)


def unlike(path: Path) -> None:
    """Change what a file of the base says, and nothing else."""
    if path.suffix == ".safetensors":
        flip(path, 8 * path.stat().st_size - 20)
        return
    before, after = {
        "config.json": ('"hidden_act": "gelu"', '"hidden_act": "relu"'),
        "tokenizer.json": ('"them": ', '"theme": '),
    }[path.name]
    text = path.read_text(encoding="utf-8")
    assert text.count(before) == 1
    path.write_text(text.replace(before, after), encoding="utf-8")


@pytest.mark.parametrize(
    ("file", "told"),
    [
        ("config.json", "belongs to another config.json of the base. Use another output folder"),
        ("model.safetensors", "belongs to another base. Use another output folder"),
        ("tokenizer.json", "was tokenised by another tokenizer. Name another --out."),
    ],
)
def test_a_base_that_changed_in_the_meantime_is_refused(town: Any, file: str, told: str) -> None:
    name = f"other-{file}"
    copy(town, name)
    path = town.folder / "base" / file
    before = path.read_bytes()
    try:
        unlike(path)
        assert town.finish(name) == 2, town.told(name)
        assert told in town.told(name)
        assert "Traceback" not in town.told(name)
    finally:
        path.write_bytes(before)
    assert town.finish(name) == 0, town.told(name)


def test_a_changed_recipe_is_refused_and_the_change_shown(town: Any) -> None:
    copy(town, "recipe")
    words = ("--set", "train.steps=61", "--set", "train.learning_rate=0.0002")
    assert town.finish("recipe", *words) == 2
    told = town.told("recipe")
    assert "recipe: holds another run" in told
    assert "; changed: train.steps: 60 → 61, train.learning_rate: 0.0001 → 0.0002)." in told


def test_other_conditions_are_told_and_kept_in_the_lock(
    town: Any, monkeypatch: pytest.MonkeyPatch, bench: Any
) -> None:
    run = copy(town, "threads")
    shutil.rmtree(sorted(run.checkpoints.iterdir())[-1])
    with fork_server({**bench.VARIABLES, "OMP_NUM_THREADS": "2"}) as server:
        log = town.folder / "threads.log"
        order = ["adapt", "recipe.yaml", "--out", "threads"]
        assert server.wait(server.start(order, town.folder, log)) == 0
    exactness = "order-exact: threads 1 → 2"
    assert f"continuing after step 65, {exactness}" in log.read_text(encoding="utf-8")
    assert read_lock(run)["continued"] == [{"step": 65, "exactness": exactness}]


@pytest.mark.slow
def test_the_locale_changes_no_file(
    bench: ModuleType, server: ForkServer, tmp_path: Path, same: Same
) -> None:
    bench.write_recipe(tmp_path, 6)
    with (tmp_path / "texts.txt").open("a", encoding="utf-8") as stream:
        stream.writelines("Ångström und Čapek ≤ 5 µm: größer als 北京\n" for _ in range(5))
    plain = {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    runs = []
    with fork_server({**bench.VARIABLES, **plain}) as other:
        for name, chosen in (("utf8", server), ("ascii", other)):
            log = tmp_path / f"{name}.log"
            order = ["adapt", "recipe.yaml", "--out", name]
            assert chosen.wait(chosen.start(order, tmp_path, log)) == 0, log.read_bytes()
            runs.append(RunFolder(tmp_path / name))
    one, two = runs
    assert same(one, two)
    kept = ["recipe.yaml", *(f"corpus/{path.name}" for path in one.corpus.iterdir())]
    assert len(kept) == 4
    for file in kept:
        assert (one.path / file).read_bytes() == (two.path / file).read_bytes(), file


@pytest.mark.parametrize("number", [1, 5, 13, 17, 20, 30])
def test_what_the_system_refuses_is_an_error_of_its_own(tmp_path: Path, number: int) -> None:
    with pytest.raises(StorageError, match=os.strerror(number)), storage_errors(tmp_path):
        raise OSError(number, os.strerror(number), str(tmp_path / "file"))
    with pytest.raises(StorageError, match=os.strerror(number)), storage_errors(tmp_path):
        raise RuntimeError(f"I/O error: what it is called (os error {number})")
