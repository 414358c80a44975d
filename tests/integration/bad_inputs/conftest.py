"""Projects that bad inputs are put into, and the check of a table of them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.bad_inputs import Case, faults, make_project
from helpers.forks import ForkServer, fork_server
from helpers.town import Town

Check = Callable[..., None]


@pytest.fixture(scope="module")
def server(make_town: Callable[[], Town]) -> Iterator[ForkServer]:
    with fork_server(make_town().variables) as made:
        yield made


@pytest.fixture(scope="module")
def check(
    make_town: Callable[[], Town], server: ForkServer, tmp_path_factory: pytest.TempPathFactory
) -> Check:
    """Run a table of cases in a project with these sections; every one must be refused."""

    def run(cases: Iterable[Case], *, finished: bool = False, **sections: Any) -> None:
        town = make_town()
        project = make_project(town, **sections)
        if finished:
            log = tmp_path_factory.mktemp("log") / "log"
            pid = server.start(["adapt", "town.yaml", "--out", "run"], project, log)
            assert server.wait(pid) == 0, Path(log).read_text(encoding="utf-8")
        wrong, counts = faults(cases, project, server, tmp_path_factory.mktemp("cases"))
        # Shown by `pytest -rP`.
        sys.stdout.write(f"bad inputs: {json.dumps(counts)}, {len(wrong)} wrong\n")
        assert not wrong, "\n".join(wrong)

    return run
