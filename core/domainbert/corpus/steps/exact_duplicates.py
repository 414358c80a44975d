"""Step `exact-duplicates`: of equal texts the first is kept."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

from domainbert.plugin.domain import Document
from domainbert.plugin.steps import Drops


def drop_exact_duplicates(documents: Iterable[Document], drops: Drops) -> Iterator[Document]:
    """Yield documents whose text did not occur before; count the others as `repeated`."""
    seen: set[bytes] = set()
    for document in documents:
        digest = hashlib.sha256(document.text.encode(errors="surrogatepass")).digest()
        if digest in seen:
            drops.drop(document, "repeated")
        else:
            seen.add(digest)
            yield document
