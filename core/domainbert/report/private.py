"""What must not be published: secrets, and names of folders of this machine."""

from __future__ import annotations

import re
from pathlib import Path

from domainbert.errors import UserError

_SECRET = re.compile(
    r"\bhf_[A-Za-z0-9]{20,}|\bAKIA[0-9A-Z]{16}\b|\bsk-[A-Za-z0-9_-]{20,}|PRIVATE KEY-----"
    r"|://[^/\s:@]+:[^/\s@]+@"
)
_TEXTS = {".json", ".yaml", ".md", ".svg"}
_WORDS = {"tokenizer.json", "vocabulary.json", "vocab.json"}


def refuse_secrets(folder: Path, places: set[str]) -> None:
    """Refuse what looks like a secret, and folders of this machine.

    Args:
        folder: What is to be published.
        places: Folders that the run names.

    Raises:
        UserError: With file and line.
    """
    own = {place for place in places if place.count("/") > 1}
    for path in sorted(folder.rglob("*")):
        if path.suffix not in _TEXTS or path.name in _WORDS or not path.is_file():
            continue
        with path.open(encoding="utf-8", errors="replace") as stream:
            for number, line in enumerate(stream, 1):
                what = "has what looks like a password or a token" if _SECRET.search(line) else ""
                if any(place in line for place in own):
                    what = "names a folder of this machine"
                if what:
                    where = f"{path.relative_to(folder).as_posix()}:{number}"
                    raise UserError(
                        f"{where}: {what}. Nothing was published; take it out of the recipe or "
                        "the file that it comes from."
                    )
