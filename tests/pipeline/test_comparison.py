from __future__ import annotations

from pathlib import Path

import pytest

from domainbert.errors import RecipeError
from domainbert.pipeline.comparison import check_rows
from domainbert.pipeline.trial import ModelUnderTest


def test_a_model_stands_in_the_table_once(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "one")
    one, two, link = (
        ModelUnderTest(name, tmp_path / name, "same") for name in ("one", "two", "link")
    )
    assert check_rows([one, two], []) == ["notice: one and two have the same weights"]
    for twice in (one, link):
        with pytest.raises(RecipeError, match=f"{twice.name}: the same folder as one, "):
            check_rows([one, twice], [])
