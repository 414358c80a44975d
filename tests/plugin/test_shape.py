from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from domainbert import CLASSIFICATION, CorpusReader, CorpusStep, Document, Metric
from domainbert.plugin.shape import check_component


def two(documents: Iterable[Document], counts: Counter[str], seed: int = 0) -> Any:
    return documents


def one(documents: Iterable[Document]) -> Any:
    return documents


@pytest.mark.parametrize("apply", [two, lambda *documents: [], zip, print, dict])
def test_functions_that_take_the_arguments_pass(apply: Any) -> None:
    check_component(CorpusStep("keep", apply))
    check_component(CorpusStep("keep", make=apply, options=one))


def test_options_are_a_function_of_any_arguments() -> None:
    with pytest.raises(TypeError, match="`options` is str, expected a function"):
        check_component(CorpusStep("keep", make=two, options="all"))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("record", "error"),
    [
        (CorpusStep("keep", one), r"CorpusStep 'keep': .*expected a function of 2 arguments"),
        (CorpusReader("md", [".md"], two), "CorpusReader 'md': `suffixes` is list, expected tuple"),  # type: ignore[arg-type]
        (
            replace(CLASSIFICATION, says="words"),
            "TaskKind 'classification': `says` is 'words', exp",
        ),
        (Metric("mcc", of_sample=lambda _: 0.0, low="0"), "`low` is str, expected float"),  # type: ignore[arg-type]
    ],
)
def test_records_of_another_shape_are_refused(record: Any, error: str) -> None:
    with pytest.raises(TypeError, match=error):
        check_component(record)
