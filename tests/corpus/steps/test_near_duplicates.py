from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest

from domainbert.corpus.steps import find_steps, near_duplicates, run_steps
from domainbert.corpus.steps.shingles import jaccard, shingles
from domainbert.errors import RecipeError
from domainbert.plugin.domain import Document
from domainbert.plugin.steps import Drops
from domainbert.recipe.corpus import StepSection


def run(texts: Iterable[str], **options: object) -> tuple[list[int], Drops]:
    """Return the numbers of the documents that are kept, and the counts."""
    step = StepSection.model_validate({"name": "near-duplicates", **options})
    counts: dict[str, Drops] = {}
    documents = (Document(str(n), text, f"s:{n}") for n, text in enumerate(texts))
    kept = [int(d.id) for d in run_steps(documents, find_steps([step]), counts)]
    return kept, counts["near-duplicates"]


def made_up(chance: random.Random, n_words: int) -> list[str]:
    return [f"{chance.choice('bdfgklmnprst')}{chance.randrange(10**5)}" for _ in range(n_words)]


def changed(chance: random.Random, words: list[str], n_changes: int) -> list[str]:
    """Replace words that stand apart, so that each change touches five runs of five words."""
    words = list(words)
    for place in chance.sample(range(5, len(words) - 5, 10), n_changes):
        words[place] = f"x{chance.randrange(10**9)}"
    return words


def test_planted_pairs_at_the_threshold_are_found_and_no_others() -> None:
    """200 pairs of similarity 0.80 to 0.85, 200 of 0.65 to 0.75, and 200 texts alone."""
    chance = random.Random(3)
    texts, close = [], set()
    for number in range(400):
        words = made_up(chance, 204)
        other = changed(chance, words, 4 if number % 2 else 7)
        alike = jaccard(shingles(" ".join(words), 5), shingles(" ".join(other), 5))
        assert alike == pytest.approx(0.818 if number % 2 else 0.702, abs=0.01)
        texts += [" ".join(words), " ".join(other)]
        close |= {2 * number + 1} if number % 2 else set()
    texts += [" ".join(made_up(chance, 100)) for _ in range(200)]
    kept, drops = run(texts)
    dropped = {*range(len(texts))} - {*kept}
    assert not dropped - close
    assert len(dropped) >= 0.95 * len(close)
    assert drops["near_duplicate"] == drops.dropped == len(dropped)
    assert [(reason, note[:3]) for reason, _, note in drops.examples] == [
        ("near_duplicate", "of ")
    ] * 3


def test_the_first_of_a_family_is_kept_and_the_result_is_a_function_of_the_texts() -> None:
    chance = random.Random(5)
    words = made_up(chance, 300)
    family = [" ".join(changed(chance, words, n)) for n in (0, 1, 2, 1, 2)]
    alone = [" ".join(made_up(chance, 50)) for _ in range(600)]
    kept, _ = run([*alone[:300], *family, *alone[300:]])
    assert kept == [*range(301), *range(305, 605)]


def test_case_signs_and_numbers() -> None:
    text = "The pump of plant 7 leaks oil on the floor of hall 3 again"
    kept, _ = run([text, text.upper() + "!", text.replace("7", "8"), "", "Short one", "short ONE."])
    assert kept == [0, 2, 4]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threshold": 1.2}, "corpus_steps.0.threshold: input should be less than 1, found 1.2."),
        ({"threshold": 0.2}, "corpus_steps.0.threshold: input should be greater than or equal to"),
        ({"words": 0}, "corpus_steps.0.words: input should be greater than or equal to 1"),
        ({"treshold": 0.8}, "corpus_steps.0.treshold: extra inputs are not permitted, found 0.8."),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(RecipeError) as caught:
        run([], **options)
    assert str(caught.value).startswith(message)


def test_nothing_in_nothing_out() -> None:
    assert run([])[0] == []


def test_texts_without_words_are_no_duplicates_of_one_another() -> None:
    assert run(["!!! ???", "+ - = *", "\U0001f600"])[0] == [0, 1, 2]


def test_marks_are_part_of_words() -> None:
    texts = ["की का कि के को कु कू कृ", "के को कु की कू का कि कृ"]
    assert run(texts, words=2)[0] == [0, 1]


def test_families_of_one_template_are_not_compared_each_with_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """1,500 documents that are candidates of one another and no duplicates."""
    chance, compared = random.Random(7), Counter[str]()

    def counted(one: Any, other: Any) -> float:
        compared["pairs"] += 1
        return jaccard(one, other)

    monkeypatch.setattr(near_duplicates, "jaccard", counted)
    shared = made_up(chance, 300)
    texts = [" ".join([*shared, *made_up(chance, 75)]) for _ in range(1500)]
    assert len(run(texts)[0]) == 1500
    assert compared["pairs"] <= 16 * 1500
