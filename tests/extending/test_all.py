"""One run with all six components of the plugins here."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from extending.test_pair_kind import pairs

from domainbert.testing import sample_texts

PLUGINS = sorted(Path(__file__).parent.joinpath("plugins").glob("*.py"))
RECIPE: dict[str, Any] = {
    "name": "all-six",
    "base": "base",
    "corpus": [{"path": "pages/*.md"}],
    "corpus_steps": ["normalise", "exact-duplicates", "drop-boilerplate"],
    "train": {
        "steps": 3, "logging_steps": 1, "batch_size": 4, "max_seq_length": 32, "precision": "fp32",
        "objectives": {"masked-lm": 1, "distillation": 0.5},
    },
    "tasks": [
        {"name": "pairs", "kind": "sentence-pair", "metrics": ["matthews"],
         "baselines": ["nearest-neighbour"], "train": "train.tsv", "validation": "validation.tsv",
         "test": "test.tsv"},
    ],
    "evaluate": {"seeds": [0], "epochs": 1, "min_steps": 1, "max_seq_length": 32},
}  # fmt: skip


@pytest.fixture
def recipe(tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(tiny_base, "base")
    Path("pages").mkdir()
    texts = sample_texts(24)
    for n in range(8):
        first, second, third = texts[3 * n : 3 * n + 3]
        page = f"{first}\nHome\n\n# One\n{second}\nHome\n# Two\n{third}\n```\ncode\n```\n"
        Path(f"pages/{n}.md").write_text(page)
    for split, part in {"train": (0, 32), "validation": (32, 16), "test": (40, 16)}.items():
        Path(f"{split}.tsv").write_text(pairs(*part))
    path = Path("all-six.yaml")
    path.write_text(yaml.safe_dump(RECIPE))
    return path


def test_each_component_leaves_its_trace_in_one_run(
    recipe: Path, cli: Callable[..., Any], fresh_accelerator: None
) -> None:
    plugins = [f"--plugin={path}" for path in PLUGINS]
    outcome = cli("adapt", recipe, "--out", "run", *plugins)
    assert outcome.code == 0, outcome.err
    card = Path("run/README.md").read_text()
    assert (
        "| read, kept, dropped | 24 read, 24 kept, 23 boilerplate lines (drop-boilerplate) |"
        in card
    )
    lines = [json.loads(line) for line in Path("run/metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if line["distillation_loss"] < 1e-3] == [1, 2, 3]
    rows = [line.strip("| ").split(" | ") for line in card.splitlines() if line.startswith("| ")]
    table = {row[0]: row[1:] for row in rows[[row[0] for row in rows].index("model") :]}
    assert table["model"] == ["f1\\_macro", "accuracy", "mcc", "matthews"]
    assert list(table)[1:] == ["base", "adapted", "majority", "nearest-neighbour"]
    assert table["nearest-neighbour"] == ["100.00"] * 4
