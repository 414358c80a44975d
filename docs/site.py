"""Build the documentation site offline: `python docs/site.py [FOLDER]`, or `make docs`.

Copies the pages in the folders of the repository to FOLDER/source, so that every relative link is
valid there too, and lets Zensical write FOLDER/site. A broken link or anchor is an error.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = ("*.md", "LICENSE", "docs/**/*", "recipes/**/*", "plugins/*/README.md")


def build(folder: Path) -> Path:
    """Return the start page of the site, built in a folder."""
    shutil.rmtree(folder, ignore_errors=True)
    for page in {path for pattern in PAGES for path in ROOT.glob(pattern)}:
        if page.is_file() and page.suffix not in {".py", ".pyc"}:
            copy = folder / "source" / page.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(page, copy)
    config = shutil.copy(ROOT / "zensical.toml", folder)
    subprocess.run(
        [sys.executable, "-m", "zensical", "build", "--strict", "-f", config], check=True
    )
    return folder / "site" / "index.html"


if __name__ == "__main__":
    print(build(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "build" / "docs"))
