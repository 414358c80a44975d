"""The text in force of a reissue: deletions gone, insertions in place, their marks gone.

| format | deletion | insertion |
| --- | --- | --- |
| Green Book | `.[.` to `.].` | `.Iadd.` to `.Iaddend.` |
| ST.32 | `<DEL-S>` to `<DEL-E>` | `<INS-S>` to `<INS-E>` |
| version 4 | `<?delete-start?>` to `<?delete-end?>` | `<?insert-start?>` to `<?insert-end?>` |

The marks of each format are read in all of them, and may cross paragraphs and claims. A deletion
that never ends deletes nothing; its mark goes.
"""

from __future__ import annotations

import re
from typing import Any

_STARTS = ("delete-start", "del-s", "delete-s")
_ENDS = ("delete-end", "del-e", "delete-e")
_WHOLE = ("del", "deleted")
_ANY_MARK = re.compile(r"<[?]?(?:delete-|del-[se]\b|del\b|deleted\b)|\.\[\.", re.IGNORECASE)
_BRACKETS = re.compile(r"\.\[\.|\.\]\.")
_INSERTED = re.compile(r"\.Iadd(?:end)?\.", re.IGNORECASE)
_DELETES = "text-deleted"


def in_force(text: str) -> str:
    """Return text without what `.[.` and `.].` enclose and without the marks of insertions.

    Line breaks within a deletion stay; blanks around marks become one.

    Args:
        text: One line or several.
    """
    if ".[." not in text and not _INSERTED.search(text):
        return text
    whole = _INSERTED.sub("", _without_brackets(text.replace(".].[.", ".]..[.")))
    if whole == text:
        return text
    return "\n".join(" ".join(line.split()) for line in whole.split("\n"))


def _without_brackets(text: str) -> str:
    marks = list(_BRACKETS.finditer(text))
    ends = dict(_pairs([mark[0] == ".[." for mark in marks]))
    kept, start, until = [], 0, -1
    for place, mark in enumerate(marks):
        if place <= until:
            continue
        piece = text[start : mark.start()]
        until = ends.get(place, place)
        # `[J. Chem. Soc.].` ends a reference, not a deletion.
        own = mark[0] == ".]." and "[" in piece.rpartition("]")[2]
        deleted = text.count("\n", mark.end(), marks[until].start())
        kept += [piece, mark[0] if own else "\n" * deleted]
        start = marks[until].end()
    return "".join([*kept, text[start:]])


def _pairs(starts: list[bool]) -> list[tuple[int, int]]:
    """Return the outermost pairs of a start and its end, by their places in a list of marks."""
    opened: list[int] = []
    pairs: list[tuple[int, int]] = []
    for place, is_start in enumerate(starts):
        if is_start:
            opened.append(place)
        elif opened:
            first = opened.pop()
            while pairs and pairs[-1][0] > first:
                pairs.pop()
            pairs.append((first, place))
    return pairs


def may_delete(text: str) -> bool:
    """Return whether a document can hold marks of deletions.

    Args:
        text: XML or SGML.
    """
    return _ANY_MARK.search(text) is not None


def drop_deleted(root: Any) -> None:
    """Take out what is between the marks of an XML document, and its processing instructions.

    Args:
        root: Its root element; `deletes` tells from then on whether text is deleted here.
    """
    from lxml import etree

    events = list(etree.iterwalk(root, events=("start", "end", "pi")))
    marks = [place for place, (event, node) in enumerate(events) if _kind(event, node)]
    kinds = [_kind(*events[place]) for place in marks]
    starts, ends = set(), set()
    for first, last in _pairs([kind == "start" for kind in kinds]):
        starts.add(marks[first])
        ends.add(marks[last])
    deleting = False
    for place, (event, node) in enumerate(events):
        deleting = (deleting or place in starts) and place not in ends
        if deleting and event == "start":
            node.text = None
        elif deleting:
            node.tail = None
    for event, node in events:
        if event == "pi":
            _unlink(node)
    if starts or any(".[." in text for text in root.itertext()):
        root.set(_DELETES, "yes")


def deletes(root: Any) -> bool:
    """Return whether text of a document was deleted.

    Args:
        root: After `drop_deleted`, or never deleted from.
    """
    return root.get(_DELETES) is not None


def _kind(event: str, node: Any) -> str:
    """Return `start` or `end` where a deletion does so, else nothing."""
    name = str(node.target if event == "pi" else node.tag).lower()
    if name in _WHOLE:
        return event if event != "pi" else ""
    if event == "start":
        return ""
    return "start" if name in _STARTS else "end" if name in _ENDS else ""


def _unlink(node: Any) -> None:
    """Remove a processing instruction; its tail stays in place."""
    parent, before = node.getparent(), node.getprevious()
    if parent is None:
        return
    if before is None:
        parent.text = (parent.text or "") + (node.tail or "")
    else:
        before.tail = (before.tail or "") + (node.tail or "")
    node.tail = None
    parent.remove(node)
