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
from helpers.runs import copied, digests

from domainbert.corpus.store import open_store
from domainbert.errors import DataError, StorageError
from domainbert.run.folder import RunFolder, read_lock
from domainbert.storage.files import storage_errors
from domainbert.training.checkpoint import choose_checkpoint, newest_checkpoint

Same = Callable[..., bool]


def flip(path: Path, place: int) -> bytes:
    """Flip one bit; return what the file held."""
    content = path.read_bytes()
    damaged = bytearray(content)
    damaged[place // 8] ^= 1 << place % 8
    path.write_bytes(damaged)
    return content


def test_every_one_of_200_flipped_bits_is_found(town: Any) -> None:
    run = copied(town.run("whole"), "flips")
    newest, _ = newest_checkpoint(run.checkpoints)
    assert newest is not None
    store = run.corpus / "store"
    files = [*sorted(newest.iterdir()), *sorted(store.iterdir())]
    assert len(files) == 7
    chance, found = random.Random(0), 0
    for number in range(200):
        path = files[number % len(files)]
        before = flip(path, chance.randrange(8 * path.stat().st_size))
        if path.parent == newest:
            found += newest_checkpoint(run.checkpoints)[0] != newest
        else:
            with pytest.raises(DataError, match=path.name):
                open_store(store)
            found += 1
        path.write_bytes(before)
    assert found == 200
    assert newest_checkpoint(run.checkpoints) == (newest, [])
    assert open_store(store).manifest["documents"] == 60


@pytest.mark.parametrize("harm", ["flipped", "truncated", "renamed", "without-manifest"])
def test_a_damaged_checkpoint_is_named_put_aside_and_its_steps_are_done_again(
    town: Any, same: Same, harm: str
) -> None:
    run = copied(town.run("whole"), harm)
    before, newest = sorted(run.checkpoints.iterdir())
    if harm == "flipped":
        flip(newest / "model.safetensors", 4000)
    elif harm == "truncated":
        os.truncate(newest / "model.safetensors", 1000)
    elif harm == "renamed":
        shutil.rmtree(newest)
        shutil.copytree(before, newest)
    else:
        (newest / "MANIFEST.json").unlink()
    # The last line of metrics is cut short as well.
    os.truncate(run.metrics, run.metrics.stat().st_size - 20)
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
    run = copied(town.run("whole"), "none")
    for path in run.checkpoints.iterdir():
        os.truncate(path / "model.safetensors", 1000)
    assert town.finish("none") == 0, town.told("none")
    told = town.told("none")
    assert "using the one before" not in told
    assert "continuing after step" not in told
    assert told.count("and no older one is whole: training begins anew") == 2
    damaged = read_lock(run)["damaged"]
    assert [line.partition(":")[0] for line in damaged] == ["step-00000066", "step-00000065"]
    assert same(run, town.run("whole"))


def test_a_whole_checkpoint_is_not_removed_for_the_sake_of_damaged_ones(town: Any) -> None:
    run = copied(town.run("whole"), "kept")
    first, last = sorted(run.checkpoints.iterdir())
    (last / "state.json").unlink()
    assert choose_checkpoint(run.checkpoints)[0] == int(first.name.removeprefix("step-"))
    assert sorted(path.name for path in run.checkpoints.iterdir()) == [
        f".quarantine-{last.name}-1",
        first.name,
    ]


def test_another_environment_is_said_and_kept_in_the_lock(
    town: Any, monkeypatch: pytest.MonkeyPatch, bench: Any
) -> None:
    run = copied(town.run("whole"), "threads", 65)
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
    assert one.recipe.read_bytes() == two.recipe.read_bytes()
    assert digests(one.corpus / "store") == digests(two.corpus / "store")


@pytest.mark.parametrize("number", [1, 5, 13, 17, 20, 30])
def test_what_the_system_refuses_is_an_error_of_its_own(tmp_path: Path, number: int) -> None:
    with pytest.raises(StorageError, match=os.strerror(number)), storage_errors(tmp_path):
        raise OSError(number, os.strerror(number), str(tmp_path / "file"))
    with pytest.raises(StorageError, match=os.strerror(number)), storage_errors(tmp_path):
        raise RuntimeError(f"I/O error: what it is called (os error {number})")
