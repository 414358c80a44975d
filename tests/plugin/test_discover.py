from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from domainbert.errors import PluginError
from domainbert.plugin.registry import PluginInfo, load_plugins

Text = Callable[[str], str]


@pytest.mark.parametrize(
    ("requirement", "status"),
    [
        ("DomainBERT<0.1", ("incompatible", "needs DomainBERT<0.1, this is 0.1.0")),
        ("domainbert>=0.1,<0.2", ("ok", "")),
        ("domainbert<0.1; extra == 'old'", ("ok", "")),
    ],
)
def test_requirements(
    requirement: str, status: tuple[str, str], shelf: Any, monkeypatch: Any, statuses: Any
) -> None:
    fails = "raise RuntimeError('imported')" if status[0] != "ok" else ""
    shelf.add("fake-needs", fails, requires=(requirement,))
    monkeypatch.setenv("DOMAINBERT_PLUGINS", "fake-needs")
    assert statuses(load_plugins()) == {"needs": status}


@pytest.mark.parametrize(
    ("selection", "enabled"),
    [(None, {"one", "two"}), ("", set()), (" one , fake-two ,", {"one", "two"}), ("x", set())],
)
def test_the_selection_names_entry_points_or_distributions(
    selection: str | None, enabled: set[str], shelf: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.add("fake-one", "", names=("one",))
    shelf.add("fake-two", "", names=("two",))
    if selection is not None:
        monkeypatch.setenv("DOMAINBERT_PLUGINS", selection)
    ours = [info for info in load_plugins().plugins if info.distribution.startswith("fake-")]
    assert {info.name for info in ours if info.status == "ok"} == enabled


def test_a_single_file_is_a_plugin_and_may_define_dataclasses(
    alone: Any, good: Text, tmp_path: Path
) -> None:
    path = tmp_path / "my_domain.py"
    path.write_text(
        "from __future__ import annotations\nimport dataclasses\n"
        "@dataclasses.dataclass\nclass Row:\n    text: str\n" + good("mine")
    )
    registry = alone(path, path)
    assert registry.plugins[-1] == PluginInfo(str(path), "file", "", domains=("mine",))
    assert registry.domain("mine").title == "Of mine"


@pytest.mark.parametrize(
    ("name", "text", "error"),
    [("a.py", "1 / 0", "ZeroDivisionError: "), ("c.txt", "", "ImportError: not a Python file; ")],
)
def test_a_single_file_that_fails_is_broken_and_none_is_an_error(
    name: str, text: str, error: str, alone: Any, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_text(text)
    info = alone(path).plugins[-1]
    assert (info.name, info.distribution, info.status) == (str(path), "file", "broken")
    assert info.error.startswith(error)
    with pytest.raises(PluginError, match=r"^--plugin .*none\.py: no such file\.$"):
        alone(tmp_path / "none.py")
