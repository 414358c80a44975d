from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.checks import lines

from domainbert.plugin.registry import load_plugins
from domainbert.plugin_check.check import subject_of
from domainbert.plugin_check.subject import Subject

SOCKET = "import socket\n    try: {}\n    except OSError: pass"


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ({"first": "import numpy"}, "FAIL  imports: importing knots: heavy: ['numpy']  → import"),
        (
            {"inside": SOCKET.format("socket.create_connection(('127.0.0.1', 9))")},
            "FAIL  imports: importing knots: network: ['socket.getaddrinfo 127.0.0.1'",
        ),
        (
            {"first": "import os, sys\nif 'pytest' not in sys.modules: os._exit(3)"},
            "FAIL  imports: importing knots: error: SystemExit: 3  → make it",
        ),
    ],
)
def test_imports(source: dict[str, str], line: str, planted: Callable[..., Subject]) -> None:
    (found,) = lines(planted(**source), "imports")
    assert found.startswith(line)


def test_recipes_that_are_not_valid_and_a_default_that_is_not_there(folder: Path) -> None:
    def line() -> str:
        file = folder / "knots.py"
        return lines(subject_of(load_plugins([file]).domain("knots"), file), "recipes")[0]

    path = folder / "recipes" / "quickstart.yaml"
    good = path.read_text()
    path.write_text(good.replace("steps", "stpes"))
    assert line().startswith("FAIL  recipes: knots/quickstart: ")
    assert "unknown key. Did you mean 'steps'?" in line()
    path.write_text(good)
    path.rename(path.with_name("slow.yaml"))
    assert line() == (
        "FAIL  recipes: default recipe 'knots/quickstart' does not exist  → name one of: knots/slow"
    )
