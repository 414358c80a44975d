"""Checks in new processes: imports are light, recipes are valid and run with a tiny base."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from domainbert.errors import UserError
from domainbert.plugin_check.subject import Check, Subject, count, is_packaged, some
from domainbert.recipe.library import list_recipes
from domainbert.recipe.resolve import check_names, load_recipe

SMALL: dict[str, Any] = {
    "train": {"steps": 2, "batch_size": 4, "max_seq_length": 32, "precision": "fp32"},
    "evaluate": {"seeds": [0], "epochs": 1, "max_seq_length": 48},
}
_VARIABLES = {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true"}


def check_imports(subject: Subject) -> Check:
    """Check that importing the plugin loads nothing heavy and asks the network for nothing."""
    if subject.plugin is None:
        fix = "`pip install -e .` in the folder of the plugin, and see `domainbert plugins list`"
        yield f"no installed plugin yields the domain {subject.domain.name!r}", fix
        return ""
    name = subject.plugin.name
    words = [str(Path(__file__).with_name("alone.py")), subject.plugin.key, *subject.file]
    # Of the installed plugins, this one alone.
    out, error = _python(words, 60, DOMAINBERT_PLUGINS=subject.distribution)
    answer = json.loads(out.splitlines()[-1]) if out else {"error": error}
    fixes = {
        "error": "make it importable without torch, a network or other modules first",
        "heavy": "import inside the function that needs it",
        "network": "declare a DataFile with a url and let `domainbert` fetch it",
    }
    for key, fix in fixes.items():
        if answer.get(key):
            yield f"importing {name}: {key}: {answer[key]}", fix
    return f"{name} loads nothing heavy and asks no network"


def check_recipes(subject: Subject) -> Check:
    """Check that the recipes of the domain are valid, and that its default exists."""
    domain, default = subject.domain, subject.domain.default_recipe
    found = list_recipes(subject.registry).items()
    recipes = {name: path for name, path in found if name.partition("/")[0] == domain.name}
    for name, path in recipes.items():
        try:
            check_names(load_recipe(path), subject.registry)
        except UserError as error:
            yield f"{name}: {error}", f"`domainbert recipes validate {name}` until it is valid"
    if default is not None and default not in recipes:
        fix = f"name one of: {some(recipes) or 'none; add recipes to the package'}"
        yield f"default recipe {default!r} does not exist", fix
    return count(len(recipes), "valid recipe")


def check_runs(subject: Subject) -> Check:
    """Adapt and evaluate a tiny base on the packaged corpora and tasks, in two steps."""
    corpora = [corpus.name for corpus in subject.domain.corpora if is_packaged(corpus)]
    tasks = [task.name for task in subject.domain.tasks if is_packaged(task)]
    if not corpora:
        return "no corpus in the package"
    error = run(subject, {"corpus": [{"name": name} for name in corpora], "tasks": tasks})
    if error:
        yield error, "run a recipe: `domainbert adapt RECIPE --set train.steps=2`"
    return f"{some([*corpora, *tasks])}: adapted and evaluated in miniature"


def run(subject: Subject, data: dict[str, Any]) -> str:
    """Return the error of a small run with a tiny base; empty if it succeeds."""
    from domainbert.testing.tiny import tiny_checkpoint

    name = subject.domain.name
    with tempfile.TemporaryDirectory(prefix="domainbert-check-") as folder:
        base = str(tiny_checkpoint(Path(folder) / "base"))
        path = Path(folder) / "recipe.yaml"
        recipe = {"name": name, "domain": name, "base": base, **data, **SMALL}
        path.write_text(json.dumps(recipe), encoding="utf-8")  # JSON is YAML
        words = ["-m", "domainbert", "adapt", str(path), f"--out={folder}/run"]
        return _python([*words, *(f"--plugin={file}" for file in subject.file)], 600)[1]


def _python(words: list[str], seconds: int, **variables: str) -> tuple[str, str]:
    """Return the output of a Python process without a network, and its error if it fails."""
    path = os.pathsep.join(str(Path(entry or ".").resolve()) for entry in sys.path)
    try:
        done = subprocess.run(
            # -P: modules beside the script must not hide others of the same name.
            [sys.executable, "-P", *words],
            env={**os.environ, "PYTHONPATH": path, **_VARIABLES, **variables},
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "", f"took longer than {seconds} seconds"
    last = (done.stderr.strip().splitlines() or ["no message"])[-1].removeprefix("error: ")
    failed = done.returncode or not done.stdout.strip()
    return ("", f"exit code {done.returncode}: {last}") if failed else (done.stdout, "")
