"""Importing a plugin is light and silent: checked in a process without the caller's state."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from domainbert.plugin_check.outcome import Outcome, outcome, some
from domainbert.plugin_check.subject import Subject

_SCRIPT = Path(__file__).with_name("alone.py")


def check_imports(subject: Subject) -> Iterator[Outcome]:
    """Check that importing loads nothing heavy and asks the network for nothing."""
    target = subject.target
    if not target:
        fix = "`pip install -e .` in the folder of the plugin, and see `domainbert plugins list`"
        what = f"no installed plugin yields the domain {subject.domain.name!r}"
        yield outcome("imports", "", [(what, fix)])
        return
    plugin, files = subject.plugin, list(map(str, subject.files))
    question = {"plugin": plugin.key if plugin else "", "files": files}
    # Of the installed plugins, none but this one.
    answers, lost = ask(question, 60, DOMAINBERT_PLUGINS=subject.distribution)
    answer = answers[0] if answers else {"error": lost}
    if answer["error"]:
        fix = "make the plugin importable without torch, a network or other modules first"
        yield outcome("imports", "", [(f"{target}: {answer['error']}", fix)])
        return
    heavy, network = some(answer["heavy"]), some(answer["network"])
    what, fix = f"importing {target} imports {heavy}", "import it inside the function that needs it"
    yield outcome("imports", f"{target} loads nothing heavy", [(what, fix)] if heavy else [])
    what = f"importing {target} asks the network: {network}"
    fix = "declare a DataFile with a url and let `domainbert` fetch it"
    yield outcome("network", "not asked while importing", [(what, fix)] if network else [])


def ask(
    question: dict[str, Any], seconds: int, **variables: str
) -> tuple[list[dict[str, Any]], str]:
    """Return the answers of `alone.py`, and the reason why there are no more."""
    path = os.pathsep.join(str(Path(entry or ".").resolve()) for entry in sys.path)
    offline = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "NO_COLOR": "1"}
    cpu = {"ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1"}
    try:
        done = subprocess.run(
            # -P: modules that lie beside the script must not stand for others of their name.
            [sys.executable, "-P", str(_SCRIPT)],
            env={**os.environ, "PYTHONPATH": path, **offline, **cpu, **variables},
            input=json.dumps(question),
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return [], f"took longer than {seconds} seconds"
    lines = [line for line in done.stdout.splitlines() if line.startswith('{"error": ')]
    last = (done.stderr.strip().splitlines() or ["no message"])[-1]
    return list(map(json.loads, lines)), f"the process ended with code {done.returncode}: {last}"
