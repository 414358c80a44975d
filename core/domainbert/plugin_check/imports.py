"""Importing a plugin is light and silent: checked in an interpreter of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from domainbert.plugin_check.outcome import Outcome, Problem, outcome, some
from domainbert.plugin_check.subject import Subject, child_environment

_SCRIPT = Path(__file__).with_name("import_alone.py")
_SECONDS = 60


@dataclass(frozen=True)
class Alone:
    """What importing the plugin did, nothing else being imported before."""

    heavy: tuple[str, ...] = ()
    network: tuple[str, ...] = ()
    error: str = ""


def check_imports(subject: Subject) -> list[Outcome]:
    """Check that importing loads nothing heavy and asks the network for nothing."""
    if not subject.target:
        missing = Problem(
            f"no installed plugin yields the domain {subject.domain.name!r}",
            "`pip install -e .` in the folder of the plugin, and see `domainbert plugins list`",
        )
        return [outcome("imports", "", [missing])]
    alone = _import_alone(subject.target)
    if alone.error:
        fix = "make the plugin importable on its own, without torch and without a network"
        return [outcome("imports", "", [Problem(f"{subject.target}: {alone.error}", fix)])]
    heavy = [
        Problem(
            f"importing {subject.target} imports {some(alone.heavy)}",
            "import it inside the function that needs it",
        )
    ]
    network = [
        Problem(
            f"importing {subject.target} asks the network: {some(alone.network)}",
            "declare a DataFile with a url and let `domainbert` fetch it",
        )
    ]
    return [
        outcome("imports", f"{subject.target} loads nothing heavy", heavy if alone.heavy else []),
        outcome("network", "not asked while importing", network if alone.network else []),
    ]


def _import_alone(target: str) -> Alone:
    # -P: modules that lie beside the script must not stand for others of their name.
    command = [sys.executable, "-P", str(_SCRIPT), target]
    try:
        done = subprocess.run(
            command,
            env=child_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Alone(error=f"importing took longer than {_SECONDS} seconds")
    try:
        found = json.loads(done.stdout.splitlines()[-1])
        return Alone(tuple(found["heavy"]), tuple(found["network"]), found["error"])
    except (IndexError, ValueError, KeyError, TypeError):
        return Alone(error=f"the interpreter ended with code {done.returncode}")
