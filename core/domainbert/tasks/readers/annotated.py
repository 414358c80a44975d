"""Records of entity recognition from rows: words with tags, or a text with mentions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from domainbert.errors import DataError, listed
from domainbert.plugin.components import Row
from domainbert.plugin.domain import Task
from domainbert.plugin.records import Sentence
from domainbert.plugin.spans import Mention, checked_mention, tagged_sentences
from domainbert.tasks.readers.columns import to_iob2, whole_tag
from domainbert.tasks.readers.table import group_of, placed
from domainbert.words import canonical_text, squeezed

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
        with placed(where):
            flat = _flat(row, counts)
            if flat is not None and flat.get("answer") in _REFUSED:
                counts["refused_answers"] += 1
            elif flat is not None:
                yield from _sentences(flat, task, counts, group_of(row, task) or where)


def tags_of_row(row: Mapping[str, Any], words: Sequence[str], task: Task) -> tuple[str, ...]:
    """Return the tags of a row of predictions for given words.

    The row has a list of `tags` of any scheme, or a list of `entities` with offsets into its
    `text`, else into its words, or those of the record, with blanks between. A word that an entity
    covers in part belongs to it.

    Raises:
        DataError: There is neither, it does not fit the words, or entities overlap; without a
            place.
    """
    own, tags = (_cell(row, task, key, names) for key, names in _LISTS)
    own = own if isinstance(own, list) and all(isinstance(word, str) for word in own) else words
    if isinstance(tags, list):
        if len(tags) != len(words):
            raise DataError(f"expected {len(words)} tags, one per word; found {len(tags)}")
        if [*own] != [*words]:
            raise DataError(f"expected tags of {' '.join(words)!r:.60}, found other words")
        given = Sentence(tuple(words), tuple(_tag(tag, task) for tag in tags))
        return to_iob2(given, Counter()).tags
    spans = _spans(row, task)
    if not isinstance(spans, list):
        raise DataError(f"expected a list of `tags` or of `entities`; it has {listed(row)}")
    told = row.get(str(task.columns.get("text", "text")))
    text = told if isinstance(told, str) else " ".join(own)
    made = ["O"] * len(words)
    # Numbers of words by the characters that are no white space, which text and words share.
    owners = [number for number, word in enumerate(words) for _ in squeezed(word)]
    for start, end, name in sorted(_mention(text, span, task.label_names) for span in spans):
        first, stop = (len(squeezed(text[:place])) for place in (start, end))
        inside = sorted(set(owners[first:stop]))
        if any(made[number] != "O" for number in inside):
            raise DataError(f"two entities share the word {words[inside[0]]!r}; keep one of them")
        for number in inside:
            made[number] = f"{'B' if number == inside[0] else 'I'}-{canonical_text(name)}"
    return tuple(made)


def _flat(row: dict[str, Any], counts: Counter[str]) -> dict[str, Any] | None:
    """Return a row of Label Studio's full export as a text with spans, and others as they are.

    Of several annotations the ground truth is taken, else the first that is not cancelled. None
    for a text that nobody has finished.
    """
    if not isinstance(data := row.get("data"), dict):
        return row
    given = row.get("annotations", row.get("completions")) or ()
    done = [a for a in given if isinstance(a, dict) and not a.get("was_cancelled")]
    if not done:
        counts["not_annotated"] += 1
        return None
    chosen = next((a for a in done if a.get("ground_truth")), done[0])
    counts["other_annotations"] += len(done) - 1
    items = [item for item in chosen.get("result") or () if isinstance(item, dict)]
    values = [item.get("value") for item in items]
    return {**data, "spans": [v for v in values if isinstance(v, dict) and "start" in v]}


def _sentences(
    row: dict[str, Any], task: Task, counts: Counter[str], document: str
) -> Iterator[Sentence]:
    words, tags = (_cell(row, task, key, names) for key, names in _LISTS)
    if words is not None and (tags is not None or "words" in task.columns):
        yield replace(_tagged(words, tags, task), document=group_of(row, task))
        return
    name = str(task.columns.get("text", "text"))
    text, spans = row.get(name), _spans(row, task)
    if isinstance(spans, dict) and all(isinstance(part, list) for part in spans.values()):
        # As `datasets` keeps a sequence of spans: a list per key.
        spans = [
            dict(zip(spans, cells, strict=False)) for cells in zip(*spans.values(), strict=False)
        ]
    if spans is None and any(key in row for key in _span_names(task)):
        spans = []
    if not isinstance(text, str) or not isinstance(spans, list):
        raise DataError(
            "expected a list `words` with a list `tags`, or a `text` with a list `spans`; it has "
            f"{listed(row)}. Name them with `columns`"
        )
    mentions = [_mention(text, span, task.label_names) for span in spans]
    yield from tagged_sentences(text, mentions, counts, document=document)


_LISTS = (("words", _WORDS), ("tags", _TAGS))


def _spans(row: Mapping[str, Any], task: Task) -> Any:
    """Return the spans of a row: of usual columns the one that holds some."""
    usual = () if "spans" in task.columns else _SPANS
    lists = {name: row[name] for name in usual if isinstance(row.get(name), list)}
    filled = [name for name, spans in lists.items() if spans and isinstance(spans[0], list | dict)]
    if len(filled) > 1:
        several = " and ".join(filled)
        raise DataError(f"has spans in {several}. Name one with `columns`, as {{spans: …}}")
    return _cell(row, task, "spans", (*filled, *_SPANS))


def _span_names(task: Task) -> tuple[str, ...]:
    return (str(task.columns["spans"]),) if "spans" in task.columns else _SPANS[:2]


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
    is_number = isinstance(tag, int) and not isinstance(tag, bool)
    if is_number or (isinstance(tag, str) and tag.isdecimal()):
        if not 0 <= int(tag) < len(names):
            raise DataError(f"the tag {tag} has no name; give `label_names`, that of 0 first")
        return names[int(tag)]
    if isinstance(tag, str) and names and tag not in names:
        raise DataError(f"the tag {tag!r} is no number of `label_names` and none of them")
    if isinstance(tag, str):
        return whole_tag(tag, task.labels)
    raise DataError(f"unknown tag {tag!r}; expected O, B-TYPE or I-TYPE, or their numbers")


def _mention(text: str, span: Any, names: tuple[str, ...]) -> Mention:
    if isinstance(span, list) and len(span) == 3:
        span = dict(zip(("start", "end", "label"), span, strict=True))
    if not isinstance(span, dict):
        raise DataError(f"expected a span as [start, end, label] or with these keys, found {span}")
    start, end, label = (_value(span, keys) for keys in (_START, _END, _TYPE))
    if isinstance(label, list) and len(label) == 1:
        label = label[0]
    if isinstance(label, int) and not isinstance(label, bool) and 0 <= label < len(names):
        label = names[label]
    numbers = all(isinstance(n, int) and not isinstance(n, bool) for n in (start, end))
    if not numbers or not isinstance(label, str):
        raise DataError(f"expected start and end as whole numbers and a label, found {span}")
    quoted = span.get("text")
    return checked_mention(text, start, end, label, quoted if isinstance(quoted, str) else None)


def _value(span: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((span[name] for name in names if name in span), None)
