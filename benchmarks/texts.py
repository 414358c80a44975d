"""Text that benchmarks read: a file of one's own, or biomedical text below DOMAINBERT_DATA."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from domainbert.run.session import Session

RAW_TEXT = Path("biomed", "raw_text", "biomed_raw.jsonl.gz")


def find_file(own: Path | None) -> Path | None:
    """Return the file given, else the first below a folder of DOMAINBERT_DATA, else None."""
    roots = os.environ.get("DOMAINBERT_DATA", "").split(os.pathsep)
    found = (Path(root, RAW_TEXT) for root in roots if root)
    return own or next((path for path in found if path.is_file()), None)


def read_texts(source: Path, characters: int) -> Iterator[str]:
    """Read the texts of `jsonl` or `jsonl.gz` up to a number of characters.

    The last text is cut there.
    """
    opener = gzip.open if source.suffix == ".gz" else open
    with opener(source, "rt", encoding="utf-8") as lines:
        for line in lines:
            text = json.loads(line)["text"][:characters]
            yield text
            characters -= len(text)
            if characters <= 0:
                return


@contextmanager
def silent_session(folder: Path, precision: str = "fp32") -> Iterator[Session]:
    """Yield a session, with processes, that says nothing and writes to a folder."""
    from domainbert.run.progress import Reporter
    from domainbert.run.session import open_session

    with open_session(folder, Reporter(enabled=False)) as session:
        yield session.with_processes(precision)


def write_texts(target: Path, texts: Iterable[str]) -> None:
    """Write texts as `jsonl`."""
    with target.open("w", encoding="utf-8") as stream:
        stream.writelines(json.dumps({"text": text}) + "\n" for text in texts)
