"""Is a step the mean over its masked tokens, however it is cut into passes and processes?

    python benchmarks/exactness.py [--families bert,roberta] [--worlds 1,2,3,4]

One JSON line goes to stdout, all else to stderr; no base and no data are needed. Models are tiny,
random, and one for each family. The reference is the mean over all masked tokens of a global batch,
computed in float64 one sequence at a time by the plain transformers model. Ours is `train_step` in
float32 with 1, 2 and 8 sequences in a pass, packed and padded, under 1 to 4 processes (gloo).

`max_loss_rel_error` and `max_gradient_rel_error` are the worst of all of these; an error of a
gradient is its largest difference over the largest gradient. `trainer_loss_ratio` is the loss that
Hugging Face's Trainer logs at gradient accumulation 8 over the mean over the same masked tokens:
the worst family; `families` has all of them, and 1 is right. `gradient_of_means` is the error of
what is left when that factor is gone: the mean of the passes' means, for one sequence a pass.

`trajectory` compares 50 steps of one process in four passes a step with two processes in two: the
largest difference of a weight, over the largest weight, and whether the (document, position,
masked?) triples of every step are the same, with the id that the model was given there.
"""

from __future__ import annotations

import argparse
import copy
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from contextlib import redirect_stdout
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors.torch import load_file, save_file
from texts import silent_session

from domainbert.corpus.build import Encoder, build_store
from domainbert.corpus.sources import describe_sources, find_sources
from domainbert.corpus.store import open_store
from domainbert.model.load import find_base, load_masked_lm
from domainbert.model.masked_lm import set_dropout
from domainbert.recipe.corpus import CorpusSection
from domainbert.recipe.train import TrainSection
from domainbert.run.folder import RunFolder
from domainbert.run.session import Session
from domainbert.testing import FAMILIES, sample_texts, tiny_checkpoint
from domainbert.training import step as step_module
from domainbert.training.data.batch import masked_sequence
from domainbert.training.data.frame import Frame
from domainbert.training.data.order import global_batch
from domainbert.training.job import build_job
from domainbert.training.losses import SummedLosses
from domainbert.training.phases import batch_places
from domainbert.training.schedule import build_optimizer
from domainbert.training.step import Job, mean_of, train_step

BATCH, DOCUMENTS, STEP, TRAJECTORY = 24, 60, 3, 50


def make_job(folder: Path, family: str, session: Session, layout: str = "", **changes: Any) -> Job:
    """Return a job with a tiny model whose weights are far enough from zero to matter."""
    settings = TrainSection(
        steps=1, batch_size=BATCH, max_seq_length=40, max_grad_norm=1e9, precision="fp32"
    ).model_copy(update=changes)
    loaded = load_masked_lm(find_base(str(folder / family), folder), seed=0)
    numbers = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in loaded.model.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=numbers))
    set_dropout(loaded.model, 0.0)
    place = replace(session, run=RunFolder(folder / f"run-{family}"))
    sources = find_sources([CorpusSection(path="texts.txt", text_unit="line")], None, folder)
    corpus = place.run.corpus
    if session.is_main and not (corpus / "manifest.json").exists():
        files, encoder = describe_sources(sources), Encoder(loaded.tokenizer)
        build_store(corpus, sources, files, (), encoder, place)
    session.accelerator.wait_for_everyone()
    store = open_store(corpus)
    job = build_job(settings, loaded, store, torch.arange(DOCUMENTS).numpy(), place)
    job.model.train()
    return replace(job, layout=layout) if layout else job


def masked_sequences(job: Job, step: int) -> list[Frame]:
    """Return the global batch of a step, one sequence at a time."""
    keys = global_batch(job.index, job.settings.seed, batch_places(job.settings, step))
    return [masked_sequence(job, key) for key in keys]


def reference(job: Job, of_means: bool = False) -> tuple[float, dict[str, torch.Tensor]]:
    """Return loss and gradients in float64, of the mean over all tokens or the mean of means."""
    model = copy.deepcopy(job.model).double()
    model.set_attn_implementation("eager")
    parts = []
    for item in masked_sequences(job, STEP):
        ids = torch.from_numpy(item.ids_L)[None]
        logits = model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits[0]
        rows = logits[torch.from_numpy(item.positions_M)].log_softmax(dim=1)
        parts.append(-rows.gather(1, torch.from_numpy(item.targets_M)[:, None]))
    mean = (
        torch.stack([part.mean() for part in parts]).mean() if of_means else torch.cat(parts).mean()
    )
    mean.backward()
    return float(mean.detach()), gradients(model)


