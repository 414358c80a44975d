from __future__ import annotations

from dataclasses import replace

import pytest
from helpers.tasks import tagging

from domainbert.plugin.records import Sentence
from domainbert.tasks.baselines.tagging import (
    predict_dictionary,
    predict_majority_type,
    predict_mentions,
)
from domainbert.tasks.kinds.tagging import TAGGING


def sentence(words: str, tags: str) -> Sentence:
    return Sentence(tuple(words.split()), tuple(tags.split()))


TRAIN = (
    sentence("the lime kiln burns", "O B-PLACE I-PLACE O"),
    sentence("a lime burner", "O B-ROLE I-ROLE"),
    sentence("the lime kiln", "O B-PLACE I-PLACE"),
    sentence("Kiln of lime", "O O O"),
)


def test_each_word_has_the_type_that_training_gives_it_most_often() -> None:
    test = (sentence("the lime burner kiln Kiln sleeps", "O O O O O O"),)
    made = predict_majority_type(tagging(train=TRAIN, test=test), 0)["test"]
    # Equal neighbours are one mention; words that training lacks are O.
    assert made[0].predicted == ("O", "B-PLACE", "B-ROLE", "B-PLACE", "O", "O")
    assert made[0].words == test[0].words
    joined = predict_majority_type(tagging(train=TRAIN, test=TRAIN[:1]), 0)["test"]
    assert joined[0].predicted == TRAIN[0].tags


@pytest.mark.parametrize(
    ("terms", "tags"),
    [
        (("lime  KILN", "burner"), "O B-PLACE I-PLACE B-PLACE O"),  # usual type: PLACE
        (("the lime", "kiln burner"), "B-PLACE I-PLACE B-PLACE I-PLACE O"),
        (("lim", "kil n burn", "x"), "O O O O O"),
    ],
)
def test_the_longest_terms_are_mentions_of_their_type(terms: tuple[str, ...], tags: str) -> None:
    test = (sentence("The lime Kiln burner sleeps", "O O O O O"),)
    loaded = replace(tagging(train=TRAIN, test=test), terms=terms)
    assert predict_dictionary(loaded, 0)["test"][0].predicted == tuple(tags.split())


def test_a_term_has_its_own_type_where_training_has_it() -> None:
    loaded = replace(tagging(train=TRAIN, test=TRAIN[1:2]), terms=("lime burner",))
    assert predict_dictionary(loaded, 0)["test"][0].predicted == ("O", "B-ROLE", "I-ROLE")
    assert TAGGING.baselines(loaded) == ("majority-type", "dictionary")
    assert TAGGING.baselines(tagging()) == ("majority-type",)


def test_the_longest_mentions_of_training_are_found_again() -> None:
    test = (
        sentence("The LIME kiln burns", "O O O O"),
        sentence("lime burner lime", "O O O"),
        sentence("kiln", "O"),
    )
    made = predict_mentions(tagging(train=TRAIN, test=test), 0)["test"]
    assert [row.predicted for row in made] == [
        ("O", "B-PLACE", "I-PLACE", "O"),
        ("B-ROLE", "I-ROLE", "O"),
        ("O",),
    ]


def test_a_mention_has_the_type_that_training_gives_it_most_often() -> None:
    train = (*TRAIN, sentence("lime kiln", "B-ROLE I-ROLE"))
    test = (sentence("lime kiln", "O O"),)
    made = predict_mentions(tagging(train=train, test=test), 0)["test"]
    assert made[0].predicted == ("B-PLACE", "I-PLACE")
    # A tie goes to the first name of the alphabet.
    equal = (sentence("kiln", "B-ROLE"), sentence("kiln", "B-PLACE"))
    made = predict_mentions(tagging(train=equal, test=equal[:1]), 0)["test"]
    assert made[0].predicted == ("B-PLACE",)
