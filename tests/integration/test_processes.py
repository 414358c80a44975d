from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from helpers.runs import digests, metrics

from domainbert.run.folder import RunFolder

Adapt = Callable[..., Any]
MakeTown = Callable[[], Any]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@dataclass(frozen=True)
class Pair:
    """The same recipe run by one process and by two.

    Args:
        one: Folder of the first.
        two: Folder of the second.
        out: What each printed on stdout.
    """

    one: RunFolder
    two: RunFolder
    out: tuple[str, str]


@pytest.fixture(scope="module")
def pair(make_town: MakeTown, adapt: Adapt) -> Pair:
    """A base without a head, so that the processes meet in both phases, and pairs of texts."""
    town = make_town()
    recipe = town.write(
        with_head=False,
        sections={"blend": {"points": [0.3, 0.6]}},
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
    return Pair(one, two, (told.out, out))


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
    # Weights that differ in their last bits may be best at another point.
    one, two = (
        {name for name in digests(run.path) if not re.search("/blend-seed-|^tasks/", name)}
        for run in (pair.one, pair.two)
    )
    assert two == one
    # For the same reason another trial may be the best one; its model is whole, whichever rank
    # made it.
    kept = [
        {Path(name).name for name in digests(run.path, "tasks/*/*/*")}
        for run in (pair.one, pair.two)
    ]
    assert kept[0] == kept[1] > {"config.json", "model.safetensors", "task.json"}
    assert len([name for name in two if name.startswith("validation/")]) == 4


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
    curves = [told["blend"]["curve"] for told in (single, double)]
    assert [point["alpha"] for point in curves[1]] == [0.0, 0.3, 0.6, 1.0]
    for mine, theirs in zip(*reversed(curves), strict=True):
        assert mine["bits"] == pytest.approx(theirs["bits"], rel=1e-5)
        assert mine["validation"] == pytest.approx(theirs["validation"], abs=0.2)
    (task,) = double["tasks"]
    assert {
        name: len(model["f1_strict"]["values"])
        for name, model in task["models"].items()
        if name != "blend"  # there unless the end of training was best
    } == {"base": 2, "adapted": 2, "majority-type": 1}  # fmt: skip
