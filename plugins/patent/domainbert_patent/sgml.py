"""Turn the SGML of 2001 and 2002 into XML.

USPTO grants of those years leave out the end tags of elements that are always empty
(`<CITED-BY-EXAMINER>`, `<EMI ID=D0001>`) and mark insertions of reissues by pairs of such elements
across others. Instead of a list of those elements one rule is used: an element that is still open
when the end tag of one around it comes has no content. What follows it stays where it was.
"""

from __future__ import annotations

import re
from collections import Counter

_TAG = re.compile(r"<(?P<end>/?)(?P<name>[A-Za-z][A-Za-z0-9_.:-]*)(?P<rest>[^<>]*)>")
_ATTRIBUTES = re.compile(r"""(?:\s+[A-Za-z_][\w.:-]*\s*=\s*(?:"[^"<]*"|'[^'<]*'))*\s*""")


def close_empty_elements(text: str) -> str:
    """Return text in which every element has an end tag or is marked as empty.

    An end tag without a start tag is left for the XML parser to refuse.

    Args:
        text: One SGML document, from the root's start tag to its end tag.
    """
    open_elements: list[tuple[str, int]] = []
    open_names: Counter[str] = Counter()
    pieces: list[str] = []
    last = 0
    for match in _TAG.finditer(text):
        pieces.append(text[last : match.start()])
        last = match.end()
        if match["end"]:
            if open_names[match["name"]]:
                _close(match["name"], open_elements, open_names, pieces)
            pieces.append(match[0])
            continue
        pieces.append(_start_tag(match["name"], match["rest"]))
        if not match["rest"].endswith("/"):
            open_elements.append((match["name"], len(pieces) - 1))
            open_names[match["name"]] += 1
    pieces.append(text[last:])
    return "".join(pieces)


def _close(
    name: str, elements: list[tuple[str, int]], names: Counter[str], pieces: list[str]
) -> None:
    """Close the innermost element of a name; those that are open within it are empty."""
    while True:
        innermost, place = elements.pop()
        names[innermost] -= 1
        if innermost == name:
            return
        pieces[place] = pieces[place][:-1] + "/>"


def _start_tag(name: str, rest: str) -> str:
    attributes = rest.removesuffix("/")
    # SGML lets values stand without quotes; none of them is needed.
    kept = attributes if _ATTRIBUTES.fullmatch(attributes) else ""
    return f"<{name}{kept}{'/' if rest.endswith('/') else ''}>"
