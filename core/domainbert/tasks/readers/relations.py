"""Records of relation classification from rows: a text, two entities in it, and a label."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from domainbert.errors import DataError
from domainbert.plugin.components import Row
from domainbert.plugin.domain import Task
from domainbert.plugin.records import Relation
from domainbert.plugin.spans import Mention, checked_mention
from domainbert.tasks.readers.table import cells, group_of, placed
from domainbert.words import word_spans

_PARTS = ("start", "end", "type", "text")
ENTITY_COLUMNS = tuple(
    name for which in ("first", "second") for name in (which, *(f"{which}_{key}" for key in _PARTS))
)
"""Columns of the two entities."""
_TAGS = ("<e1>", "</e1>", "<e2>", "</e2>")
_TAG = re.compile("|".join(_TAGS))
# As BioBERT's files have them: `@GENE$`, `@DISEASE$`.
_PLACEHOLDER = re.compile(r"@([A-Za-z][A-Za-z0-9_-]*)\$")
# What a mention without a type is called while it is checked.
_NO_TYPE = "entity"
_HOW = (
    "expected `first` and `second`, each with start and end; or `first_start`, `first_end`, "
    "`second_start` and `second_end`; or a text with <e1>…</e1> and <e2>…</e2>"
)


def relations_of_rows(rows: Iterable[Row], task: Task, counts: Counter[str]) -> Iterator[Relation]:
    """Yield the relations of rows.

    A row has `text`, `label`, and of each entity the offsets: `first` and `second` as objects with
    `start`, `end` and, if known, `type` and `text`; or these as columns `first_start` and so on.
    Without any, the entities are marked in the text: by <e1>…</e1> and <e2>…</e2> as in SemEval
    2010, or replaced by two placeholders such as `@GENE$` as in BioBERT's files.

    Args:
        rows: Of a table.
        task: Its `columns` name the columns where they have others.
        counts: Receives `cut_words`: words within which an entity begins or ends, as where offsets
            count bytes.

    Raises:
        DataError: A column is missing, or an entity is not where the row says; with its place.
    """
    for where, row in rows:
        with placed(where):
            relation = _relation(row, task)
        cuts = {*relation.first, *relation.second}
        words = word_spans(relation.text)
        counts["cut_words"] += sum(any(a < cut < b for cut in cuts) for a, b in words)
        yield relation


def unlabelled_relation(row: Mapping[str, Any], task: Task) -> Relation | None:
    """Return text and entities of a row without its label; None where it has no text.

    Raises:
        DataError: An entity is missing or not where the row says; without a place.
    """
    name = str(task.columns.get("text", "text"))
    if name not in row:
        return None
    if not isinstance(row[name], str) or not row[name].strip():
        raise DataError(f"expected `{name}` as text, found {row[name]!r:.60}")
    text, first, second = _entities(row, row[name], task)
    return Relation(text, first[:2], second[:2], (), (_type(first), _type(second)))


def _relation(row: dict[str, Any], task: Task) -> Relation:
    text, labels = cells(row, task, str(task.columns.get("text", "text")))
    # All pairs of one text stay together where splits are cut.
    document = group_of(row, task) or text
    text, first, second = _entities(row, text, task)
    return Relation(text, first[:2], second[:2], labels, (_type(first), _type(second)), document)


def _entities(row: Mapping[str, Any], text: str, task: Task) -> tuple[str, Mention, Mention]:
    """Return the text of a row without marks, and its two entities."""
    first, second = (_entity(row, text, task, which) for which in ("first", "second"))
    if first is None and second is None:
        text, first, second = _marked(text)
    if first is None or second is None:
        raise DataError(f"one entity; {_HOW}")
    return text, first, second


def _entity(row: Mapping[str, Any], text: str, task: Task, which: str) -> Mention | None:
    """Return an entity of a row, checked; None if the row says nothing of it."""
    value = row.get(str(task.columns.get(which, which)))
    if isinstance(value, list) and len(value) in (2, 3):
        value = dict(zip(("start", "end", "type"), value, strict=False))
    if value is None:
        keys = {key: f"{which}_{key}" for key in _PARTS}
        cells = {key: row.get(str(task.columns.get(name, name))) for key, name in keys.items()}
        value = {key: cell for key, cell in cells.items() if cell not in (None, "")}
        if not value:
            return None
    if not isinstance(value, dict):
        raise DataError(f"`{which}` is {value!r}; {_HOW}")
    start, end = _whole(value.get("start")), _whole(value.get("end"))
    if start is None or end is None:
        raise DataError(f"`{which}`: expected start and end as whole numbers, found {value}")
    quoted, label = value.get("text"), value.get("type")
    label = label if isinstance(label, str) and label.strip() else _NO_TYPE
    try:
        return checked_mention(text, start, end, label, quoted if isinstance(quoted, str) else None)
    except DataError as error:
        raise DataError(f"`{which}`: {str(error).removesuffix('.')}") from None


def _whole(value: Any) -> int | None:
    if isinstance(value, str) and value.strip().isdecimal():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _type(mention: Mention) -> str:
    return "" if mention.type == _NO_TYPE else mention.type


def _marked(text: str) -> tuple[str, Mention, Mention]:
    """Return a marked text without tags, and its two entities."""
    if not _TAG.search(text):
        found = list(_PLACEHOLDER.finditer(text))
        if len(found) != 2:
            raise DataError(f"no entities, and {len(found)} placeholders as `@GENE$`; {_HOW}")
        first, second = (Mention(*match.span(), match[1]) for match in found)
        return text, first, second
    plain, places, last = "", dict[str, int](), 0
    for match in _TAG.finditer(text):
        plain += text[last : match.start()]
        if match[0] in places:
            raise DataError(f"{match[0]} stands twice; expected two entities")
        places[match[0]], last = len(plain), match.end()
    if lacking := [tag for tag in _TAGS if tag not in places]:
        raise DataError(f"{lacking[0]} is missing; {_HOW}")
    plain += text[last:]
    spans = [(places[_TAGS[n]], places[_TAGS[n + 1]]) for n in (0, 2)]
    first, second = (checked_mention(plain, *span, _NO_TYPE) for span in spans)
    return plain, first, second
