from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from domainbert.testing import sample_texts

RECIPE = """\
base: base
corpus: [{path: letters.txt, text_unit: line}]
train: {steps: 2, batch_size: 4, max_seq_length: 32, precision: fp32}
tasks:
  - {name: trades, kind: classification, train: train.tsv, validation: test.tsv, test: test.tsv}
evaluate:
  {seeds: [0], epochs: 1, min_steps: 1, max_seq_length: 32, keep: none, baselines: false}
"""


@pytest.fixture
def run(tiny_base: Path, tmp_path: Path, cli: Callable[..., Any], monkeypatch: Any) -> Path:
    """A finished run without baselines, in the working folder."""
    monkeypatch.chdir(tmp_path)
    Path("letters.txt").write_text("".join(text + "\n" for text in sample_texts(40)))
    rows = [f"the clerk {n}\t{'craft' if n % 2 else 'trade'}\n" for n in range(40)]
    for split, part in {"train": rows[:26], "test": rows[24:]}.items():
        Path(f"{split}.tsv").write_text("text\tlabel\n" + "".join(part))
    Path("town.yaml").write_text(RECIPE.replace("base: base", f"base: {tiny_base}"))
    done = cli("adapt", "town.yaml", "--out", "run")
    assert done.code == 0, done.err
    return Path("run")


def test_baselines_are_named_on_the_command_line(
    run: Path, cli: Callable[..., Any], fresh_accelerator: None
) -> None:
    def results() -> set[str]:
        return {path.stem for path in run.glob("results/*/*.json")}

    before = results()
    for wanted, said in {
        "bilstn": "Did you mean 'bilstm'?",
        "mentions": "'mentions' suits no task of the kind classification.",
        "frozen,frozen": "--baselines frozen,frozen: expected `all`, `none`, or names",
    }.items():
        refused = cli("evaluate", run, "--seeds", "1", "--baselines", wanted)
        assert refused.code == 2
        assert said in refused.err
    assert results() == before
    done = cli("evaluate", run, "--seeds", "1", "--baselines", "majority,frozen", "--json")
    assert done.code == 0, done.err
    assert results() - before == {"majority-seed-0", "frozen-seed-0"}
    (report,) = json.loads(done.out)
    assert list(report["models"]) == ["base", "adapted", "majority", "frozen"]
    # Two texts of test are in train.
    assert set(report["clean"]) == set(report["models"])
    assert report["counts"]["test_in_train"] == 2
    assert cli("evaluate", run, "--seeds", "1", "--baselines", "none").code == 0
