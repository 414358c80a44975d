"""The documentation site builds strictly and offline, and every page is in its navigation."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
_LOADED = re.compile(r"""<(?:script|img|link)\b[^>]*\b(?:src|href)=["']?(?:https?:)?//[^>]*>""")


def pages(entry: Any) -> Iterator[str]:
    if isinstance(entry, str):
        yield entry
    else:
        for item in entry.values() if isinstance(entry, dict) else entry:
            yield from pages(item)


def test_every_page_is_in_the_navigation_once() -> None:
    nav = list(pages(tomllib.loads((ROOT / "zensical.toml").read_text("utf-8"))["project"]["nav"]))
    patterns = ("*.md", "docs/**/*.md", "recipes/*.md", "plugins/*/*.md")
    written = {
        path.relative_to(ROOT).as_posix() for pattern in patterns for path in ROOT.glob(pattern)
    }
    assert sorted(nav) == sorted(written)


def test_the_site_builds_strictly_and_loads_nothing_from_outside(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("site_builder", ROOT / "docs" / "site.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    home: Path = module.build(tmp_path / "build")
    built = [path.read_text(encoding="utf-8") for path in home.parent.rglob("*.html")]
    assert len(built) > 25
    assert [tag for text in built for tag in _LOADED.findall(text)] == []
