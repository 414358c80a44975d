from __future__ import annotations

from dataclasses import replace

import pytest
from helpers.tasks import classification, tagging

from domainbert.errors import PluginError, RecipeError
from domainbert.plugin.components import Baseline
from domainbert.recipe.evaluate import Baselines
from domainbert.tasks.check import baseline_names, check_baselines

ALL_OF_TEXTS = ("majority", "tfidf-svm", "tfidf-logreg", "bilstm", "bilstm-pieces", "frozen")
ALL_OF_TAGS = ("majority-type", "mentions", "bilstm", "bilstm-crf", "bilstm-pieces", "frozen")


@pytest.mark.parametrize(
    ("wanted", "texts", "tags"),
    [
        (True, ("majority", "tfidf-svm"), ("majority-type",)),
        (False, (), ()),
        ((), (), ()),
        ("all", ALL_OF_TEXTS, ALL_OF_TAGS),
        (("mentions", "frozen", "majority"), ("majority", "frozen"), ("mentions", "frozen")),
    ],
)
def test_the_baselines_of_a_task(
    wanted: Baselines, texts: tuple[str, ...], tags: tuple[str, ...]
) -> None:
    assert baseline_names(classification(), wanted) == texts
    assert baseline_names(tagging(), wanted) == tags


def test_terms_make_a_dictionary_and_a_task_names_its_own() -> None:
    with_terms = replace(tagging(), terms=("baker",))
    first = ("majority-type", "dictionary")
    assert baseline_names(with_terms, "all") == (*first, *ALL_OF_TAGS[1:])
    named = replace(with_terms, task=replace(with_terms.task, baselines=("tfidf-svm",)))
    assert baseline_names(named) == (*first, "tfidf-svm")


def test_an_unknown_baseline_is_refused_with_a_suggestion() -> None:
    with pytest.raises(RecipeError, match=r"evaluate\.baselines: .*'bilstn'.* mean 'bilstm'"):
        check_baselines([tagging()], ("bilstn",))


def test_a_baseline_that_suits_no_task_is_refused() -> None:
    both = [tagging(), classification()]
    check_baselines(both, ("tfidf-svm", "mentions"))
    with pytest.raises(RecipeError, match="'tfidf-svm' suits no task of the kind tagging"):
        check_baselines(both[:1], ("tfidf-svm",))


def test_a_baseline_predicts_in_one_way() -> None:
    for given in ({}, {"predict": lambda loaded, seed: {}, "tuned": {"method": "frozen"}}):
        with pytest.raises(PluginError, match="'mine': expected one of `predict`, `predict_with"):
            Baseline("mine", **given)  # type: ignore[arg-type]
