"""Full training beside LoRA and a frozen encoder: scores, bits, minutes and memory.

    python benchmarks/lora.py study FOLDER [--fields bio finance] [--budget 100] [--seeds 5]
    python benchmarks/lora.py memory

`study` adapts one base in full and by LoRA, and fine-tunes the base in full, by LoRA and frozen;
FOLDER may be that of `what_helps.py`, whose models and results it shares. One JSON line per model,
with the columns of that script; differences are to the base that is fine-tuned in full.

`memory` does one optimizer step of a BERT of base size with random weights, in full and by LoRA,
each in a new process: bytes of gradients and of AdamW's averages as they lie there after
the step, the peak of the process, what learns, and the largest difference of a logit that merging
makes.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from what_helps import FIELDS, Study, open_study, rows

from domainbert.model.load import find_base
from domainbert.model.lora import merge, put_lora
from domainbert.pipeline.evaluate import evaluate
from domainbert.pipeline.trial import ModelUnderTest
from domainbert.planning.memory import peak_memory, reset_peak
from domainbert.recipe.lora import LoraSection
from domainbert.report.compare import compare_results
from domainbert.run.progress import Reporter
from domainbert.run.session import open_session
from domainbert.training.schedule import build_optimizer, set_rate

# Of fine-tuning: its rate, several times that of full fine-tuning as usual.
METHODS: dict[str, float] = {"lora": 2e-3, "frozen": 1e-2}
_BATCH, _LENGTH = 8, 128


def study_rows(study: Study, budget: str) -> Iterator[dict[str, Any]]:
    """Yield a row for each way to adapt, and for each way to fine-tune the base."""
    yield from rows(study, [budget], ["adapted", "lora"])
    base = find_base(study.recipe.base.source, Path(), None, study.recipe.base.sha256)
    loaded = study.load(budget)
    results = study.folder / "results" / loaded.task.name
    for method, rate in METHODS.items():
        settings = study.recipe.evaluate.model_copy(
            update={"method": method, "learning_rate": rate}
        )
        name = f"base-{method}"
        model = ModelUnderTest(name, base.folder, base.sha256, base.public_name)
        with open_session(study.folder, Reporter()) as session:
            evaluate([model], [loaded], settings, session.with_processes("auto"))
        places = (str(results / f"{each}-seed-*.json") for each in ("base", name))
        ((_, group, compared),), _ = compare_results(*places)
        ends = {
            key: round(100 * getattr(compared, key), 2) for key in ("difference", "low", "high")
        }
        validation = [100 * s.result.validation[group.first.result.metric] for s in group.results]
        yield {
            "field": study.name, "budget": budget, "task": loaded.task.name, "model": name,
            "validation": round(sum(validation) / len(validation), 2),
            "test": round(100 * group.primary.mean, 2),
            "values": [round(100 * value, 2) for value in group.primary.values],
            **ends, "verdict": compared.verdict,
            "trial_seconds": round(60 * sum(s.result.minutes for s in group.results)
                                   / len(group.results), 1),
        }  # fmt: skip


def one_step(method: str) -> dict[str, Any]:
    """Return what an optimizer step of a BERT of base size holds in memory, in bytes."""
    from transformers import BertConfig, BertForMaskedLM

    torch.manual_seed(0)
    model: Any = BertForMaskedLM(BertConfig())
    total = sum(parameter.numel() for parameter in model.parameters())
    adapter = put_lora(model, LoraSection(), 0) if method == "lora" else None
    device = torch.device("cpu")
    reset_peak(device)
    optimizer = build_optimizer(model, (0.9, 0.98), 0.01, device)
    ids_BL = torch.randint(1000, 30000, (_BATCH, _LENGTH))
    model(input_ids=ids_BL, labels=ids_BL).loss.backward()
    set_rate(optimizer, 1e-3)
    optimizer.step()
    learning = [parameter for parameter in model.parameters() if parameter.requires_grad]
    held = sum(p.grad.nbytes for p in learning)
    held += sum(value.nbytes for state in optimizer.state.values() for value in state.values())
    found = {
        "learning": sum(parameter.numel() for parameter in learning),
        "share": sum(parameter.numel() for parameter in learning) / total,
        "gradient_and_optimizer_bytes": held,
        "peak_bytes": peak_memory(device),
    }
    if adapter is not None:
        with torch.no_grad():
            before = model.eval()(input_ids=ids_BL).logits
            after = merge(adapter).eval()(input_ids=ids_BL).logits
        found["merge_error"] = float((after - before).abs().max())
    return found


def memory() -> dict[str, Any]:
    """Return both, and the ratio of what they hold for learning."""
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        found: dict[str, Any] = dict(zip(("full", "lora"), pool.map(one_step, ("full", "lora"), 1),
                                         strict=True))  # fmt: skip
    held = [found[name]["gradient_and_optimizer_bytes"] for name in ("full", "lora")]
    return {**found, "ratio": held[1] / held[0]}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("what", choices=["study", "memory"])
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--fields", nargs="+", choices=FIELDS, default=["bio", "finance"])
    parser.add_argument("--budget", default="100")
    parser.add_argument("--seeds", type=int, default=5)
    given = parser.parse_args()
    if given.what == "memory":
        print(json.dumps(memory()))
        return
    if given.folder is None:
        parser.error("study needs a FOLDER")
    for field in given.fields:
        study = open_study(field, given.folder.resolve(), given.seeds, 300)
        for row in study_rows(study, given.budget):
            sys.stdout.write(json.dumps(row) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
