"""Numbers on a corpus: lengths, sources, drops."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from domainbert.corpus.steps import Counts
from domainbert.corpus.store import TokenStore

_SHARES = (0.05, 0.25, 0.5, 0.75, 0.95, 1.0)


def corpus_stats(store: TokenStore) -> dict[str, Any]:
    """Return the numbers of a token store as JSON values.

    Args:
        store: An open store.

    Returns:
        `read`, `kept` and `dropped` documents; `steps`: per step its reasons; `documents`,
        `tokens`, `characters`; `tokens_per_document`: quantiles; `lengths`: documents by powers of
        two of their tokens; `sources`: per corpus its documents, tokens and files.
    """
    manifest, counts = store.manifest, store.manifest["counts"]
    totals = {key: manifest[key] for key in ("documents", "tokens", "characters")}
    quantiles = np.quantile(store.lengths_D, _SHARES, method="nearest").tolist()
    ends = Counter(int(length).bit_length() for length in store.lengths_D)
    return {
        **{key: counts[key] for key in ("read", "kept")},
        "dropped": counts["read"] - counts["kept"],
        "steps": dict(counts["steps"]),
        **totals,
        "tokens_per_document": {
            f"{share:.0%}": value for share, value in zip(_SHARES, quantiles, strict=True)
        },
        "lengths": {str(1 << end): ends[end] for end in range(max(ends) + 1) if ends[end]},
        "sources": list(_sources(store)),
    }


def contaminated(manifest: Mapping[str, Any]) -> int | None:
    """Return how many documents held a text of validation or test and were dropped.

    Args:
        manifest: Of a token store.

    Returns:
        None if the step `decontaminate` was not among the steps.
    """
    steps = dict(manifest["counts"]["steps"])
    return steps["decontaminate"].get("contaminated", 0) if "decontaminate" in steps else None


def _sources(store: TokenStore) -> Iterator[dict[str, Any]]:
    """Yield the numbers of each corpus, in the order of the recipe."""
    files = store.manifest["sources"]
    corpus_of = {item["file"]: item["corpus"] for item in files}
    documents, tokens = Counter[str](), Counter[str]()
    row = 0
    of_rows = "corpus" if "corpus" in store.documents.column_names else "source"
    for chunk in store.documents[of_rows].chunks:
        for place in chunk.to_pylist():
            # Stores of earlier versions have files and lines alone.
            name = place if of_rows == "corpus" else corpus_of.get(place.rpartition(":")[0], "")
            documents[name] += 1
            tokens[name] += int(store.lengths_D[row])
            row += 1
    for name in dict.fromkeys([*corpus_of.values(), *documents]):
        licence = next((item["licence"] for item in files if item["corpus"] == name), "")
        n_files = sum(item["corpus"] == name for item in files)
        sizes = {"files": n_files, "documents": documents[name], "tokens": tokens[name]}
        yield {"corpus": name, "licence": licence, **sizes}


def dropped_by_step(counts: Counts) -> dict[str, Any]:
    """Return documents and reasons per step, and examples, as JSON values."""
    return {
        name: {
            "dropped": drops.dropped,
            "reasons": drops.reasons,
            "examples": [
                {"reason": reason, "source": document.source, "note": note}
                for reason, document, note in drops.examples
            ],
        }
        for name, drops in counts.items()
    }
