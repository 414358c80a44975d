"""Records of entity recognition from rows: words with tags, or a text with mentions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from domainbert.errors import DataError
from domainbert.plugin.components import Row
from domainbert.plugin.domain import Sentence, Task
from domainbert.plugin.spans import Mention, checked_mention, tagged_sentences
from domainbert.tasks.readers.columns import TAG

# Names that exports and data sets use, the first that a row has.
_WORDS = ("words", "tokens")
_TAGS = ("tags", "ner_tags")
_SPANS = ("spans", "entities", "label", "labels", "annotations")
_START, _END = ("start", "start_offset", "begin"), ("end", "end_offset")
_TYPE = ("label", "labels", "type", "entity", "tag")
_REFUSED = ("reject", "ignore")


def sentences_of_rows(rows: Iterable[Row], task: Task, counts: Counter[str]) -> Iterator[Sentence]:
    """Yield the sentences of rows, tagged as the rows say.

    A row has a list of `words` and a list of `tags`, whose numbers `task.label_names` names; or a
    `text` and a list of `spans`, each with start, end and label, as doccano, Label Studio, spaCy
    and Prodigy write them. Answers that Prodigy's user refused are left out and counted.

    Args:
        rows: Of a table.
        task: Its `columns` name the columns where they have others.
        counts: Receives the remarks of `tagged_sentences`, and `refused_answers`.

    Raises:
        DataError: A row has neither; with its place.
    """
    for where, row in rows:
        if row.get("answer") in _REFUSED:
            counts["refused_answers"] += 1
            continue
        try:
            yield from _sentences(_flat(row), task, counts)
        except DataError as error:
            raise DataError(f"{where}: {error}.") from None


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row of Label Studio's full export as a text with spans, and others as they are."""
    if not isinstance(data := row.get("data"), dict):
        return row
    done = [a for a in row.get("annotations") or () if not a.get("was_cancelled")]
    results = done[0].get("result", ()) if done else ()
    spans = [item["value"] for item in results if "start" in item.get("value", {})]
    return {**data, "spans": spans}


def _sentences(row: dict[str, Any], task: Task, counts: Counter[str]) -> Iterator[Sentence]:
    words, tags = (_cell(row, task, key, names) for key, names in _LISTS)
    if words is not None:
        yield _tagged(words, tags, task)
        return
    name = str(task.columns.get("text", "text"))
    text, spans = row.get(name), _cell(row, task, "spans", _SPANS)
    if not isinstance(text, str) or not isinstance(spans, list):
        known = ", ".join(map(str, list(row)[:20]))
        raise DataError(
            "expected a list `words` with a list `tags`, or a `text` with a list `spans`; it has "
            f"{known}. Name them with `columns`"
        )
    yield from tagged_sentences(text, [_mention(text, span) for span in spans], counts)


_LISTS = (("words", _WORDS), ("tags", _TAGS))


def _cell(row: Mapping[str, Any], task: Task, key: str, usual: tuple[str, ...]) -> Any:
    names = (str(task.columns[key]),) if key in task.columns else usual
    return next((row[name] for name in names if row.get(name) is not None), None)


def _tagged(words: Any, tags: Any, task: Task) -> Sentence:
    if not isinstance(words, list) or not isinstance(tags, list) or len(words) != len(tags):
        sizes = [len(part) if isinstance(part, list) else "no list" for part in (words, tags)]
        raise DataError(f"expected as many tags as words, found {sizes[0]} and {sizes[1]}")
    if not all(isinstance(word, str) for word in words):
        raise DataError("a word is no text")
    return Sentence(tuple(words), tuple(_tag(tag, task) for tag in tags))


def _tag(tag: Any, task: Task) -> str:
    names = task.label_names
    if isinstance(tag, int) and not isinstance(tag, bool):
        if not 0 <= tag < len(names):
            raise DataError(f"the tag {tag} has no name; give `label_names`, that of 0 first")
        return names[tag]
    if isinstance(tag, str) and (TAG.fullmatch(tag) or tag[1:2] == "-"):
        return tag
    raise DataError(f"unknown tag {tag!r}; expected O, B-TYPE or I-TYPE, or their numbers")


def _mention(text: str, span: Any) -> Mention:
    if isinstance(span, list) and len(span) == 3:
        span = dict(zip(("start", "end", "label"), span, strict=True))
    if not isinstance(span, dict):
        raise DataError(f"expected a span as [start, end, label] or with these keys, found {span}")
    start, end, label = (_value(span, names) for names in (_START, _END, _TYPE))
    if isinstance(label, list) and len(label) == 1:
        label = label[0]
    numbers = all(isinstance(n, int) and not isinstance(n, bool) for n in (start, end))
    if not numbers or not isinstance(label, str):
        raise DataError(f"expected start and end as whole numbers and a label, found {span}")
    quoted = span.get("text")
    return checked_mention(text, start, end, label, quoted if isinstance(quoted, str) else None)


def _value(span: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((span[name] for name in names if name in span), None)
