"""A default that changes raises the schema number of the stages that read it.

    PYTHONPATH=tests python tests/stages/test_defaults.py

writes `tests/golden/defaults.json` as the code has it now.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers.town import HELD_OUT
from pydantic import BaseModel

from domainbert.recipe.blend import BlendSection
from domainbert.recipe.corpus import CorpusSection
from domainbert.recipe.evaluate import EvaluateSection
from domainbert.recipe.schema import Recipe
from domainbert.recipe.sections import VocabularySection
from domainbert.recipe.sentences import SentencesSection
from domainbert.recipe.train import TrainSection
from domainbert.stages.plan import NOT_OF_HEAD, NOT_OF_WEIGHTS, SCHEMAS

UPDATE = "PYTHONPATH=tests python tests/stages/test_defaults.py"
NOT_CHOSEN_BY = frozenset({"baselines"})
GOLDEN = Path(__file__).parents[1] / "golden" / "defaults.json"
HeldOutSection = type(Recipe.model_fields[HELD_OUT].default)


def defaults(section: type[BaseModel], without: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Return the defaults of a section, as JSON values."""
    fields = {
        name: field.get_default(call_default_factory=True)
        for name, field in section.model_fields.items()
        if name not in without and not field.is_required()
    }
    return dict(json.loads(json.dumps(fields, default=list)))


READ: dict[str, Callable[[], dict[str, Any]]] = {
    "corpus": lambda: {
        **defaults(CorpusSection),
        "corpus_steps": defaults(Recipe)["corpus_steps"],
        "held_out": defaults(HeldOutSection)["fraction"],
    },
    "vocabulary": lambda: defaults(VocabularySection),
    "head": lambda: defaults(TrainSection, NOT_OF_WEIGHTS | NOT_OF_HEAD),
    "pretrain": lambda: defaults(TrainSection, NOT_OF_WEIGHTS),
    "held-out": lambda: defaults(HeldOutSection, frozenset({"general"})),
    "point": dict,
    "blend": lambda: {**defaults(BlendSection), **defaults(EvaluateSection, NOT_CHOSEN_BY)},
    "sentences": lambda: defaults(SentencesSection),
}


def current() -> dict[str, Any]:
    return {name: {"schema": SCHEMAS[name], "defaults": read()} for name, read in READ.items()}


def trouble(name: str, now: dict[str, Any], before: dict[str, Any]) -> str | None:
    """Return what is wrong with the defaults of a stage, compared with the recorded ones."""
    changed = [
        f"{key}: {value!r} → {now['defaults'].get(key)!r}"
        for key, value in before["defaults"].items()
        if now["defaults"].get(key, value) != value  # a key that is gone is a constant
    ]
    if changed and now["schema"] == before["schema"]:
        return (
            f"stage {name!r} reads a default that changed ({', '.join(changed)}): runs from before "
            f"would be taken for done. Raise SCHEMAS in stages/plan.py, then run `{UPDATE}`."
        )
    if now["schema"] != before["schema"] or now["defaults"].keys() != before["defaults"].keys():
        return f"stage {name!r} has another schema or other keys: run `{UPDATE}`."
    return None


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_default_changes_with_the_schema_of_the_stages_that_read_it(name: str) -> None:
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    assert trouble(name, current()[name], golden[name]) is None


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(current(), indent=1, sort_keys=True) + "\n", encoding="utf-8")
