"""A corpus step that drops lines which many documents share, such as licences and menus."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

import domainbert

MOST = 3
"""Documents that a line may occur in before it counts as boilerplate."""


def drop_boilerplate(
    documents: Iterable[domainbert.Document], counts: Counter[str]
) -> Iterator[domainbert.Document]:
    """Yield documents without the lines that `MOST` earlier documents have as well."""
    seen: Counter[str] = Counter()
    for document in documents:
        lines = document.text.split("\n")
        kept = [line for line in lines if seen[line] < MOST]
        seen.update(set(lines))
        counts["boilerplate lines"] += len(lines) - len(kept)
        yield replace(document, text="\n".join(kept))


@domainbert.hookimpl
def domainbert_components() -> Iterator[domainbert.CorpusStep]:
    """Yield the step `drop-boilerplate`."""
    yield domainbert.CorpusStep("drop-boilerplate", drop_boilerplate)
