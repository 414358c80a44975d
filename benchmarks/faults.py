"""Kill runs again and again, continue them, and compare what they end with.

    python benchmarks/faults.py --kills 20
    python benchmarks/faults.py --kills 6 --processes 3
    python benchmarks/faults.py --events [--most 30]

A tiny model is trained on made-up text, once without trouble and then once for each kill: SIGKILL
comes at a random moment of the run, or while a checkpoint is being written, and the same command
continues. With several processes one of them is killed, and the supervisor continues the run.

One JSON line goes to stdout. `identical` counts runs whose weights, metrics and held-out
measurements are those of the run without trouble, byte for byte (but for seconds); `lost` and
`repeated` count lines of metrics, over all runs, that are missing or there twice; `in_save` says
how many kills found a checkpoint half-written. The exit code is 1 if a run differs.

With `--events` the fault injector `ckpt-chaos` chooses the moments: every time a small run opens,
renames, syncs or removes a file, or so many of these times spread evenly, it is killed before, or
with the file torn, or with what was not synced gone, and continued. `verdicts` counts what came of
it; the exit code is 1 unless all are PASS. With several ranks, it is rank 0, which
does all writing, that is killed.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import yaml

from domainbert.testing import sample_texts, tiny_checkpoint

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from helpers.forks import ForkServer, fork_server

MODES = "before,torn,unsynced"
MODELS = ("base", "adapted")
# Where a run went on: at a checkpoint, or, if it had ended before it was killed, at its last step.
# (The file of the owner stays open for the whole run; torn, it kills the run when all is done.)
WENT_ON_AT = r"(?s)(?:continuing after step|\A(?!.*full \d).*tokens in) (\d+)"
VARIABLES = {
    "ACCELERATE_USE_CPU": "true",
    "DOMAINBERT_PLUGINS": "",
    "HF_HUB_OFFLINE": "1",
    "NO_COLOR": "1",
    "OMP_NUM_THREADS": "1",
}
TRAIN = {
    "batch_size": 12, "micro_batch_size": 6, "max_seq_length": 32,
    "precision": "fp32", "dropout": 0.1, "logging_steps": 1, "head_steps": 6,
}  # fmt: skip


@dataclass
class Tally:
    """What came of the kills so far."""

    kills: int = 0
    identical: int = 0
    lost: int = 0
    repeated: int = 0
    in_save: int = 0
    steps: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Bench:
    """A folder with a recipe, and how to run it.

    Args:
        folder: Holds the recipe and all run folders.
        server: Runs commands of one process.
        processes: How many a run has.
    """

    folder: Path
    server: ForkServer
    processes: int

    def checkpoints(self, name: str) -> Path:
        """Checkpoints of a run."""
        return self.folder / name / "pretrain" / "checkpoints"

    def run(self, name: str, meanwhile: Callable[[int], None] | None = None) -> int:
        """Run to the end, or to what `meanwhile` makes of it; return the exit code."""
        words = ["adapt", "recipe.yaml", "--out", name]
        log = self.folder / f"{name}.log"
        if self.processes == 1:
            pid = self.server.start(words, self.folder, log)
            if meanwhile is not None:
                meanwhile(pid)
            return self.server.wait(pid)
        words += ["--processes", str(self.processes)]
        with log.open("wb") as stream:
            process = subprocess.Popen(
                [sys.executable, "-m", "domainbert", *words],
                cwd=self.folder,
                env={**os.environ, **VARIABLES},
                stdout=stream,
                stderr=stream,
            )
            if meanwhile is not None:
                meanwhile(process.pid)
            return process.wait()


def main() -> None:
    """Run once in peace, then kill, continue and compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--steps", type=int, default=120)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--events", action="store_true", help="let ckpt-chaos choose the moments")
    parser.add_argument("--modes", default=MODES, help=f"of --events ({MODES})")
    parser.add_argument("--most", type=int, help="of --events, at most this many")
    wanted = parser.parse_args()
    started = time.perf_counter()
    if wanted.events:
        with tempfile.TemporaryDirectory() as name:
            verdicts = at_events(Path(name), wanted.processes, wanted.modes, wanted.most)
        seconds = round(time.perf_counter() - started, 1)
        told = {"verdicts": verdicts, "modes": wanted.modes, "processes": wanted.processes}
        print(json.dumps({**told, "seconds": seconds}))
        sys.exit(verdicts.keys() != {"PASS"})
    with tempfile.TemporaryDirectory() as name, fork_server(VARIABLES) as server:
        bench = Bench(Path(name), server, wanted.processes)
        tally = measure(bench, wanted.kills, wanted.steps, wanted.seed)
    result = {
        "kills": tally.kills,
        "identical": tally.identical,
        "lost": tally.lost,
        "repeated": tally.repeated,
        "in_save": tally.in_save,
        "processes": wanted.processes,
        "continued_after_steps": tally.steps,
        "seconds": round(time.perf_counter() - started, 1),
    }
    print(json.dumps(result))
    sys.exit(tally.identical < tally.kills)


