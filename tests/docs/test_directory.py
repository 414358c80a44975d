"""The directory of plugins: its entries are right, and a wrong one is refused with its place."""

from __future__ import annotations

import importlib.util
import re
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

from domainbert.errors import UserError

ROOT = Path(__file__).parents[2]
GOOD = """plugins:
  - name: gardening
    distribution: domainbert-gardening
    domain: gardening
    title: Notes of gardeners
    address: https://example.org/gardening
    licence: MIT
    tasks: [kinds of plants]
"""


@pytest.fixture(scope="module")
def directory() -> ModuleType:
    spec = importlib.util.spec_from_file_location("directory", ROOT / "docs" / "directory.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # pydantic looks names of annotations up there
    spec.loader.exec_module(module)
    return module


def projects() -> dict[str, dict]:
    """Return the `project` table of each plugin of the repository."""
    files = sorted((ROOT / "plugins").glob("*/pyproject.toml"))
    return {f.parent.name: tomllib.loads(f.read_text("utf-8"))["project"] for f in files}


def test_each_plugin_of_the_repository_has_an_entry(directory: ModuleType) -> None:
    entries = {entry.address: entry for entry in directory.read_directory() if entry.own}
    assert len(projects()) >= 4
    for folder, project in projects().items():
        entry = entries[f"../plugins/{folder}/README.md"]
        assert entry.distribution == project["name"]
        assert entry.licence == project["license"]
        assert [entry.name] == list(project["entry-points"]["domainbert"])
        assert entry.domain == folder
        assert entry.tasks


def test_the_fields_of_the_repository_come_first(directory: ModuleType) -> None:
    names = [entry.name for entry in directory.read_directory()]
    assert names[:5] == ["bio", "finance", "patent", "clinical", "legal"]


def test_a_foreign_plugin_is_on_the_page(directory: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "plugins.yaml"
    path.write_text(GOOD, encoding="utf-8")
    page = directory.directory_page(directory.read_directory(path))
    row = (
        "| [domainbert-gardening](https://example.org/gardening) | `gardening` "
        "| Notes of gardeners | kinds of plants | MIT |\n"
    )
    assert row in page.partition("## Of others")[2]
    assert "None is listed yet" not in page


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("licence: MIT", "license: MIT", ":2: entry 1 (gardening): licence: field required"),
        ("    licence: MIT", "    licence: MIT\n    stars: 5", "stars: extra inputs are not"),
        ("https://example.org/gardening", "http://a.org", ":6: entry 1 (gardening): address: exp"),
        ("https://example.org/gardening", "javascript:alert(1)", "address: expected an"),
        ("https://example.org/gardening", "../plugins/../x/README.md", "address: expected an"),
        ("name: gardening", "name: Gardening!", ":2: entry 1 (Gardening!): name: expected lower"),
        ("Notes of gardeners", "<b>Notes</b>", ":5: entry 1 (gardening): title: expected up"),
        ("Notes of gardeners", "'Notes | of'", "title: expected up to 120 characters on one line"),
        ("Notes of gardeners", "'[x](y)'", "title: expected up to 120 characters on one line"),
        ("Notes of gardeners", '"a\\nb"', "title: expected up to 120 characters on one line"),
        ("[kinds of plants]", "kinds", ":8: entry 1 (gardening): tasks: input should be a valid"),
        ("[kinds of plants]", "[a, 'b`c']", "tasks.0: "),
        ("[kinds of plants]", f"[{', '.join(['some plants'] * 9)}]", "tasks: "),
        (GOOD, "plugins: {a: 1}\n", "expected one key, `plugins`, with a list of entries"),
        (GOOD, "plugins: [3]\n", ":1: entry 1: entry: input should be a valid dictionary"),
        ("Notes of gardeners", "!!python/name:os.system", "plugins.yaml:5"),
    ],
)  # fmt: skip
def test_a_wrong_entry_is_refused_with_file_entry_and_key(
    directory: ModuleType, tmp_path: Path, old: str, new: str, message: str
) -> None:
    path = tmp_path / "plugins.yaml"
    path.write_text(GOOD.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(UserError, match=re.escape(message)) as error:
        directory.read_directory(path)
    assert str(path) in str(error.value)


def test_a_name_that_stands_twice_is_refused(directory: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "plugins.yaml"
    path.write_text(GOOD + GOOD.partition("\n")[2], encoding="utf-8")
    message = f"{path}:9: entry 2 (gardening): name: is that of the entry 'gardening' too"
    with pytest.raises(UserError, match=re.escape(message)):
        directory.read_directory(path)
