from __future__ import annotations

from domainbert.recipe.origins import difference


def test_a_difference_names_keys_and_both_values_of_the_first_five() -> None:
    before = {"train": {"steps": 5}, "corpus": [{"path": "a"}], "seeds": [0, 1], "same": {}}
    after = {"train": {"steps": 7}, "corpus": [{"path": "b"}], "seeds": [0], "same": {}}
    changes = "train.steps: 5 → 7, corpus.0.path: 'a' → 'b', seeds.1: 1 → None"
    assert difference(before, after) == changes
    assert difference(before, before) == ""
    numbers = {str(number): number for number in range(8)}
    shown = ", ".join(f"{number}: None → {number}" for number in range(5))
    assert difference({"same": 1}, {"same": 1, **numbers}) == f"{shown}, 3 more"
