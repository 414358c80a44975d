"""Step `exact-duplicates`: of equal texts the first is kept."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator

from domainbert.plugin.domain import Document


def drop_exact_duplicates(
    documents: Iterable[Document], counts: Counter[str]
) -> Iterator[Document]:
    """Yield documents whose text did not occur before; count the others as `repeated`."""
    seen: set[bytes] = set()
    for document in documents:
        digest = hashlib.sha256(document.text.encode(errors="surrogatepass")).digest()
        if digest in seen:
            counts["repeated"] += 1
        else:
            seen.add(digest)
            yield document
