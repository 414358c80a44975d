"""Retrieval: which documents answer a query, by vectors of the encoder as it is.

Nothing is fine-tuned. A text is the mean of its token vectors, averaged over its windows, and
documents are ranked by their cosine with the query. The candidates of a split are its distinct
documents.

Legend: Q queries, N candidates, T texts: the queries, then the candidates; B windows of a batch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from domainbert.errors import DataError, RunFailed
from domainbert.plugin.components import Predictions, Row, Scores, TaskKind
from domainbert.plugin.domain import Prediction, Task, Window
from domainbert.plugin.records import Example, Query
from domainbert.tasks.check import Splits, null_key
from domainbert.tasks.decide import RANKED, average_windows
from domainbert.tasks.kinds.classification import count_long_texts, text_windows
from domainbert.tasks.metrics.retrieval import ranks_of, worst_order
from domainbert.tasks.readers.pairs import text_cell, usual_column
from domainbert.tasks.readers.table import group_of, placed
from domainbert.words import LONE_SURROGATE

_COLUMNS = {"query": ("query",), "document": ("document", "passage")}
# Where data sets say whether, or how well, a document answers a query.
_JUDGED = ("label", "relevance", "score")
# Of a number in a stranger's file.
_DIGITS = 12
# Queries whose scores are computed together.
_BATCH = 256


def queries_of_rows(rows: Iterable[Row], task: Task, _: Counter[str]) -> Iterator[Query]:
    """Yield the queries of rows, each once, with the documents of all its rows.

    A row has `query` and `document` or `passage`. White space does not tell texts apart.

    Args:
        rows: Of a table.
        task: Its `columns` name the columns where they have others.

    Raises:
        DataError: A column is missing, a text is empty, or a `label`, `relevance` or `score` says
            that the document is not relevant; with its place.
    """
    documents: dict[str, list[str]] = {}
    groups: dict[str, str] = {}
    for where, row in rows:
        with placed(where):
            query, document = (
                _plain(text_cell(row, usual_column(row, task, key, usual), key))
                for key, usual in _COLUMNS.items()
            )
            groups.setdefault(query, group_of(row, task))
            _refuse_irrelevant(row)
        documents.setdefault(query, []).append(document)
    for query, found in documents.items():
        yield Query(query, tuple(found), groups[query])


def _refuse_irrelevant(row: Mapping[str, Any]) -> None:
    """Refuse a row that does not say that its document answers its query, if it says anything."""
    for key in _JUDGED:
        if key in row and not _is_relevant(row[key]):
            what = "expected a number above 0; leave out documents that are not relevant"
            raise DataError(f"`{key}` is {row[key]!r}; {what}")


def _is_relevant(value: Any) -> bool:
    """Return whether a cell is true, or a number above 0."""
    try:
        return 0 < float("1" if str(value).casefold() == "true" else value) < float("inf")
    except (TypeError, ValueError):
        return False


def candidates(queries: Sequence[Query]) -> tuple[str, ...]:
    """Return the distinct documents of a split, in the order of its queries."""
    return tuple(dict.fromkeys(document for query in queries for document in query.documents))


def ranked(queries: Sequence[Query], scores: Iterable[Any]) -> tuple[Prediction, ...]:
    """Return the prediction of each query.

    `gold` are the numbers of its documents among the candidates, from 1, `predicted` their ranks,
    and `ranking` the numbers of the ten best.

    Args:
        queries: Of a split.
        scores: Of each query those of all candidates, shape (N,); larger is more likely.

    Raises:
        RunFailed: A score is not finite.
    """
    import numpy as np

    number = {document: place for place, document in enumerate(candidates(queries))}
    made = []
    for place, (query, scores_N) in enumerate(zip(queries, scores, strict=True), start=1):
        if not np.isfinite(scores_N).all():
            raise RunFailed(f"query {place}: a score of a document is not finite.")
        relevant = [number[document] for document in query.documents]
        order_N = worst_order(scores_N, relevant)
        best = _texts_of(1 + order_N[:RANKED])
        gold, ranks = _texts_of(1 + n for n in relevant), _texts_of(ranks_of(order_N, relevant))
        made.append(Prediction(gold, ranks, best))
    return tuple(made)


def _texts_of(numbers: Iterable[int]) -> tuple[str, ...]:
    return tuple(str(number) for number in numbers)


def _plain(text: str) -> str:
    return " ".join(text.split())


def _examples(queries: Sequence[Query]) -> list[Example]:
    """Return the texts of a split: its queries, and then its candidates."""
    return [Example(text, ()) for text in (*(q.text for q in queries), *candidates(queries))]


def _windows(queries: Sequence[Query], tokenizer: Any, settings: Any) -> list[Window]:
    """Return the windows of all texts; `record` is the number of a text."""
    return text_windows(_examples(queries), tokenizer, settings)


def _forward(model: Any, ids_BL: Any, mask_BL: Any, _windows: Sequence[Window]) -> Any:
    """Return the mean token vectors of windows, float32, shape (B, H)."""
    return model.mean_texts(ids_BL, mask_BL).float()


def _ideal(_task: Task, queries: Sequence[Query]) -> list[Any]:
    """Return vectors of texts by which each query finds its documents first, (N,) each."""
    import numpy as np

    documents = candidates(queries)
    rows = [np.isin(documents, query.documents).astype(np.float32) for query in queries]
    return [*rows, *np.eye(len(documents), dtype=np.float32)]


def _decode(_task: Task, splits: Splits, scores: Scores) -> Predictions:
    return {
        split: ranked(splits[split], _cosines(splits[split], rows))
        for split, rows in scores.items()
    }


def _cosines(queries: Sequence[Query], rows: Any) -> Iterator[Any]:
    """Yield for each query the cosine with each candidate, shape (N,)."""
    import numpy as np

    windows, vectors_WH = rows
    n_texts = len(queries) + len(candidates(queries))
    texts_TH = average_windows(windows, vectors_WH, n_texts)
    texts_TH /= np.maximum(np.linalg.norm(texts_TH, axis=1, keepdims=True), 1e-12)
    queries_QH, documents_NH = np.split(texts_TH, [len(queries)])
    for first in range(0, len(queries), _BATCH):
        yield from queries_QH[first : first + _BATCH] @ documents_NH.T


def _one_form(query: Query, counts: Counter[str]) -> Query:
    """Return a query with each of its documents once, without white space that tells nothing."""
    documents = tuple(dict.fromkeys(map(_plain, query.documents)))
    counts["doubled_rows"] += len(query.documents) - len(documents)
    return replace(query, text=_plain(query.text), documents=documents)


def _check_task(task: Task) -> str:
    if task.labels or task.label_names or task.multi_label or task.levels:
        return "labels, label_names, multi_label and levels are for classes, not for documents"
    return null_key(task)


def _check(query: Query, _task: Task) -> str:
    if not query.documents:
        return "the query has no document"
    texts = query.text, *query.documents
    if not all(texts):
        return "the query or a document is empty"
    broken = any(map(LONE_SURROGATE.search, texts))
    return "a text holds half of a surrogate pair, which is no text" if broken else ""


def _check_splits(_task: Task, splits: Mapping[str, Sequence[Query]]) -> tuple[str, str] | None:
    for split in ("validation", "test"):
        texts = Counter(query.text for query in splits[split])
        if twice := next((text for text, n in texts.items() if n > 1), ""):
            return split, f"has the query {twice[:60]!r} in two files; put its rows into one"
        if len(candidates(splits[split])) < 2:
            return split, "has one document alone, which every query finds"
    return None


def _misfit(prediction: Prediction, _task: Task) -> str:
    gold, ranks, best = prediction.gold, prediction.predicted, prediction.ranking
    if not all(map(_is_number, (*gold, *ranks, *best))):
        return "numbers and ranks of documents, from 1, were expected"
    if not gold or len(gold) != len(ranks):
        return "a rank for each relevant document was expected, and one at least"
    if any(len({*side}) < len(side) for side in (gold, ranks, best)):
        return "a document or a rank is named twice"
    for document, rank in zip(gold, map(int, ranks), strict=True):
        behind = rank > len(best) == RANKED and document not in best
        if not behind and best[rank - 1 : rank] != (document,):
            return f"rank {rank} of document {document} is not that of the ranking"
    return ""


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and text[0] != "0" and len(text) < _DIGITS


RETRIEVAL = TaskKind(
    name="retrieval",
    record=Query,
    noun="record",
    read=None,
    from_rows=queries_of_rows,
    columns=tuple(_COLUMNS),
    text=lambda query: query.text,
    parts=lambda query: (query.text, *query.documents),
    labels=lambda _query: (),
    # The head of the encoder is not used.
    outputs=lambda _task: ("relevance",),
    encode=_windows,
    forward=_forward,
    targets=_ideal,
    loss=None,
    decode=_decode,
    metrics=lambda _task: ("ndcg_at_10", "mrr", "recall_at_1", "recall_at_10"),
    baselines=lambda _loaded: ("bm25",),
    repair=_one_form,
    check_task=_check_task,
    check=_check,
    check_splits=_check_splits,
    misfit=_misfit,
    count_long=lambda queries, tokenizer, length: count_long_texts(
        _examples(queries), tokenizer, length
    ),
)
