from __future__ import annotations

from collections.abc import Callable

import pytest

from domainbert import Domain
from domainbert.plugin_check.imports import check_imports
from domainbert.plugin_check.subject import Subject, subject_of

SOCKET = "import socket\n    try: {}\n    except OSError: pass"


def lines(subject: Subject) -> list[str]:
    return [found.line for found in check_imports(subject)]


def test_light_imports_pass(planted: Callable[..., Subject]) -> None:
    assert lines(planted(first="print('noise')")) == [
        "ok    imports: domainbert_knots loads nothing heavy",
        "ok    network: not asked while importing",
    ]


@pytest.mark.parametrize("place", ["first", "inside"])
def test_heavy_imports_are_named(place: str, planted: Callable[..., Subject]) -> None:
    imports, network = lines(planted(**{place: "import numpy"}))
    assert imports.startswith("FAIL  imports: importing domainbert_knots imports numpy  → import")
    assert network.startswith("ok ")


@pytest.mark.parametrize(
    "call", ["socket.create_connection(('127.0.0.1', 9))", "socket.getaddrinfo('example.org', 80)"]
)
def test_network_while_importing_is_shown_even_if_the_error_is_caught(
    call: str, planted: Callable[..., Subject]
) -> None:
    imports, network = lines(planted(inside=SOCKET.format(call)))
    assert imports.startswith("ok ")
    assert network.startswith(
        "FAIL  network: importing domainbert_knots asks the network: socket.g"
    )


@pytest.mark.parametrize(
    ("first", "error"),
    [
        ("import sys; assert 'pytest' in sys.modules, 'no pytest'", "AssertionError: no pytest"),
        ("import os, sys\nif 'pytest' not in sys.modules: os._exit(3)", "the process ended with "),
        ("import os, sys\nif 'pytest' not in sys.modules: os.close(1)", "the process ended with "),
    ],
)
def test_a_plugin_that_cannot_be_imported_alone(
    first: str, error: str, planted: Callable[..., Subject]
) -> None:
    (line,) = lines(planted(first=first))
    assert line.startswith(f"FAIL  imports: domainbert_knots: {error}")


def test_a_domain_that_no_plugin_yields(bare_environment: None) -> None:
    (line,) = lines(subject_of(Domain("knots", "Knots")))
    assert line.startswith("FAIL  imports: no installed plugin yields the domain 'knots'")
