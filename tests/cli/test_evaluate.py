from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from domainbert.pipeline.comparison import find_others
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


OWN = """\
tasks:
  - {name: trades, kind: classification, train: train.tsv, validation: test.tsv, test: test.tsv}
evaluate:
  {seeds: [0, 1], epochs: 1, min_steps: 1, max_seq_length: 32, keep: none, baselines: false}
"""
SECOND_TASK = """\
  - {name: clerks, kind: classification, train: test.tsv, validation: train.tsv, test: train.tsv}
"""


def test_own_tasks_and_other_settings_have_another_folder(
    run: Path, cli: Callable[..., Any], fresh_accelerator: None
) -> None:
    before = {path: path.read_bytes() for path in run.glob("results/*/*")}
    Path("own.yaml").write_text(OWN)
    model = run / "model"
    given = ("evaluate", model, "--against", run / "adapted", "--recipe", "own.yaml")
    done = cli(*given, "--set", "evaluate.epochs=2", "--json")
    assert done.code == 0, done.err
    (report,) = json.loads(done.out)
    assert list(report["models"]) == ["base", "adapted"]
    (folder,) = Path("evaluations").iterdir()
    assert folder.name.startswith("run-model-against-run-adapted-with-own-")
    (settings,) = {
        json.dumps(json.loads(path.read_text())["settings"]["epochs"])
        for path in folder.glob("results/trades/*.json")
    }
    assert settings == "2"
    changed = cli("evaluate", run, "--set", "evaluate.epochs=2", "--seeds", "1", "--json")
    assert changed.code == 0, changed.err
    assert {path: path.read_bytes() for path in run.glob("results/*/*")} == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--set", "train.steps=3"], "the models are there; set `evaluate.` or `tasks.`"),
        (["--set", "evaluate.epoch=first"], "evaluate.epoch"),
        (["--set", "evaluate.epochs=2", "--out", "run"], "run: is a run, whose results those of"),
        *((["--shard", bad], f"--shard {bad}: expected I/N with I from 1 to N, such as 2/4.")
          for bad in ("3/2", "0/2", "2", "a/b", "1/2/3", "²/3", "-1/2", "1/9999999")),
        (["--against", ""], "base ''"),
        (["run"], "run: the same folder as adapted, run"),
        (["--seeds", "2", "--set", "evaluate.seeds=[7]"], "exclude each other; leave one out."),
        (["--recipe", "none.yaml"], "none.yaml: no such recipe file or name."),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_for_is_refused(
    run: Path, cli: Callable[..., Any], words: list[str], said: str
) -> None:
    done = cli("evaluate", run, *words)
    assert done.code == 2
    assert said in done.err


def test_shards_share_a_folder_and_the_last_one_reports(
    run: Path, cli: Callable[..., Any], fresh_accelerator: None
) -> None:
    Path("own.yaml").write_text(OWN)
    given = ("evaluate", run / "model", "--against", run / "adapted", "--recipe", "own.yaml")
    first = cli(*given, "--out", "shared", "--shard", "1/2")
    assert (first.code, first.out) == (0, "")
    assert "2 of 4 trials are finished; 2 belong to other shards" in first.err
    made = {path: path.stat().st_mtime_ns for path in Path("shared").glob("results/*/*.json")}
    assert len(made) == 2
    last = cli(*given, "--out", "shared", "--shard", "2/2")
    assert last.code == 0
    assert "adapted − base" in last.out
    assert len(list(Path("shared").glob("results/*/*.json"))) == 4
    # No finished trial was repeated.
    assert {path: path.stat().st_mtime_ns for path in made} == made
    # A shard of another recipe says so.
    other = cli(*given, "--out", "shared", "--shard", "3/3", "--set", "evaluate.epochs=2")
    assert "4 of 4, as trades: base, seed 0: evaluate.epochs was 1, and is 2" in other.err
    assert "1 of 4 trials are finished; 3 belong to other shards" in other.err


def test_further_models_are_rows_that_are_compared_with_the_first(
    run: Path, cli: Callable[..., Any], fresh_accelerator: None
) -> None:
    shutil.copytree(run / "adapted", "tapt")
    done = cli("evaluate", run, "tapt", "--seeds", "1", "--json")
    assert done.code == 0, done.err
    (report,) = json.loads(done.out)
    assert list(report["models"]) == ["base", "adapted", "tapt"]
    # It is the adapted model under another name.
    assert report["models"]["tapt"] == report["models"]["adapted"]
    assert set(report["comparisons"]) == {"adapted", "tapt"}
    # The run keeps its results and fine-tuned models.
    assert not list(run.glob("results/*/tapt*"))
    assert (Path("evaluations") / "run-and-tapt" / "results").is_dir()
    refused = cli("evaluate", run, "tapt", "--out", run)
    assert (refused.code, "run: is a run, and tapt is none of its models." in refused.err) == (2, 1)
    shutil.copytree(run, "frozen")
    refused = cli("evaluate", run, "frozen")
    assert refused.code == 2
    said = "frozen: two rows of the table have this name. Rename the folder."
    assert said in refused.err
    # A model inside a run is called after the run.
    assert find_others([str(run / "adapted")])[0].name == "run"


def test_a_second_run_has_a_row_and_a_verdict_per_task_and_no_run_is_written_to(
    run: Path, cli: Callable[..., Any], fresh_accelerator: None
) -> None:
    assert cli("adapt", "town.yaml", "--set", "train.steps=9", "--out", "second").code == 0
    Path("two.yaml").write_text(OWN.replace("evaluate:", f"{SECOND_TASK}evaluate:"))
    files = [path for name in ("run", "second") for path in Path(name).rglob("*")]
    before = {path: path.is_file() and path.read_bytes() for path in files}
    given = ("evaluate", run, "second", "--recipe", "two.yaml")
    done = cli(*given, "--json")
    assert done.code == 0, done.err
    reports = json.loads(done.out)
    assert [report["task"] for report in reports] == ["trades", "clerks"]
    for report in reports:
        assert list(report["models"]) == ["base", "adapted", "second"]
        assert list(report["comparisons"]) == ["adapted", "second"]
        means = {name: rows["f1_macro"]["mean"] for name, rows in report["models"].items()}
        for name, made in report["comparisons"].items():
            assert made["difference"] == pytest.approx(means[name] - means["base"])
    # Holm over the tasks of each model alone: of two p the smaller counts twice.
    for name in ("adapted", "second"):
        low, high = sorted(
            (report["comparisons"][name] for report in reports), key=lambda made: made["p_value"]
        )
        assert low["p_holm"] == min(1.0, 2 * low["p_value"])
        assert high["p_holm"] == max(low["p_holm"], high["p_value"])
    said = cli(*given).out
    for report in reports:
        start = f"{report['task']}: second − base = "
        (line,) = (row for row in said.splitlines() if row.startswith(start))
        assert report["comparisons"]["second"]["verdict"] in line
    after = [path for name in ("run", "second") for path in Path(name).rglob("*")]
    assert {path: path.is_file() and path.read_bytes() for path in after} == before
