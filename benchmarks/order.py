"""What order costs as steps and corpora grow, and on paper what gradients cost as GPUs do.

    python benchmarks/order.py [--gpus 8,16] [--parameters 335e6] [--batch 4194304] [--rate 4e14]

One JSON line goes to stdout; the tables of `docs/explanation/performance.md` go to stderr.

Measured: microseconds to name the sequences of one step of 256, for corpora of 10^3 to 10^9
sequences and for the steps 1, 10^6 and 10^9; the median of many calls.

On paper: a ring all-reduce moves 2(N-1)/N times the gradients, 4 bytes a parameter, through every
link; a step computes 6 FLOPs for each parameter and token. `--batch` tokens of a step are shared by
N GPUs that compute at `--rate` FLOPs a second. Nothing is overlapped, and hops take no time.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from statistics import median

import numpy as np

from domainbert.training.data.order import SequenceIndex, global_batch

SIZE = 256
STEPS = (1, 10**6, 10**9)
SEQUENCES = tuple(10**power for power in range(3, 10))
MOST_DOCUMENTS = 10**6
LINKS = {"NVLink, 450 GB/s": 450e9, "8 × 400 Gb/s": 400e9, "400 Gb/s": 50e9, "100 Gb/s": 12.5e9}


def index_of(sequences: int) -> SequenceIndex:
    """Return the index of a corpus with a number of sequences of 126 tokens."""
    documents = min(sequences, MOST_DOCUMENTS)
    each = sequences // documents
    lengths = np.full(documents, 126 * each, dtype=np.int64)
    ends = np.arange(1, documents + 1, dtype=np.int64) * each
    return SequenceIndex(np.arange(documents), lengths, ends)


def microseconds(index: SequenceIndex, step: int, calls: int = 60) -> float:
    """Return the median time of a step's order."""
    taken = []
    for call in range(calls):
        first = (step + call) * SIZE
        started = time.perf_counter()
        global_batch(index, 0, (first, first + SIZE))
        taken.append(time.perf_counter() - started)
    return round(1e6 * median(taken), 1)


def paper(gpus: int, parameters: float, batch: float, rate: float) -> dict[str, object]:
    """Return seconds and bytes of a step on a number of GPUs."""
    moved = 2 * (gpus - 1) / gpus * 4 * parameters
    compute = 6 * parameters * batch / gpus / rate
    ring = {name: moved / bandwidth for name, bandwidth in LINKS.items()}
    return {
        "gpus": gpus,
        "tokens_each": batch / gpus,
        "gigabytes_moved": moved / 1e9,
        "compute_ms": 1e3 * compute,
        "ring_ms": {name: 1e3 * seconds for name, seconds in ring.items()},
        "share_computing": {name: compute / (compute + s) for name, s in ring.items()},
    }


def least_tokens(rate: float, share: float) -> dict[str, float]:
    """Return the tokens of each GPU and step from which a share of the time is spent computing.

    Of many GPUs, where 2(N-1)/N is 2; the number of parameters drops out.
    """
    wanted = share / (1 - share)
    return {name: wanted * 8 * rate / (6 * speed) for name, speed in LINKS.items()}


def tell(*cells: object) -> None:
    """Write one row of a table."""
    print("| " + " | ".join(str(cell) for cell in cells) + " |", file=sys.stderr)


def tables(result: dict[str, object]) -> None:
    """Write the tables as Markdown to stderr."""
    tell("sequences", *(f"step {step:,}" for step in STEPS))
    tell(*["---"] * (len(STEPS) + 1))
    for row in result["order"]:
        tell(f"{row['sequences']:,}", *(f"{value:.0f} µs" for value in row["microseconds"]))
    print(file=sys.stderr)
    tell("GPUs", "tokens each", "GB moved", "computing", *LINKS)
    tell(*["---"] * (len(LINKS) + 4))
    for row in result["gradients"]:
        shares = [
            f"{row['ring_ms'][name]:.0f} ms, {row['share_computing'][name]:.0%}" for name in LINKS
        ]
        moved, compute = f"{row['gigabytes_moved']:.2f}", f"{row['compute_ms']:.0f} ms"
        tell(f"{row['gpus']:,}", f"{row['tokens_each']:,.0f}", moved, compute, *shares)
    print(file=sys.stderr)
    tell("time spent computing", *LINKS)
    tell(*["---"] * (len(LINKS) + 1))
    for share, least in result["least_tokens"].items():
        tell(f"{float(share):.0%}", *(f"{tokens:,.0f}" for tokens in least.values()))


def main() -> None:
    """Measure and compute."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gpus", default="8,16,32,64,128,256,512,1024")
    parser.add_argument("--parameters", type=float, default=335e6, help="of BERT-large")
    parser.add_argument("--batch", type=float, default=8192 * 512, help="tokens of a step")
    parser.add_argument("--rate", type=float, default=400e12, help="FLOPs a second of one GPU")
    words = parser.parse_args()
    order = []
    for sequences in SEQUENCES:
        index = index_of(sequences)
        taken = [microseconds(index, step) for step in STEPS]
        order.append({"sequences": sequences, "microseconds": taken})
    counts = [int(word) for word in words.gpus.split(",")]
    result = {
        "batch_sequences": SIZE,
        "steps": STEPS,
        "order": order,
        "gradients": [paper(n, words.parameters, words.batch, words.rate) for n in counts],
        "least_tokens": {str(share): least_tokens(words.rate, share) for share in (0.5, 0.9)},
    }
    tables(result)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
