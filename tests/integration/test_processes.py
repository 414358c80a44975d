from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from helpers.runs import digests, metrics

from domainbert.run.folder import RunFolder

Adapt = Callable[..., Any]
MakeTown = Callable[[], Any]
ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.timeout(900)


@dataclass(frozen=True)
class Pair:
    """The same recipe run by one process and by two.

    Args:
        one: Folder of the first.
        two: Folder of the second.
        out: What each printed on stdout.
        err: What the two processes printed on stderr.
    """

    one: RunFolder
    two: RunFolder
    out: tuple[str, str]
    err: str


@pytest.fixture(scope="module")
def pair(make_town: MakeTown, adapt: Adapt) -> Pair:
    """A base without a head, so that the processes meet in both phases, and pairs of texts."""
    town = make_town()
    recipe = town.write(
        with_head=False,
        head_steps=3,
        steps=8,
        batch_size=6,
        batch_ramp={"start": 2, "steps": 6},
        layerwise_lr_decay=0.9,
        freeze_embeddings=True,
        unfreeze="gradual",
        lr_scheduler="wsd",
        masking="span",
        mlm_probability={"from": 0.3, "to": 0.15},
        sentence_pairs="next",
    )
    told = adapt(town, recipe, "--out", "one", "--json")
    words = ("adapt", recipe, "--out", "two", "--json", "--processes", "2")
    process = town.start("domainbert", *words)
    out, err = process.communicate()
    assert process.returncode == 0, err
    one, two = RunFolder(town.folder / "one"), RunFolder(town.folder / "two")
    return Pair(one, two, (told.out, out), err)


def test_two_processes_have_the_losses_of_one(pair: Pair) -> None:
    single, double = metrics(pair.one), metrics(pair.two)
    assert [entry["step"] for entry in double] == list(range(1, 12))
    for mine, theirs in zip(double, single, strict=True):
        assert mine["loss"] == pytest.approx(theirs["loss"], rel=1e-5)
        assert mine["pair_loss"] == pytest.approx(theirs["pair_loss"], rel=1e-5)
        assert mine["gradient_norm"] == pytest.approx(theirs["gradient_norm"], rel=1e-4)
        for key in ("phase", "tokens", "learning_rate"):
            assert mine[key] == theirs[key]


def test_two_processes_write_the_files_of_one(pair: Pair) -> None:
    assert digests(pair.two.path).keys() == digests(pair.one.path).keys()


def test_two_processes_tell_the_numbers_of_one_and_once(pair: Pair) -> None:
    single, double = (json.loads(out) for out in pair.out)
    assert (single["hardware"]["processes"], double["hardware"]["processes"]) == (1, 2)
    assert double["training"] == single["training"]
    assert double["corpus"] == single["corpus"]
    for when in ("before", "after"):
        expected = single["bits_per_character"][when]
        assert double["bits_per_character"][when] == {
            **expected,
            "bits_per_character": pytest.approx(expected["bits_per_character"], rel=1e-5),
        }
    (task,) = double["tasks"]
    assert {name: len(model["f1_strict"]["values"]) for name, model in task["models"].items()} == {
        "base": 2, "adapted": 2, "majority-type": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    "line",
    ["recipe town → two", "corpus: 40 documents, ", "head 3/3 · loss ", "full 8/8 · loss "],
)
def test_two_processes_speak_with_one_voice(pair: Pair, line: str) -> None:
    assert pair.err.count(line) == 1


def test_without_a_terminal_nobody_draws_a_bar(pair: Pair) -> None:
    assert [line for line in pair.err.splitlines() if "█" in line] == []


def config(name: str, kind: str) -> str:
    """An Accelerate config of the page on several GPUs, for two processes of a kind."""
    text = (ROOT / "docs" / "how-to" / "multi-gpu.md").read_text(encoding="utf-8")
    found = text.partition(f"# {name}\n")[2].partition("```")[0]
    assert "num_processes: 8\n" in found
    found = found.replace("num_processes: 8", "num_processes: 2").replace("MULTI_GPU", kind)
    return found.replace("use_cpu: false", f"use_cpu: {str(kind == 'MULTI_CPU').lower()}")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "processes"),
    # What the page says of `MULTI_CPU`: no more than one is started.
    [("MULTI_GPU", 2), ("MULTI_CPU", 1)],
)
def test_an_accelerate_config_starts_the_processes_that_the_page_says(
    make_town: MakeTown, adapt: Adapt, kind: str, processes: int
) -> None:
    town = make_town()
    recipe = town.write(steps=6)
    plain = ("--set", "tasks=[]")
    adapt(town, recipe, "--out", "one", *plain)
    (town.folder / "config.yaml").write_text(config("ddp.yaml", kind), encoding="utf-8")
    launch = ("accelerate.commands.launch", "--config_file", "config.yaml", "-m", "domainbert")
    process = town.start(*launch, "adapt", recipe, "--out", "launched", "--json", *plain)
    out, err = process.communicate()
    assert process.returncode == 0, err
    assert json.loads(out)["hardware"]["processes"] == processes
    one, launched = (metrics(RunFolder(town.folder / name)) for name in ("one", "launched"))
    assert [entry["step"] for entry in launched] == list(range(1, 7))
    assert [e["loss"] for e in launched] == pytest.approx([e["loss"] for e in one], rel=1e-5)
