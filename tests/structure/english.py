"""Words to avoid, and sentences that are too long: `python tests/structure/english.py` lists them.

Looks at Markdown pages, and at docstrings and strings of core and plugins.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
SENTENCE_WORDS = 25

_UNITS = (
    "batch|byte|chapter|character|check|class|column|corpus|day|document|epoch|field|file|kind|label|"
    "layer|line|machine|megabyte|metric|model|module|page|parameter|pass|place|process|rank|record|row|"
    "run|seed|sentence|sequence|split|step|task|text|token|word"
)
_AVOIDED = {
    r"\btold\b": "say who reports it",
    r"\banew\b": "again",
    r"\bof (?:its|their) own\b": "its, their; own before the noun",
    r"\bby (?:itself|themselves)\b": "alone; without …",
    r"\bas (?:it|they) (?:came|come|comes)\b": "unchanged; by default",
    r"\bstands? in(?: for)?\b": "is in",
    r"\bwhat (?:is|are|was|were) (?:not )?"
    r"(?:\w+ed|chosen|kept|known|made|meant|read|said|written)\b": "noun",
    rf"\b(?:one|two|three|four|\d+(?:[.,]\d+)*|bytes|many|minutes|seconds|tokens|sequences) "
    r"(?:(?!(?:and|as|at|for|from|in|is|of|on|repeat|that|to|with) )[\w-]+ )?"
    rf"an? (?:{_UNITS})\b": "per",
    r"\bso many\b": "this many; N",
    r"\bso often\b": "this often; N times",
    r"\bheadlines?\b": "primary metric",
    r"\bhidden (?:tokens?|words?)\b": "masked",
}  # fmt: skip
AVOIDED = [(re.compile(pattern, re.IGNORECASE), instead) for pattern, instead in _AVOIDED.items()]

_GENERATED = {"api.md", "cli.md", "hooks.md", "recipe.md", "results.md", "leaderboard.md"}
_CODE = re.compile(r"^```.*?^```$|<!--.*?-->", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`[^`]*`")
_LINK = re.compile(r"\]\([^)]*\)")
_SENTENCE_END = re.compile(r"(?<=[.!?:;])\s+(?=[A-Z\[*`\"(])")
_WORD = re.compile(r"[A-Za-z0-9][\w'’.,/%+-]*")


def pages() -> list[Path]:
    """Return the Markdown pages that are written by hand."""
    patterns = ("*.md", "docs/**/*.md", "recipes/*.md", "plugins/*/*.md", ".github/*.md")
    found = {path for pattern in patterns for path in ROOT.glob(pattern)}
    return sorted(path for path in found if path.name not in _GENERATED or "docs" not in path.parts)


def modules() -> list[Path]:
    """Return the modules of core and plugins."""
    folders = [ROOT / "core", *ROOT.glob("plugins/*/domainbert_*")]
    return sorted(
        p for f in folders for p in f.rglob("*.py") if "scaffold/files" not in p.as_posix()
    )


def avoided(text: str) -> list[str]:
    """Return each avoided expression of a text with what to write instead."""
    flat = " ".join(text.split())
    return [f"{m[0]!r} ({instead})" for word, instead in AVOIDED for m in word.finditer(flat)]


def in_page(text: str) -> list[str]:
    """Return what is wrong in a page: avoided expressions outside code, long sentences."""
    text = _INLINE.sub("`x`", _CODE.sub("", text))
    long = [s for block in _blocks(text) for s in _SENTENCE_END.split(block)]
    return avoided(text) + [
        f"{len(_WORD.findall(s))} words: {s[:60]}…"
        for s in long
        if len(_WORD.findall(s)) > SENTENCE_WORDS
    ]


def in_module(text: str) -> list[str]:
    """Return the avoided expressions in docstrings and strings of a module."""
    return [
        f"{node.lineno}: {item}"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        for item in avoided(_INLINE.sub("`x`", node.value))
    ]


def wrong(path: Path) -> list[str]:
    """Return what is wrong in a file."""
    text = path.read_text(encoding="utf-8")
    return in_page(text) if path.suffix == ".md" else in_module(text)


def _blocks(text: str) -> Iterator[str]:
    """Yield paragraphs and list items; headings and tables are no sentences."""
    block: list[str] = []
    for line in [*_LINK.sub("]", text).splitlines(), ""]:
        starts_item = re.match(r"\s*(?:[-*]|\d+\.) ", line)
        if block and (not line.strip() or line.startswith(("|", "#")) or starts_item):
            yield " ".join(block)
            block = []
        if line.strip() and not line.startswith(("|", "#")):
            block.append(line.strip())


if __name__ == "__main__":
    for path in [*pages(), *modules()]:
        for item in wrong(path):
            print(f"{path.relative_to(ROOT)}: {item}")
