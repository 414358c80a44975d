from __future__ import annotations

import sys
from typing import Any

import pytest

from domainbert.corpus.steps import find_steps, run_steps
from domainbert.errors import RecipeError
from domainbert.plugin.domain import Document
from domainbert.plugin.steps import Drops
from domainbert.recipe.corpus import StepSection


def run(step: Any, *texts: str) -> tuple[list[str], Drops]:
    counts: dict[str, Drops] = {}
    documents = (Document(str(n), text, f"s:{n}") for n, text in enumerate(texts))
    kept = [d.text for d in run_steps(documents, find_steps([step]), counts)]
    return kept, next(iter(counts.values()))


@pytest.mark.parametrize(
    ("option", "value", "dropped", "kept", "reason"),
    [
        ("min_characters", 5, "abcd", "abcde", "too_short"),
        ("max_characters", 5, "abcdef", "abcde", "too_long"),
        ("max_digits", 0.5, "a 1 23", "ab 12", "many_digits"),
        ("max_symbols", 0.5, "a - --", "ab --", "many_symbols"),
        ("max_repeated_lines", 0.5, "a\na\nb\n\na", "a\nb\na\nc", "many_repeated_lines"),
    ],
)
def test_what_is_beyond_an_option_is_dropped_and_named(
    option: str, value: float, dropped: str, kept: str, reason: str
) -> None:
    step = StepSection.model_validate({"name": "filter", option: value})
    left, drops = run(step, dropped, kept)
    assert left == [kept]
    assert +drops == {reason: 1} and drops.dropped == 1
    assert [(why, document.text) for why, document, _ in drops.examples] == [(reason, dropped)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "corpus_steps.0: give one of min_characters, max_characters, max_digits"),
        ({"max_digits": 1.5}, "corpus_steps.0.max_digits: input should be less than or equal to 1"),
        ({"min_characters": 0}, "corpus_steps.0.min_characters: input should be greater than"),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError) as caught:
        run(StepSection.model_validate({"name": "filter", **options}))
    assert str(caught.value).startswith(message)


def test_personal_data_is_hidden_and_counted_and_other_numbers_stay() -> None:
    text = (
        "Write to ana.b@mail.example.org or call +49 170 1234567, (212) 555-0100 or "
        "212-555-0199; number 123-45-6789. Revenue of 1 234 567 in 2023-11-29, claim 12, 3.5-4.0."
    )
    (left,), drops = run("scrub", text)
    assert left == (
        "Write to [email] or call [phone], [phone] or [phone]; number [number]. "
        "Revenue of 1 234 567 in 2023-11-29, claim 12, 3.5-4.0."
    )
    assert drops == {"emails_hidden": 1, "phones_hidden": 3, "numbers_hidden": 1}
    assert drops.dropped == 0


def test_marks_of_letters_are_no_symbols() -> None:
    step = StepSection.model_validate({"name": "filter", "max_symbols": 0.2})
    assert len(run(step, "यह पंप हॉल में तेल रिसता है")[0]) == 1
    nonsense = {"name": "filter", "min_characters": 9, "max_characters": 3}
    with pytest.raises(RecipeError, match="min_characters is above max_characters"):
        run(StepSection.model_validate(nonsense))


GERMAN = "Die Pumpe fördert das Wasser aus dem Brunnen in den Tank, bis das Ventil schließt."
ENGLISH = "The pump moves the water from the well into the tank until the valve is closed."


def languages(*codes: str) -> StepSection:
    return StepSection.model_validate({"name": "filter", "languages": list(codes)})


def test_texts_that_are_surely_in_another_language_are_dropped() -> None:
    left, drops = run(languages("en"), ENGLISH, GERMAN, ENGLISH * 20 + GERMAN)
    assert left == [ENGLISH, ENGLISH * 20 + GERMAN]
    assert drops.reasons == {"other_language": 1}
    assert run(languages("de", "en"), ENGLISH, GERMAN)[0] == [ENGLISH, GERMAN]
    assert run(languages("de"), ENGLISH, GERMAN)[0] == [GERMAN]


@pytest.mark.parametrize("text", ["TGF-beta 1", "42", "\u2026", "Ibuprofen 20 mg"])
def test_a_text_whose_language_is_not_sure_stays(text: str) -> None:
    assert run(languages("en"), text)[0] == [text]


def test_unknown_languages_and_a_missing_library_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RecipeError, match=r"filter: languages: english: unknown\. Known are ace, "):
        run(languages("english", "en"), ENGLISH)
    monkeypatch.setitem(sys.modules, "py3langid.langid", None)
    with pytest.raises(RecipeError, match=r"pip install 'domainbert\[language\]'"):
        run(languages("en"), ENGLISH)
