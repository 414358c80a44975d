from __future__ import annotations

import pytest

from domainbert.errors import RecipeError
from domainbert.recipe.budget import parse_budget


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("500", "steps", 500),
        ("2epochs", "epochs", 2.0),
        ("3M", "tokens", 3_000_000),
        ("0.001k", "tokens", 1),
        ("1.5h", "minutes", 90.0),
    ],
)
def test_a_budget_names_a_key_and_a_value(text: str, key: str, value: float) -> None:
    assert parse_budget(text) == (key, value)


WRONG = "m|-5|0|0m|1.5|1.5steps|0.0001k|3x|3H|3ks|3s|1e6|٣|30m 2h|∞|"


@pytest.mark.parametrize("text", WRONG.split("|"))
def test_anything_else_is_refused_with_the_units(text: str) -> None:
    with pytest.raises(RecipeError, match=r"expected steps \(500\), epochs \(2epochs\), tokens"):
        parse_budget(text)
