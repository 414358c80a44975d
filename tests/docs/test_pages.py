"""Documentation is code: reference pages are current, links resolve, blocks run."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path
    for folder in ("docs", "recipes", "plugins")
    for path in (ROOT / folder).rglob("*.md")
    if "/." not in str(path.relative_to(ROOT))
) + sorted(ROOT.glob("*.md"))
SLOW = (
    "add-a-component", "baselines", "bio", "blend", "clean-a-corpus", "clinical", "corpus-steps",
    "evaluate", "extend-the-vocabulary", "finance", "hub-data", "legal", "objectives", "own-data",
    "pairs-and-regression", "patent", "plan-a-run", "python",
    "relations-and-questions", "stages",
)  # fmt: skip
RUNNABLE = [
    "docs/tutorials/first-adaptation.md",
    *(pytest.param(f"docs/how-to/{name}.md", marks=pytest.mark.slow) for name in SLOW),
]
GENERATED = (
    "cli.md", "api.md", "hooks.md", "metrics.md", "recipe.md", "result.schema.json", "results.md",
    "plugins.md",
)  # fmt: skip
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"# (\S+\.(?:py|yaml))\n")
_LINK = re.compile(r"\]\(([^)#]+)(?:#[^)]*)?\)")


@pytest.fixture(scope="module")
def generated(tmp_path_factory):
    """Pages made in a separate process: commands of plugins, once added, stay in this one."""
    folder = tmp_path_factory.mktemp("reference")
    subprocess.run([sys.executable, ROOT / "docs" / "generate.py", folder], check=True)
    return folder


@pytest.mark.parametrize("page", GENERATED)
def test_reference_page_is_what_the_code_generates(page, generated):
    folder = ROOT / "docs" / ("" if page == "plugins.md" else "reference")
    committed = (folder / page).read_text(encoding="utf-8")
    assert committed == (generated / page).read_text(encoding="utf-8"), "run `make docs`"


def test_each_metric_says_its_source_and_its_reference():
    from domainbert.builtin import domainbert_components
    from domainbert.plugin.metric import Metric

    metrics = [item for item in domainbert_components() if isinstance(item, Metric)]
    texts = [(m.definition, m.source, m.checked) for m in metrics]
    assert [m.name for m, row in zip(metrics, texts, strict=True) if not all(row)] == []
    assert len(metrics) >= 28


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links_resolve(page):
    targets = _LINK.findall(page.read_text(encoding="utf-8"))
    local = [target for target in targets if not re.match(r"[a-z]+:", target)]
    assert [target for target in local if not (page.parent / target).exists()] == []


def blocks(page):
    """Return (language, code) of the blocks that are meant to run, in order.

    A yaml or python block is a file if its first line is a comment with the file's name.
    """
    found = _BLOCK.findall((ROOT / page).read_text(encoding="utf-8"))
    return [
        (language, code)
        for language, code in found
        if language in {"bash", "python"} or _FILE.match(code)
    ]


@pytest.mark.parametrize("page", RUNNABLE)
def test_blocks_of_the_page_run(page, tmp_path):
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "COLUMNS": "100"}
    ran = 0
    for language, code in blocks(page):
        if named := _FILE.match(code):
            (tmp_path / named[1]).write_text(code, encoding="utf-8")
            continue
        shell = ["bash", "-euc"] if language == "bash" else [sys.executable, "-c"]
        output = {"capture_output": True, "text": True}
        done = subprocess.run([*shell, code], cwd=tmp_path, env=environment, **output)
        assert done.returncode == 0, f"{page}\n{code}\n{done.stdout}\n{done.stderr}"
        ran += 1
    assert ran >= 2
