from __future__ import annotations

from typing import Any

import pytest
from helpers.tasks import classification, question_answering, relation, tagging

from domainbert.plugin.components import LoadedTask
from domainbert.recipe.evaluate import EvaluateSection
from domainbert.tasks.trials import section_of, unused_settings

GRID = {"learning_rate": [1e-4, 2e-4], "epochs": [1, 2]}


@pytest.mark.parametrize(
    ("loaded", "decides", "idle"),
    [
        (classification(), {"steps": 5}, {"epochs": 9, "min_steps": 7}),
        (classification(), {"grid": GRID}, {"epochs": 9, "learning_rate": 1e-3}),
        (classification(), {"grid": {"epochs": [1, 2]}}, {"epochs": 9}),
        (classification(), {"method": "frozen"}, {"layerwise_lr_decay": 0.5}),
        (relation(), {}, {"long_texts": "window"}),
        (tagging(), {}, {"long_texts": "window", "pooling": "head"}),
        (question_answering(), {}, {"long_texts": "window", "pooling": "head"}),
    ],
)
def test_what_decides_nothing_is_named_and_no_part_of_a_trial(
    loaded: LoadedTask, decides: dict[str, Any], idle: dict[str, Any]
) -> None:
    plain = EvaluateSection.model_validate(decides)
    given = EvaluateSection.model_validate({**decides, **idle})
    assert section_of(loaded, given) == section_of(loaded, plain) == plain
    assert unused_settings([loaded], plain) == []
    named = ", ".join(f"`evaluate.{key}`" for key in sorted(idle))
    assert unused_settings([loaded], given) == [f"notice: town: these change nothing: {named}"]


def test_what_decides_is_kept() -> None:
    loaded = classification()
    for changes in (
        {"grid": {"learning_rate": [1e-4, 2e-4]}, "epochs": 9},
        {"pooling": "head", "long_texts": "window"},
        {"method": "lora", "lora": {"r": 4}, "layerwise_lr_decay": 0.5},
    ):
        given = EvaluateSection.model_validate(changes)
        assert section_of(loaded, given) == given
        assert unused_settings([loaded], given) == []
    # A section of defaults says nothing.
    given = EvaluateSection.model_validate({"method": "lora", "lora": {}})
    assert section_of(loaded, given).lora is None
