"""Text that came from outside, made inert for the format it is put into.

HTML is escaped by Jinja's autoescape; Markdown and CSV have no such thing.
"""

from __future__ import annotations

import re
import unicodedata

# What a spreadsheet takes for the start of a formula, wide forms included (OWASP, CSV injection).
_FORMULA = tuple("=+-@＝＋－＠\t\r\n")
# Control and format characters hide or reorder what stands beside them.
_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn"}


def plain(text: object) -> str:
    """Return text on one line, with characters that are not seen replaced by `U+FFFD`."""
    line = " ".join(str(text).split())
    return "".join("\ufffd" if unicodedata.category(c) in _UNSEEN else c for c in line)


def cell(text: object) -> str:
    """Make text that came from outside inert in Markdown and in a table."""
    escaped = str(text).replace("\\", "\\\\")
    for mark in "|<>[]`*_":
        escaped = escaped.replace(mark, "\\" + mark)
    line = " ".join(escaped.split())
    # At the start of a paragraph these would make a heading, a list or a rule.
    return re.sub(r"^(\d+(?=[.)])|(?=[#+=~-]))", r"\1\\", line)


def csv_value(value: object) -> object:
    """Make a value inert in a spreadsheet; numbers stay numbers, also negative ones."""
    if not isinstance(value, str):
        return value
    return "'" + value if value.lstrip(" ").startswith(_FORMULA) else value
