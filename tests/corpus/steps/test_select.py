from __future__ import annotations

import random
from typing import Any

import pytest

from domainbert.corpus.steps import find_steps, run_steps
from domainbert.errors import RecipeError
from domainbert.plugin.domain import Document
from domainbert.plugin.steps import Drops, StepContext
from domainbert.recipe.corpus import StepSection

PUMPS = ["pump", "valve", "leaks", "oil", "rotor", "shaft", "seal", "gasket", "bearing", "hall"]
BOOKS = ["novel", "chapter", "author", "poem", "verse", "page", "reader", "plot", "story", "rhyme"]


def text(chance: random.Random, words: list[str], n_words: int = 40) -> str:
    return " ".join(chance.choices(words, k=n_words))


def run(texts: list[str], context: StepContext, **options: Any) -> tuple[list[int], Drops]:
    step = StepSection.model_validate({"name": "select", **options})
    counts: dict[str, Drops] = {}
    documents = (Document(str(n), text, f"s:{n}") for n, text in enumerate(texts))
    return [int(d.id) for d in run_steps(documents, find_steps([step], context), counts)], counts[
        "select"
    ]


@pytest.mark.parametrize("target", ["tasks", "terms"])
def test_what_is_near_to_the_target_is_kept_in_its_order(target: str) -> None:
    chance = random.Random(1)
    texts = [text(chance, PUMPS if n % 2 else BOOKS) for n in range(60)]
    context = StepContext(training=(text(chance, PUMPS, 200),), terms=tuple(PUMPS))
    kept, drops = run(texts, context, nearest_to=target, share=0.45)
    assert kept and all(number % 2 for number in kept)
    assert kept == sorted(kept)
    characters = [len(text) for text in texts]
    assert 0.40 < sum(characters[n] for n in kept) / sum(characters) <= 0.45
    assert drops["far_from_target"] == drops.dropped == 60 - len(kept)


def test_one_document_is_kept_at_least_and_none_of_none() -> None:
    context = StepContext(training=("a pump leaks",))
    assert run(["a pump leaks oil"], context, share=0.1)[0] == [0]
    assert run([], context)[0] == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "corpus_steps.0: select: nearest_to: tasks, and the recipe has none."),
        ({"nearest_to": "terms"}, "corpus_steps.0: select: nearest_to: terms, and the recipe has"),
        ({"share": 1.5}, "corpus_steps.0.share: input should be less than 1, found 1.5."),
        ({"share": 0}, "corpus_steps.0.share: input should be greater than 0, found 0."),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError) as caught:
        run([], StepContext(), **options)
    assert str(caught.value).startswith(message)
