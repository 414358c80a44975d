from __future__ import annotations

import pytest
from helpers.recipe import PLAIN, read, refused

from domainbert.errors import RecipeError
from domainbert.plugin.registry import Registry
from domainbert.recipe.evaluate import Baselines
from domainbert.recipe.resolve import check_names


def with_baselines(value: str) -> str:
    return f"{PLAIN}evaluate:\n  baselines: {value}\n"


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("true", True), ("false", False), ("yes", True), ("off", False), ("none", False),
        ("all", "all"), ("bilstm", ("bilstm",)), ("[]", ()),
        ('"bilstm, frozen"', ("bilstm", "frozen")), ("[majority, frozen]", ("majority", "frozen")),
    ],
)  # fmt: skip
def test_baselines_are_a_switch_all_or_names(written: str, value: Baselines) -> None:
    found = read(with_baselines(written)).evaluate
    assert found.baselines == value
    assert found.baseline_names == (value if isinstance(value, tuple) else ())


def test_the_default_changes_no_hash() -> None:
    assert read(with_baselines("true")).hash() == read(PLAIN).hash()
    assert len({read(with_baselines(v)).hash() for v in ("true", "false", "all", "[bilstm]")}) == 4


@pytest.mark.parametrize(
    ("written", "message"),
    [
        *((value, "expected true, false, `all`, or a list of names, such as [bilstm]")
          for value in ("2", "0.5", "null", "{a: 1}", "[true]", "[[bilstm]]")),
        ("[bilstm, bilstm]", "a name stands twice; give each once"),
    ],
)  # fmt: skip
def test_what_is_neither_is_refused_with_its_line(written: str, message: str) -> None:
    said = refused(with_baselines(written))
    assert said == f"r.yaml:8  evaluate.baselines: {message}."


def test_an_unknown_name_is_refused_with_a_suggestion() -> None:
    with pytest.raises(RecipeError, match=r"evaluate\.baselines: .*Did you mean 'frozen'\?"):
        check_names(read(with_baselines("[majority, frozn]")), Registry((), {}))
