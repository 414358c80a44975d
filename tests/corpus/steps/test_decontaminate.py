from __future__ import annotations

import random
import re
import unicodedata

import pytest

from domainbert.corpus.steps import find_steps, run_steps
from domainbert.errors import RecipeError
from domainbert.plugin.domain import Document
from domainbert.plugin.steps import Drops, StepContext


def run(texts: list[str], evaluation: list[str]) -> tuple[list[int], Drops]:
    steps = find_steps(["decontaminate"], StepContext(tuple(evaluation)))
    counts: dict[str, Drops] = {}
    documents = (Document(str(n), text, f"s:{n}") for n, text in enumerate(texts))
    return [int(d.id) for d in run_steps(documents, steps, counts)], counts["decontaminate"]


WORDS = ("the", "pump", "of", "hall", "seven", "leaks", "oil", "near", "valve", "and", "nobody")


def sentence(chance: random.Random, n_words: int) -> str:
    return " ".join(f"{chance.choice(WORDS)}{chance.randrange(50)}" for _ in range(n_words)) + "."


def test_planted_sentences_are_found_verbatim_recased_and_repunctuated() -> None:
    chance = random.Random(1)
    held = [sentence(chance, chance.randrange(6, 40)) for _ in range(100)]
    ways = [
        lambda text: text,
        str.upper,
        lambda text: (
            re.sub(" ", lambda _: chance.choice([" ", ", ", " - ", "; "]), text[:-1]) + "!"
        ),
    ]
    for change in ways:
        texts = [f"{sentence(chance, 30)} {change(text)} {sentence(chance, 30)}" for text in held]
        kept, drops = run([*texts, *(sentence(chance, 80) for _ in range(100))], held)
        assert kept == [*range(100, 200)]
        assert drops["contaminated"] == drops.dropped == 100


def test_a_part_of_13_words_of_a_long_text_is_enough_and_12_are_not() -> None:
    chance = random.Random(2)
    long = sentence(chance, 40)[:-1].split()
    texts = [" ".join([*"abc", *long[9 : 9 + n], *"xyz"]) for n in (12, 13)]
    assert run(texts, [" ".join(long)])[0] == [0]


def test_short_texts_are_counted_and_not_looked_for() -> None:
    kept, drops = run(["It leaks. It leaks oil."], ["It leaks.", "It leaks.", "Yes"])
    assert (kept, drops.reasons) == ([0], {"texts too short to look for": 2})


def test_without_a_task_there_is_nothing_to_look_for() -> None:
    with pytest.raises(RecipeError, match=r"steps\.0: decontaminate: there is no task whose"):
        run(["text"], [])


def test_another_form_of_unicode_hides_no_sentence() -> None:
    held = "la pompe cédée à l'hôtel a été réparée très tôt"
    for text in (unicodedata.normalize("NFD", held), held.replace("pompe", "pom\u00adpe")):
        assert run([f"Hier {held} encore"], [text])[0] == []
        assert run([f"Hier {text} encore"], [held])[0] == []
