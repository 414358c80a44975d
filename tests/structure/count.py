"""Count code lines and records per folder: `python tests/structure/count.py [FOLDER ...]`.

A code line holds a token that is neither comment nor docstring. A record is a dataclass or a
pydantic model. Templates of new plugins (`scaffold/files`) are data and do not count.
"""

from __future__ import annotations

import ast
import io
import sys
import tokenize
from collections import Counter
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
CORE = ROOT / "core" / "domainbert"
TESTS = ROOT / "tests"
_NO_CODE = {
    tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT,
    tokenize.ENDMARKER,
}  # fmt: skip


def sources(folder: Path) -> list[Path]:
    """Return the Python files of a folder."""
    return [p for p in sorted(folder.rglob("*.py")) if "scaffold/files" not in p.as_posix()]


def code_lines(text: str) -> int:
    """Return the number of lines without blanks, comments and docstrings."""
    docstrings = {
        line
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if isinstance(node.value.value, str)
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    code: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in _NO_CODE:
            code.update(range(token.start[0], token.end[0] + 1))
    return len(code - docstrings)


def records(texts: list[str]) -> list[list[str]]:
    """Return the names of the dataclasses and pydantic models of each text."""
    classes = [
        [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ClassDef)]
        for text in texts
    ]
    models = {"BaseModel"}
    for _ in range(3):  # bases may stand in another file
        models |= {
            c.name for file in classes for c in file if models & set(map(ast.unparse, c.bases))
        }
    return [
        [
            c.name
            for c in file
            if c.name in models or any("dataclass" in ast.unparse(d) for d in c.decorator_list)
        ]
        for file in classes
    ]


@cache
def by_folder(root: Path) -> dict[str, tuple[int, int]]:
    """Return code lines and records of each folder; `.` for the files of the root."""
    files = sources(root)
    texts = [path.read_text(encoding="utf-8") for path in files]
    lines: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    for path, text, names in zip(files, texts, records(texts), strict=True):
        folder = path.relative_to(root).parts[0] if path.parent != root else "."
        lines[folder] += code_lines(text)
        counts[folder] += len(names)
    return {folder: (number, counts[folder]) for folder, number in lines.most_common()}


def total(root: Path) -> tuple[int, int]:
    """Return code lines and records of a whole tree."""
    lines, counts = zip(*by_folder(root).values(), strict=True)
    return sum(lines), sum(counts)


if __name__ == "__main__":
    for root in [Path(name) for name in sys.argv[1:]] or [CORE, TESTS]:
        print("{}: {:,} code lines, {} records".format(root, *total(root)))
        for folder, (lines, number) in by_folder(root).items():
            print(f"  {folder:<16}{lines:>6,}{number:>5}")
