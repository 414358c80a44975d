"""A table of bad inputs: each spoils a small project, runs a command, expects a clear refusal."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from helpers.forks import ForkServer
from helpers.town import Town

SECONDS = 20
"""Longer is a hang."""
ADAPT = "adapt town.yaml --out run"


class Case(NamedTuple):
    """One bad input.

    Args:
        name: Of the case, for failures.
        change: Spoils the project in a folder.
        said: What the output must hold, in any case: file, key or reason.
        words: The command.
        codes: Exit codes that are right.
    """

    name: str
    change: Callable[[Path], object]
    said: str
    words: str = ADAPT
    codes: tuple[int, ...] = (2,)


def make_project(town: Town, *, with_head: bool = True, **sections: Any) -> Path:
    """Write a project that takes a second, and return its folder."""
    settings = {"steps": 2, "save_steps": 2, "head_steps": 2, "max_seq_length": 16}
    town.write(with_head=with_head, sections=sections, **settings)
    return town.folder


def set_keys(**values: Any) -> Callable[[Path], None]:
    """Return a change that sets keys of the recipe; `train__steps` is `train.steps`."""

    def change(folder: Path) -> None:
        path = folder / "town.yaml"
        recipe = yaml.safe_load(path.read_text(encoding="utf-8"))
        for name, value in values.items():
            *above, key = name.split("__")
            section = recipe
            for part in above:
                section[part] = found if isinstance(found := section.get(part), dict) else {}
                section = section[part]
            section[key] = value
        path.write_text(yaml.safe_dump(recipe), encoding="utf-8")

    return change


def faults(
    cases: Iterable[Case], project: Path, server: ForkServer, scratch: Path
) -> tuple[list[str], Counter[str]]:
    """Run all cases; return what went wrong with each that did, and counts of outcomes."""
    wrong, counts = [], Counter[str]()
    for number, case in enumerate(cases):
        folder = scratch / f"case{number}"
        shutil.copytree(project, folder, symlinks=True)
        case.change(folder)
        before = set(folder.iterdir())
        log = scratch / f"{number}.log"
        code = server.wait(server.start(case.words.split(), folder, log), SECONDS)
        said = log.read_text(encoding="utf-8", errors="replace")
        fault = _fault(case, code, said, {*folder.iterdir()} - before)
        counts["refused" if code == 2 else "handled"] += not fault
        if fault:
            wrong.append(f"{case.name}: {fault}; exit {code}: {said[-600:]}")
        shutil.rmtree(folder)
    return wrong, counts


def _fault(case: Case, code: int, said: str, new: set[Path]) -> str:
    if code == -9:
        return f"no end within {SECONDS} s"
    if "Traceback" in said:
        return "a traceback"
    if code not in case.codes:
        return "silently accepted" if code == 0 else "another exit code"
    if code and case.said not in " ".join(said.split()):
        return f"does not say {case.said!r}"
    if code == 2 and new:
        return f"left {sorted(path.name for path in new)}"
    return ""
