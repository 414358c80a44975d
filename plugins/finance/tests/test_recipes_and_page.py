"""The recipes name what the plugin has, and the blocks of the how-to page run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from domainbert_finance.domain import FINANCE

ROOT = Path(__file__).parents[3]
RECIPES = sorted((ROOT / "recipes" / "finance").glob("*.yaml"))
PAGE = ROOT / "docs" / "how-to" / "finance.md"
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_there_are_three_recipes() -> None:
    assert [path.stem for path in RECIPES] == ["finbert", "phrasebank-minilm", "quickstart"]
    assert FINANCE.default_recipe == "finance/quickstart"


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_recipes_name_tasks_and_corpora_of_the_domain(path: Path) -> None:
    recipe = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert recipe["domain"] == "finance"
    assert set(recipe["tasks"]) <= {task.name for task in FINANCE.tasks}
    named = {corpus["name"] for corpus in recipe["corpus"] if "name" in corpus}
    assert named <= {corpus.name for corpus in FINANCE.corpora}


def test_finbert_has_the_published_settings() -> None:
    recipe = yaml.safe_load((ROOT / "recipes" / "finance" / "finbert.yaml").read_text("utf-8"))
    expected = {"epochs": 4, "batch_size": 32, "warmup": 0.2, "unfreeze": "gradual"}
    assert recipe["base"] == "google-bert/bert-base-uncased"
    assert {key: recipe["evaluate"][key] for key in expected} == expected
    assert float(recipe["evaluate"]["learning_rate"]) == 2e-5
    assert (recipe["evaluate"]["max_length"], recipe["evaluate"]["layer_rate_decay"]) == (64, 0.85)


def test_blocks_of_the_page_run(tmp_path: Path) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "COLUMNS": "100"}
    ran = []
    for language, code in _BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        if language == "yaml":
            name = code.splitlines()[0].removeprefix("# ")
            (tmp_path / name).write_text(code, encoding="utf-8")
        elif language in {"bash", "python"}:
            shell = ["bash", "-euc"] if language == "bash" else [sys.executable, "-c"]
            done = subprocess.run(
                [*shell, code], cwd=tmp_path, env=environment, capture_output=True, text=True
            )
            assert done.returncode == 0, f"{code}\n{done.stdout}\n{done.stderr}"
            ran.append(language)
    assert ran == ["bash", "bash", "python", "python", "python", "bash"]
