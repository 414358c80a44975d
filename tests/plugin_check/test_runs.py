from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.checks import lines

from domainbert import Domain
from domainbert.plugin.registry import load_plugins
from domainbert.plugin_check.check import subject_of
from domainbert.plugin_check.subject import Subject

SOCKET = "import socket\n    try: {}\n    except OSError: pass"


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ({"first": "print('noise')"}, "ok    imports: knots loads nothing heavy and asks no net"),
        ({"first": "import numpy"}, "FAIL  imports: importing knots: heavy: ['numpy']  → import"),
        ({"inside": "import numpy"}, "FAIL  imports: importing knots: heavy: ['numpy']  → import"),
        (
            {"inside": SOCKET.format("socket.create_connection(('127.0.0.1', 9))")},
            "FAIL  imports: importing knots: network: ['socket.getaddrinfo 127.0.0.1'",
        ),
        (
            {"first": "import sys; assert 'pytest' in sys.modules, 'no pytest'"},
            "FAIL  imports: importing knots: error: AssertionError: no pytest",
        ),
        (
            {"first": "import os, sys\nif 'pytest' not in sys.modules: os._exit(3)"},
            "FAIL  imports: importing knots: error: exit code 3: no message",
        ),
    ],
)
def test_imports(source: dict[str, str], line: str, planted: Callable[..., Subject]) -> None:
    (found,) = lines(planted(**source), "imports")
    assert found.startswith(line)


def test_a_domain_that_no_plugin_yields_has_nothing_to_run(bare_environment: None) -> None:
    subject = subject_of(Domain("knots", "Knots"))
    imports, *others = lines(subject, "imports", "recipes", "runs")
    assert imports.startswith("FAIL  imports: no installed plugin yields the domain 'knots'")
    assert others == ["ok    recipes: 0 valid recipes", "ok    runs: no corpus in the package"]


def test_recipes_that_are_not_valid_and_a_default_that_is_not_there(folder: Path) -> None:
    def line() -> str:
        file = folder / "knots.py"
        return lines(subject_of(load_plugins([file]).domain("knots"), file), "recipes")[0]

    path = folder / "recipes" / "quickstart.yaml"
    good = path.read_text()
    path.write_text(good.replace("steps", "stpes"))
    assert line().startswith("FAIL  recipes: knots/quickstart: ")
    assert "unknown key. Did you mean 'steps'?" in line()
    assert "`domainbert recipes validate knots/quickstart`" in line()
    path.write_text(good.replace("knot-names", "other"))
    assert "has no task 'other'" in line()
    path.write_text(good)
    path.rename(path.with_name("slow.yaml"))
    assert line() == (
        "FAIL  recipes: default recipe 'knots/quickstart' does not exist  → name one of: knots/slow"
    )
