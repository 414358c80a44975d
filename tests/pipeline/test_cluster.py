"""`domainbert corpus build --workers` and `--cluster`: the same store, under executors."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dill
import psutil
import pytest
import yaml

from domainbert.pipeline.cluster import Work
from domainbert.recipe.schema import Recipe
from domainbert.testing import sample_texts, tiny_checkpoint

Cli = Callable[..., Any]
RECIPE: dict[str, Any] = {
    "name": "notes",
    "base": "base",
    "corpus": [{"path": "*.jsonl"}],
    "corpus_steps": ["normalise", "exact-duplicates", "near-duplicates"],
    "train": {"steps": 2, "max_seq_length": 32, "masking": "word"},
}


@pytest.fixture
def notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a recipe, its base and three files of text."""
    monkeypatch.chdir(tmp_path)
    tiny_checkpoint(Path("base"))
    texts = sample_texts(90)
    for number in range(3):
        lines = [json.dumps({"text": text}) + "\n" for text in texts[number * 25 :][:40]]
        Path(f"{number}.jsonl").write_text("".join(lines))
    Path("notes.yaml").write_text(yaml.safe_dump(RECIPE))
    return tmp_path


def built(run: str) -> dict[str, bytes]:
    folder = Path(run, "corpus")
    assert not Path(run, "corpus-parts").exists()
    return {
        path.name: path.read_bytes() for path in [*folder.glob("store/*"), folder / "dropped.jsonl"]
    }


@pytest.mark.slow
def test_two_workers_give_the_store_also_when_they_were_killed(notes: Path, cli: Cli) -> None:
    assert cli("corpus", "build", "notes.yaml", "--out", "whole").code == 0
    found = cli("corpus", "build", "notes.yaml", "--out", "apart", "--workers", "2")
    assert found.code == 0, found.err
    assert "3 files in 2 tasks" in found.err
    assert built("apart") == built("whole")
    command = [sys.executable, "-m", "domainbert", "corpus", "build", "notes.yaml"]
    command += ["--out", "killed", "--workers", "2"]
    process = subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL)
    while not list(Path("killed").glob("corpus-parts/*/read/0*")):
        assert process.poll() is None
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not Path("killed/corpus/stage.json").exists()
    again = cli("corpus", "build", "notes.yaml", "--out", "killed", "--workers", "2")
    assert again.code == 0, again.err
    assert built("killed") == built("whole")
    assert "corpus" in json.loads(cli("adapt", "killed", "--dry-run", "--json").out)["recipe"]


@pytest.mark.slow
def test_an_error_of_a_worker_is_said_as_here(notes: Path) -> None:
    Path("cluster.yaml").write_text("executor: local\ntasks: 1\nworkers: 1\n")
    Path("1.jsonl").write_text("{\n")
    command = [sys.executable, "-m", "domainbert", "corpus", "build", "notes.yaml"]
    command += ["--out", "run", "--cluster", "cluster.yaml"]
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert "1.jsonl:1: " in refused.stderr
    assert "Traceback" not in refused.stderr
    (told,) = Path("run").glob("corpus-parts/*/logs/read.txt")
    assert "Traceback" in told.read_text()


SBATCH = """#!/bin/bash
echo "$@" >> jobs.txt
cp "${@: -1}" "job-$(wc -l < jobs.txt).sh"
echo "Submitted batch job $(wc -l < jobs.txt)"
"""


