"""Texts per CPU second of `domainbert predict` and of the `pipeline` of transformers, side by side.

    python benchmarks/predict.py MODEL [--texts 300] [--rounds 3] [--file TEXT.jsonl.gz]

MODEL is a fine-tuned tagger, from `tasks/` of a run. Both read the same abstracts from
DOMAINBERT_DATA, in turn, on one thread: ours whole, the pipeline as sentences of separated words,
since it cannot split a text; `aggregation_strategy="first"`, and its best of three batch sizes.
`same` is the share of entities that both find, among all that one of them finds. One JSON line.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
import transformers
from texts import find_file, read_texts, silent_session

from domainbert.model.load import find_base
from domainbert.pipeline.annotate import open_annotator
from domainbert.tasks.kinds.tagging import passages

_CHARACTERS = 3000
_BATCHES = (1, 8, 32)


def abstracts(file: Path | None, count: int) -> list[str]:
    """Return texts of one to three thousand characters."""
    found = find_file(file)
    if found is None:
        sys.exit("no text: give --file, or set DOMAINBERT_DATA")
    texts = (text for text in read_texts(found, 100_000_000) if 1000 < len(text) < _CHARACTERS)
    return [next(texts) for _ in range(count)]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("model")
    parser.add_argument("--texts", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--file", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(1)
    texts = abstracts(given.file, given.texts)
    place = find_base(given.model, Path())
    pipe = transformers.pipeline(
        "ner", str(place.folder), aggregation_strategy="first", device="cpu"
    )
    with TemporaryDirectory() as folder, silent_session(Path(folder)) as session:
        annotator = open_annotator(place, session)
        parts = [passages(text, annotator.task) for text in texts]
        sentences = [" ".join(record.words) for part in parts for record, _ in part]
        seconds: dict[str, list[float]] = {name: [] for name in ("ours", *map(str, _BATCHES))}
        found: dict[str, Any] = {}
        for _ in range(given.rounds):
            runs = {"ours": lambda: annotator.annotate(texts)}
            runs |= {str(b): lambda b=b: pipe(sentences, batch_size=b) for b in _BATCHES}
            for name, run in runs.items():
                start = time.process_time()
                found[name] = run()
                seconds[name].append(time.process_time() - start)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    best = min(map(str, _BATCHES), key=medians.__getitem__)
    print(json.dumps({
        "texts": len(texts), "sentences": len(sentences),
        "texts_per_cpu_s": round(len(texts) / medians["ours"], 2),
        "pipeline_texts_per_cpu_s": round(len(texts) / medians[best], 2),
        "pipeline_batch_size": int(best), "ratio": round(medians[best] / medians["ours"], 2),
        "same": _same(parts, found["ours"], sentences, found[best]),
    }))  # fmt: skip


def _same(parts: Any, ours: Any, sentences: list[str], theirs: Any) -> float:
    """Return the share of entities that are the same, of all."""
    words: list[tuple[int, list[tuple[int, int]]]] = []
    mine, number = set(), 0
    for part, annotation in zip(parts, ours, strict=True):
        places = {}
        for record, spans in part:
            ends = 0
            offsets = []
            for word, span in zip(record.words, spans, strict=True):
                offsets.append((ends, ends + len(word)))
                places[span[0]] = places[span[1], "end"] = (number, offsets[-1])
                ends += len(word) + 1
            words.append((number, offsets))
            number += 1
        for entity in annotation["entities"]:
            sentence, (start, _) = places[entity["start"]]
            _, (_, end) = places[entity["end"], "end"]
            mine.add((sentence, start, end, entity["type"]))
    other = {
        (n, entity["start"], entity["end"], entity["entity_group"])
        for n, entities in enumerate(theirs)
        for entity in entities
    }
    return round(len(mine & other) / max(1, len(mine | other)), 4)


if __name__ == "__main__":
    main()