def gradients(model: Any) -> dict[str, torch.Tensor]:
    """Return the gradients of a model by name."""
    return {n: p.grad.double() for n, p in model.named_parameters() if p.grad is not None}


def distance(found: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> float:
    """Return the largest difference over the largest value."""
    assert found.keys() == expected.keys()
    largest = max(float(value.abs().max()) for value in expected.values())
    return max(float((found[n] - v).abs().max()) for n, v in expected.items()) / largest


def family_errors(folder: Path, family: str, session: Session) -> dict[str, float]:
    """Return the worst errors of one family over all ways to cut a step."""
    worst = {"loss": 0.0, "gradient": 0.0}
    loss, expected = reference(make_job(folder, family, session))
    for micro, layout in product((1, 2, 8), ("", "padded")):
        job = make_job(folder, family, session, layout, micro_batch_size=micro)
        optimizer = build_optimizer(job.model, (0.9, 0.98), 0.0, torch.device("cpu"))
        wrapped = session.accelerator.prepare(SummedLosses(job.model))
        for _ in range(2):  # DDP sorts its buckets after the first
            losses, *_ = train_step(job, wrapped, optimizer, STEP, 0.0)
        worst["loss"] = max(worst["loss"], abs(mean_of(losses, "masked-lm") - loss) / loss)
        worst["gradient"] = max(worst["gradient"], distance(gradients(job.model), expected))
        session.accelerator.free_memory()
    return worst


def trajectory(folder: Path, session: Session) -> str:
    """Train 50 steps in four passes a step over all processes; return the hash of what was read."""
    world = session.accelerator.num_processes
    job = make_job(
        folder, "bert", session, "padded", micro_batch_size=BATCH // 4, max_grad_norm=1.0
    )
    read: list[tuple[int, ...]] = []
    inner = step_module.masked_batch

    def noting(job: Job, keys: list[Any], longest: int) -> Any:
        """Note what this process is given to learn from: padded, so a sequence is a row."""
        batch = inner(job, keys, longest)
        hidden = set(batch.positions_N.tolist())
        assert len(batch.input_ids_BL) == len(keys)
        for row, (key, ids_L) in enumerate(zip(keys, batch.input_ids_BL.tolist(), strict=True)):
            for place in range(key.stop - key.start):
                here = len(job.masking.specials.prefix) + place
                masked = int(row * len(ids_L) + here in hidden)
                read.append((steps[-1], key.document, key.start + place, masked, ids_L[here]))
        return batch

    steps: list[int] = []
    optimizer = build_optimizer(job.model, (0.9, 0.98), 0.01, torch.device("cpu"))
    wrapped = session.accelerator.prepare(SummedLosses(job.model))
    step_module.masked_batch = noting
    try:
        for number in range(TRAJECTORY):
            steps.append(number)
            train_step(job, wrapped, optimizer, number, 1e-3)
    finally:
        step_module.masked_batch = inner
    gathered: list[Any] = [read]
    if world > 1:
        gathered = [None] * world
        torch.distributed.all_gather_object(gathered, read)
    if session.is_main:
        weights = {n: p.detach().clone() for n, p in job.model.named_parameters()}
        save_file(weights, folder / f"trajectory-{world}.safetensors")
    triples = sorted(item for part in gathered for item in part)
    return hashlib.sha256(json.dumps(triples).encode()).hexdigest()


def worker(folder: Path, families: list[str]) -> None:
    """Measure under the processes that this one belongs to."""
    torch.set_num_threads(1)
    with silent_session(folder / "run") as session:
        found: dict[str, Any] = {f: family_errors(folder, f, session) for f in families}
        found["triples"] = trajectory(folder, session)
        if session.is_main:
            world = session.accelerator.num_processes
            (folder / f"world-{world}.json").write_text(json.dumps(found), encoding="utf-8")
        session.accelerator.wait_for_everyone()


def trainer_ratio(folder: Path, family: str, session: Session) -> dict[str, float]:
    """Return the Trainer's logged loss over the exact mean, and the error of a mean of means."""
    job = make_job(folder, family, session)
    (loss, expected), (_, of_means) = reference(job), reference(job, of_means=True)
    rows = []
    for item in masked_sequences(job, STEP):
        labels = torch.full((len(item.ids_L),), -100)
        labels[torch.from_numpy(item.positions_M)] = torch.from_numpy(item.targets_M)
        rows.append({"input_ids": item.ids_L.tolist(), "labels": labels.tolist()})
    tokenizer = load_masked_lm(find_base(str(folder / family), folder), seed=0).tokenizer
    arguments = transformers.TrainingArguments(
        str(folder / "trainer"), per_device_train_batch_size=BATCH // 8, max_steps=1, use_cpu=True,
        gradient_accumulation_steps=8, learning_rate=0.0, logging_steps=1, save_strategy="no",
        report_to="none", disable_tqdm=True,
    )  # fmt: skip
    collator = transformers.DataCollatorForTokenClassification(tokenizer)
    job.model.set_attn_implementation("eager")
    trainer = transformers.Trainer(job.model, arguments, collator, rows)
    trainer.train()
    logged = next(entry["loss"] for entry in trainer.state.log_history if "loss" in entry)
    return {"trainer_loss_ratio": logged / loss, "gradient_of_means": distance(of_means, expected)}


def launch(folder: Path, world: int, families: list[str]) -> dict[str, Any]:
    """Run `worker` under a number of processes."""
    several = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(world)]
    words = [__file__, "--worker", str(folder), "--families", ",".join(families)]
    environment = {**os.environ, "ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, *(several if world > 1 else []), *words]
    subprocess.run(command, check=True, env=environment, stdout=sys.stderr)
    print(f"{world} processes: done", file=sys.stderr, flush=True)
    return dict(json.loads((folder / f"world-{world}.json").read_text(encoding="utf-8")))


def summarise(
    folder: Path, worlds: dict[int, dict[str, Any]], trainer: dict[str, Any]
) -> dict[str, Any]:
    """Return the JSON line."""
    families = {
        family: {
            **{
                f"{kind}_rel_error": max(w[family][kind] for w in worlds.values())
                for kind in ("loss", "gradient")
            },
            **ratios,
        }
        for family, ratios in trainer.items()
    }
    summary: dict[str, Any] = {
        "max_loss_rel_error": max(f["loss_rel_error"] for f in families.values()),
        "max_gradient_rel_error": max(f["gradient_rel_error"] for f in families.values()),
        "trainer_loss_ratio": max(f["trainer_loss_ratio"] for f in families.values()),
        "worlds": sorted(worlds),
    }
    if 1 in worlds and 2 in worlds:
        one, two = (load_file(folder / f"trajectory-{world}.safetensors") for world in (1, 2))
        summary["trajectory"] = {
            "steps": TRAJECTORY,
            "max_weight_rel_difference": distance(two, one),
            "triples_identical": len({w["triples"] for w in worlds.values()}) == 1,
        }
    return {**summary, "families": families}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--families", default=",".join(FAMILIES), help="comma-separated (all)")
    parser.add_argument("--worlds", default="1,2,3,4", help="numbers of processes (1,2,3,4)")
    parser.add_argument("--worker", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    families = options.families.split(",")
    if options.worker:
        worker(options.worker, families)
        return
    torch.set_num_threads(1)
    os.environ["ACCELERATE_USE_CPU"] = "true"
    with tempfile.TemporaryDirectory() as name, redirect_stdout(sys.stderr):
        folder = Path(name)
        for family in {*families, "bert"}:
            tiny_checkpoint(folder / family, family)
        texts = "".join(f"{text}\n" for text in sample_texts(DOCUMENTS))
        (folder / "texts.txt").write_text(texts, encoding="utf-8")
        worlds = {n: launch(folder, n, families) for n in map(int, options.worlds.split(","))}
        with silent_session(folder / "run") as session:
            trainer = {family: trainer_ratio(folder, family, session) for family in families}
        summary = summarise(folder, worlds, trainer)
    print(json.dumps(summary))


if __name__ == "__main__":
    main()
