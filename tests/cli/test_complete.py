"""What the shell is offered, and which plugin brings which task."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

TASKS = """
from pathlib import Path

import domainbert

SPLITS = {name: Path(name) for name in ("train", "validation", "test")}

def task(name):
    return domainbert.Task(name, name.title(), "tagging", "CC0-1.0", "Mine", "1", SPLITS, ("Knot",))

@domainbert.hookimpl
def domainbert_domains():
    yield domainbert.Domain(name="knots", title="Knots", tasks=(task("knot-names"),))

@domainbert.hookimpl
def domainbert_tasks():
    yield "bio", task("knots-in-cells")
    yield "nowhere", task("lost")
"""


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("adapt --domain b", {"bio"}),
        ("tokenizer report BASE --domain f", {"finance"}),
        ("adapt bio/q", {"bio/quickstart"}),
        ("recipes show finance/quick", {"finance/quickstart"}),
        (
            "evaluate MODEL --domain patent --task sample-",
            {"sample-cpc", "sample-title-abstract", "sample-abstract-claim"},
        ),
        ("evaluate MODEL --task sample-d", {"sample-disease"}),
        ("adapt --domain nothing", set()),
    ],
)
def test_names_are_completed(python: Callable[..., Any], line: str, offered: set[str]) -> None:
    words = f"domainbert {line}"
    variables = {"COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1)}
    done = python("-m", "domainbert", _DOMAINBERT_COMPLETE="complete_bash", **variables)
    assert (done.code, set(done.out.split()), done.err) == (0, offered, "")


def test_tasks_are_listed_with_the_plugin_that_brings_them(
    cli: Callable[..., Any], shelf: Any
) -> None:
    shelf.add("domainbert-knots", TASKS, names=("knots",))
    rows = json.loads(cli("plugins", "list", "--tasks", "--json").out)
    ours = [(r["domain"], r["task"]) for r in rows if r["plugin"] == "domainbert-knots 1.2.3"]
    assert ours == [("bio", "knots-in-cells"), ("knots", "knot-names")]
    assert {r["domain"] for r in rows if "bio" in r["plugin"]} == {"bio"}
    table = cli("plugins", "list", "--tasks").out
    # Longer names are broken by the width of the table.
    assert {row["task"] for row in rows if len(row["task"]) < 20} <= set(table.split())
