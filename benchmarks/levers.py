"""What each thing that makes a step fast is worth: everything on, and one after the other off.

    python benchmarks/levers.py [--texts long|short] [--steps 3] [--blocks 3] [--bf16]

One JSON line goes to stdout, all else to stderr. Text, model and options are those of
`throughput.py`, in float32 on one CPU thread, or with products in bf16; arms alternate. `cost` is
the median over rounds of the CPU time of a step with one lever off, over that with all on, per
token.

`packing`: sequences padded to the longest of their pass. `sparse_head`: logits at every position.
`no_dropout`: dropout 0.1. `kept_memory`: freed memory goes back to the system, as glibc has it.
`fused`: AdamW one parameter after the other. `wide_pass`: 4 sequences a forward pass, not 16.
`plain_products`, in bf16 alone: attention by PyTorch's kernel.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any
from unittest import mock

import torch
from datasets import disable_progress_bars
from texts import silent_session
from throughput import Clock, Setup, prepare, read_options, usual_memory
from torch.nn import functional

from domainbert.model import packed_attention
from domainbert.model.load import load_masked_lm
from domainbert.model.masked_lm import set_dropout
from domainbert.recipe.train import TrainSection
from domainbert.run.device import keep_freed_memory
from domainbert.run.environment import processor_name
from domainbert.training.data.batch import MicroBatch
from domainbert.training.job import build_job
from domainbert.training.losses import SummedLosses
from domainbert.training.schedule import build_optimizer
from domainbert.training.step import train_step

CHANGES: dict[str, dict[str, Any]] = {
    "all_on": {}, "packing": {}, "sparse_head": {}, "no_dropout": {"dropout": 0.1},
    "kept_memory": {}, "fused": {}, "wide_pass": {"micro_batch_size": 4},
    "plain_products": {},
}  # fmt: skip


def read_densely(
    wrapped: SummedLosses, batch: MicroBatch, with_hidden: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the logits of masked positions, from those of all, and the hidden states."""
    hidden_TH = values = wrapped._hidden(batch).flatten(0, 1)
    for name in wrapped.family.head:
        values = getattr(wrapped.model, name)(values)
    return values.index_select(0, batch.positions_N).float(), hidden_TH


@contextlib.contextmanager
def lever_off(name: str) -> Iterator[None]:
    """Undo what no setting of a recipe undoes."""
    if name == "sparse_head":
        with mock.patch.object(SummedLosses, "read", read_densely):
            yield
    elif name == "plain_products":
        kernel = functional.scaled_dot_product_attention
        with mock.patch.object(
            packed_attention,
            "attend",
            lambda q, k, v, near, p, s: kernel(q, k, v, near, p, scale=s),
        ):
            yield
    else:
        if name == "kept_memory":
            usual_memory()
        yield
    keep_freed_memory()


def run(setup: Setup, name: str, turn: int, precision: str) -> float:
    """Return the CPU seconds of a token with one lever off."""
    settings = TrainSection(steps=1, max_seq_length=setup.length)
    settings = settings.model_copy(update=CHANGES[name])
    clock, tokens = Clock(setup.device), 0
    with silent_session(setup.folder / "run", precision) as session, lever_off(name):
        loaded = load_masked_lm(setup.base, 0)
        job = build_job(settings, loaded, setup.store, setup.documents_T, session)
        if name == "packing":
            job = replace(job, layout="padded")
        set_dropout(job.model, settings.dropout)
        optimizer = build_optimizer(job.model, settings.adam_betas, 0.01, setup.device)
        if name == "fused":
            optimizer = torch.optim.AdamW(optimizer.param_groups, fused=False, foreach=False)
            for group in optimizer.param_groups:
                group["fused"] = False
        wrapped = session.accelerator.prepare(SummedLosses(job.model))
        job.model.train()
        for number in range(turn * setup.steps, (turn + 1) * setup.steps + 1):
            _, read, _ = train_step(job, wrapped, optimizer, number, 1e-4)
            clock.on_step_end()
            tokens += read if len(clock.ends) > 1 else 0
        session.accelerator.free_memory()
    return (clock.ends[-1][1] - clock.ends[0][1]) / tokens


def main() -> None:
    """Measure and print."""
    options = read_options("--bf16")
    precision = "bf16" if options.bf16 else "fp32"
    names = [name for name in CHANGES if options.bf16 or name != "plain_products"]
    torch.set_num_threads(options.threads)
    disable_progress_bars()
    rounds: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(sys.stderr):
        setup = prepare(options, options.steps, Path(folder))
        for turn in range(options.blocks):
            order = names[::-1] if turn % 2 else names
            rounds.append({name: run(setup, name, turn, precision) for name in order})
            print(rounds[-1], file=sys.stderr, flush=True)
    cost = {n: round(median(r[n] / r["all_on"] for r in rounds), 3) for n in names}
    speed = round(median(1 / r["all_on"] for r in rounds))
    about = {"texts": options.texts, "steps": options.steps, "blocks": options.blocks}
    about["precision"] = precision
    about |= {"processor": processor_name(), "threads": torch.get_num_threads()}
    print(json.dumps({"cost": cost, "tokens_per_cpu_second": speed, **about}))


if __name__ == "__main__":
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    main()
