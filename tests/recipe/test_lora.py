"""Sections `train.lora` and `evaluate.lora`."""

from __future__ import annotations

import pytest
from helpers.recipe import PLAIN, read, refused


def test_the_defaults() -> None:
    recipe = read(PLAIN, "train.method=lora", "evaluate.method=lora")
    assert (recipe.train.lora, recipe.evaluate.lora) == (None, None)
    assert read(PLAIN, "train.method=lora", "train.lora.r=2").train.lora.r == 2


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["train.method=lora", "train.lora.r=0"], "train.lora.r=0: input should be greater"),
        (["train.method=lora", "train.lora.alpha=0"], "train.lora.alpha=0: input should be"),
        (["train.method=lora", "train.lora.dropout=1"], "train.lora.dropout=1: input should"),
        (["train.method=lora", "train.lora.targets=[query, query]"], "query: twice"),
        (["train.lora.r=4"], "`lora` is given, and `method` is not lora"),
        (["evaluate.lora.r=4"], "`lora` is given, and `method` is not lora"),
        (["evaluate.method=frozen", "evaluate.unfreeze=gradual"], "`unfreeze: gradual` is for"),
        (
            ["train.method=lora", "blend.average=last-2", "blend.choose=0.5"],
            "blend.average: checkpoints of `train.method: lora` hold no weights",
        ),
    ],
)
def test_what_means_nothing_is_refused(settings: list[str], message: str) -> None:
    assert message in refused(PLAIN, *settings)
