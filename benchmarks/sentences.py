"""What masked-LM training does to a sentence encoder's vectors, and a second stage after it.

    python benchmarks/sentences.py RUN [--steps 200] [--pairs 500]

RUN is an adaptation of a sentence encoder, such as one of `what_helps.py`. Titles of its held-out
documents look for their texts: by BM25, with the base, with the end of training, and with that
after the stage `sentences`. One JSON line: nDCG@10 and MRR with 95 % intervals, and seconds.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path

import yaml
from texts import silent_session

from domainbert.corpus.steps.held_out import heldout_texts, split_documents
from domainbert.corpus.store import open_store
from domainbert.model.load import find_base
from domainbert.model.sentence_encoder import open_encoder
from domainbert.recipe.schema import Recipe
from domainbert.recipe.sentences import SentencesSection
from domainbert.run.folder import RunFolder
from domainbert.stages.retrieval import make_pairs, of_bm25, of_encoder
from domainbert.training.simcse import train_simcse

_TOKENS = 5_000_000


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--pairs", type=int, default=500)
    given = parser.parse_args()
    run = RunFolder(given.run)
    recipe = Recipe.model_validate(yaml.safe_load(run.recipe.read_text("utf-8")))
    store = open_store(run.corpus / "store")
    split = split_documents(store, recipe.held_out.fraction)
    pairs = make_pairs(heldout_texts(store, split, _TOKENS), given.pairs)
    base = find_base(recipe.base.source, Path(), recipe.base.revision, recipe.base.sha256)
    found = [of_bm25(pairs), of_encoder("base", open_encoder(base.folder), pairs)]
    encoder = open_encoder(run.adapted)
    found.append(of_encoder("adapted", encoder, pairs))
    rows, section = split.train_T, SentencesSection(steps=given.steps)
    started = time.process_time()
    with silent_session(Path("unused")) as session:
        train_simcse(encoder.model, lambda n: store.text(int(rows[n])), len(rows), section, session)
    seconds = time.process_time() - started
    found.append(of_encoder("sentences", encoder, pairs))
    print(json.dumps({"retrieval": [asdict(one) for one in found], "cpu_seconds": round(seconds)}))
    sys.stdout.flush()


if __name__ == "__main__":
    main()
