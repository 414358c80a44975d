"""An addition touches three files: the component, its test, its page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from domainbert.plugin.components import KINDS

ROOT = Path(__file__).parents[2]
PLUGINS = sorted(Path(__file__).parent.joinpath("plugins").glob("*.py"))


def table(page: str, heading: str) -> list[list[str]]:
    """Return the file names and names in backquotes of each row below a heading."""
    text = (ROOT / page).read_text(encoding="utf-8")
    rows = text[text.index(heading) :].split("\n\n")[0].splitlines()[2:]
    return [re.findall(r"`([^`]+)`", row) for row in rows]


def test_a_plugin_adds_one_file_with_one_test() -> None:
    rows = table("docs/how-to/add-a-component.md", "| component | a recipe selects")
    assert {row[0] for row in rows} == {kind.__name__ for kind in KINDS}
    files = [name for row in rows for name in row if name.endswith(".py")]
    assert sorted(files[::2]) == [path.name for path in PLUGINS]
    assert all(Path(__file__).with_name(name).is_file() for name in files[1::2])


def test_core_adds_one_file_with_one_test_and_one_page() -> None:
    rows = table("CONTRIBUTING.md", "| add | file in")
    assert len(rows) == len(KINDS)
    for module, test, page in rows:
        assert list((ROOT / "core" / "domainbert").glob(module.replace("NAME", "*")))
        path = Path("tests", module)
        assert test == path.with_name(f"test_{path.name}").as_posix()
        assert (ROOT / page).is_file()


@pytest.mark.parametrize("path", PLUGINS, ids=lambda path: path.stem)
def test_a_component_has_at_most_80_lines(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 80