def measure(bench: Bench, kills: int, steps: int, seed: int) -> Tally:
    """Kill as many runs as asked, at moments that follow from the seed."""
    write_recipe(bench.folder, steps)
    chance, tally = random.Random(seed), Tally()
    started = time.perf_counter()
    if bench.run("whole") != 0:
        raise SystemExit((bench.folder / "whole.log").read_text())
    seconds = time.perf_counter() - started
    while tally.kills < kills:
        name = f"killed-{tally.kills}"
        # Every other kill waits for a checkpoint to be begun: they are short, and matter most.
        moment = chance.uniform(0, seconds)
        wait_for_save = chance.randrange(2, steps // 10) if tally.kills % 2 else 0
        if _killed(bench, name, moment, wait_for_save, chance, tally):
            _compare(bench, name, tally)
        shutil.rmtree(bench.folder / name)
    return tally


def at_events(folder: Path, ranks: int, modes: str, most: int | None) -> dict[str, int]:
    """Kill a run at its file events, continue it, and count the verdicts, those of no kill too.

    Raises:
        SystemExit: A kill that was to come did not.
    """
    from ckpt_chaos.invariants import ResumeOutcome, classify

    write_recipe(folder, 6)
    recipe = yaml.safe_load((folder / "recipe.yaml").read_text(encoding="utf-8"))
    # All checkpoints are kept, for the injector asks which was the newest whole one. It asks in
    # `pretrain` only: a finished head is kept without a word, and pretrain begins at its step.
    recipe["train"] |= {"head_steps": 2, "save_steps": 2, "save_total_limit": 9}
    (folder / "recipe.yaml").write_text(yaml.safe_dump(recipe), encoding="utf-8")
    command = [sys.executable, "-m", "domainbert", "adapt", str(folder / "recipe.yaml")]
    subprocess.run(
        [
            sys.executable, "-m", "ckpt_chaos", "run", "--modes", modes, "--ranks", str(ranks),
            "--max-points", str(most or 100_000),  # its own limit is 40
            "--checkpoint-glob", "{out}/pretrain/checkpoints/step-*", "--ckpt-ignore-size",
            "--step-regex", WENT_ON_AT, "--result-file", "{out}/model/model.safetensors",
            "--work", str(folder / "work"), "--", *command, "--out", "{out}",
        ],
        env={**os.environ, **VARIABLES}, stdout=sys.stderr, check=False,
    )  # fmt: skip
    results = [json.loads(path.read_text()) for path in folder.glob("work/pt_*/result.json")]
    peaceful = sum(not result["crashed"] for result in results)
    if peaceful != 1:
        raise SystemExit(f"of {len(results)} runs {peaceful} were not killed; one should not be")
    return dict(Counter(classify(ResumeOutcome(**result["outcome"])) for result in results))


def write_recipe(folder: Path, steps: int) -> None:
    """Write a tiny base without a head, so that a run has two phases, a corpus and a recipe."""
    tiny_checkpoint(folder / "base", with_head=False)
    (folder / "texts.txt").write_text("".join(f"{t}\n" for t in sample_texts(60)), encoding="utf-8")
    recipe = {
        "name": "faults",
        "base": "base",
        "corpus": [{"path": "texts.txt", "text_unit": "line"}],
        "train": {**TRAIN, "steps": steps, "save_steps": 5},
    }
    (folder / "recipe.yaml").write_text(yaml.safe_dump(recipe), encoding="utf-8")


def _killed(
    bench: Bench, name: str, moment: float, saves: int, chance: random.Random, tally: Tally
) -> bool:
    """Run, kill and continue; tell whether the kill came before the end."""
    seen = {"killed": False, "in_save": False}

    def kill(pid: int) -> None:
        if saves:
            _await_save(bench.checkpoints(name), saves, pid)
        else:
            time.sleep(moment)
        victim = _victim(pid, bench.processes, chance)
        if victim is not None:
            os.kill(victim, signal.SIGKILL)
            seen["killed"] = True
            # Several processes are started again, and sweep; of one what it left stays.
            seen["in_save"] = any(bench.checkpoints(name).glob(".*.tmp"))
            tally.steps.append(_newest(bench.checkpoints(name)))

    code = bench.run(name, kill)
    if not seen["killed"] or (bench.processes == 1 and code != -signal.SIGKILL):
        del tally.steps[tally.kills :]
        return False
    tally.kills += 1
    tally.in_save += seen["in_save"]
    if bench.processes == 1:
        code = bench.run(name)
    if code != 0:
        raise SystemExit((bench.folder / f"{name}.log").read_text())
    return True


def _await_save(folder: Path, saves: int, pid: int) -> None:
    """Wait until a checkpoint is being written and so many are done."""
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        if _newest(folder) >= 5 * saves and any(folder.glob(".step-*.tmp")):
            return
        time.sleep(0.001)


def _newest(folder: Path) -> int:
    return max((int(path.name.removeprefix("step-")) for path in folder.glob("step-*")), default=0)


def _victim(pid: int, processes: int, chance: random.Random) -> int | None:
    if processes == 1:
        return pid
    rank = chance.randrange(processes)
    while psutil.pid_exists(pid):
        for child in psutil.Process(pid).children(recursive=True):
            try:
                if child.environ().get("RANK") == str(rank):
                    return child.pid
            except psutil.Error:
                continue  # it has just ended
        if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            break
        time.sleep(0.05)
    return None


def _compare(bench: Bench, name: str, tally: Tally) -> None:
    whole, killed = bench.folder / "whole", bench.folder / name
    steps = [Counter(entry["step"] for entry in metrics(run)) for run in (whole, killed)]
    tally.lost += (steps[0] - steps[1]).total()
    tally.repeated += (steps[1] - steps[0]).total()
    files = ("model/model.safetensors", *(f"held-out/{name}/stage.json" for name in MODELS))
    same = all((whole / file).read_bytes() == (killed / file).read_bytes() for file in files)
    tally.identical += same and metrics(whole) == metrics(killed)


def metrics(run: Path) -> list[dict[str, Any]]:
    """Lines of metrics, without how fast they were."""
    lines = (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    entries = [json.loads(line) for line in lines]
    return [{k: v for k, v in e.items() if k != "tokens_per_second"} for e in entries]


if __name__ == "__main__":
    main()