def test_jobs_of_slurm_are_submitted_one_after_the_other(
    notes: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools = notes / "bin"
    tools.mkdir()
    (tools / "sbatch").write_text(SBATCH)
    (tools / "sbatch").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
    about = {"executor": "slurm", "tasks": 4, "time": "1:00:00", "partition": "cpu", "qos": ""}
    Path("cluster.yaml").write_text(yaml.safe_dump(about))
    found = cli("corpus", "build", "notes.yaml", "--out", "run", "--cluster", "cluster.yaml")
    assert found.code == 0, found.err
    assert "Submitted; the corpus will be in run/corpus." in found.out
    # Beside each array of tasks there is a job of `datatrove` that sums its statistics up.
    jobs = Path("jobs.txt").read_text().splitlines()
    assert len(jobs) == 8
    arrays = [Path(f"job-{number}.sh").read_text() for number in (1, 3, 5, 7)]
    assert [f"--array=0-{n - 1}" in text for n, text in zip((4, 1, 4, 1), arrays, strict=True)]
    assert ["--dependency=afterok:" in jobs[number] for number in (0, 2, 4, 6)] == [
        False, True, True, True,
    ]  # fmt: skip
    assert all("#SBATCH --partition=cpu" in text for text in arrays)
    # What a job loads is what it needs: here the four of them run in their order, in this process.
    for name in ("read", "join", "tokenise", "store"):
        (pickled,) = Path("run").glob(f"corpus-parts/*/logs/{name}/executor.pik")
        executor = dill.loads(pickled.read_bytes())
        for rank in range(executor.tasks):
            executor.pipeline[0](None, rank, executor.tasks)
    assert cli("corpus", "build", "notes.yaml", "--out", "whole").code == 0
    assert built("run") == built("whole")


@pytest.mark.parametrize(
    ("about", "message"),
    [
        ("executor: dask", "executor: expected one of local, slurm, ray."),
        ("tasks: 2", "executor: expected one of local, slurm, ray."),
        ("executor: local\ntasks: 0", "tasks: expected a number from 1, found 0."),
        ("executor: local\nlogging_dir: x", "logging_dir: is set by domainbert; leave it out."),
        ("executor: local\npartition: x", "unexpected keyword argument 'partition'"),
        ("executor: slurm", "executor: slurm: no command `sbatch` here."),
        ("executor: [local]", "executor: expected one of local, slurm, ray."),
        ("executor: local\nlocal_tasks: 2", "local_tasks: is set by domainbert"),
        (
            "executor: ray",
            "ray is not installed. Install it: pip install 'domainbert[cluster]' ray",
        ),
        ("- x", "expected"),
    ],
)
def test_a_cluster_that_cannot_be_used(notes: Path, cli: Cli, about: str, message: str) -> None:
    Path("cluster.yaml").write_text(about)
    refused = cli("corpus", "build", "notes.yaml", "--out", "r", "--cluster", "cluster.yaml")
    assert (refused.code, message in " ".join(refused.err.split())) == (2, True), refused.err


def test_workers_or_a_cluster(notes: Path, cli: Cli) -> None:
    words = ("--workers", "2", "--cluster", "cluster.yaml")
    refused = cli("corpus", "build", "notes.yaml", "--out", "run", *words)
    assert (refused.code, "Give --workers or --cluster, not both." in refused.err) == (2, True)


SLOW = """
import time

import domainbert


def wait(documents, counts):
    for document in documents:
        time.sleep(0.5)
        yield document


@domainbert.hookimpl
def domainbert_components():
    yield domainbert.CorpusStep("wait", wait, apart=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 75), (signal.SIGUSR1, 75)]
)
def test_a_signal_ends_the_workers_and_says_how_to_go_on(
    notes: Path, number: signal.Signals, code: int
) -> None:
    Path("slow.py").write_text(SLOW)
    recipe = {**RECIPE, "corpus_steps": ["wait"]}
    Path("notes.yaml").write_text(yaml.safe_dump(recipe))
    # The second worker has no task: ended while it waits for one, it keeps the lock of the pool.
    Path("cluster.yaml").write_text("executor: local\ntasks: 1\nworkers: 2\n")
    command = [sys.executable, "-m", "domainbert", "corpus", "build", "notes.yaml", "--out", "run"]
    command += ["--cluster", "cluster.yaml", "--plugin", "slow.py"]
    process = subprocess.Popen(command, start_new_session=True, stderr=subprocess.PIPE, text=True)
    while not list(Path("run").glob("corpus-parts/*/read/.0*")):
        assert process.poll() is None
        time.sleep(0.01)
    workers = psutil.Process(process.pid).children(recursive=True)
    assert len(workers) > 2
    os.killpg(process.pid, number)
    told = process.communicate(timeout=60)[1]
    assert process.returncode == code
    assert f"Stopped by {number.name}; whole parts are kept. Continue with: domainbert" in told
    assert not psutil.wait_procs(workers, timeout=10)[1]


def test_what_executors_write_down_has_no_secret(notes: Path) -> None:
    file = {"name": "a.jsonl", "sha256": "0" * 64, "size": 1,
            "url": "https://user:PASSWORD@host.org/a?token=TOKEN"}  # fmt: skip
    recipe = Recipe.model_validate({**RECIPE, "corpus": [{"file": file}]})
    content = recipe.model_dump(mode="json", exclude_defaults=True)
    work = Work(content, {}, notes, notes, (), notes)
    for written in (repr(work), dill.dumps(work).decode("latin-1"), json.dumps(content)):
        assert "PASSWORD" not in written and "TOKEN" not in written
    assert work.recipe.corpus[0].file is not None
