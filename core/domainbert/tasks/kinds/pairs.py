"""Pairs of texts with one label: inference, duplicates, whether an answer is right.

Both texts are read together by a cross-encoder, with token types where the family has them. All but
reading and windows is as in classification.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from domainbert.plugin.domain import Task, Window
from domainbert.plugin.records import Pair, Rating
from domainbert.tasks.check import class_keys
from domainbert.tasks.kinds.classification import CLASSIFICATION, annotate_one
from domainbert.tasks.pair_windows import long_pairs, pair_windows, token_types
from domainbert.tasks.readers.pairs import pairs_of_rows, unlabelled_pair


def forward(model: Any, ids_BL: Any, mask_BL: Any, windows: Sequence[Window]) -> Any:
    """Return the scores of pairs, float32, shape (B, C)."""
    return model.score_texts(ids_BL, mask_BL, token_types(model, ids_BL, windows))


def both_texts(pairs: Sequence[Pair | Rating]) -> list[tuple[str, str]]:
    """Return the two texts of each record."""
    return [(pair.text, pair.second) for pair in pairs]


def call(inputs: Sequence[str]) -> str:
    """Return the argument of transformers' pipeline for one text or two."""
    return '{"text": "One text.", "text_pair": "Another."}' if "second" in inputs else '"A text."'


def _check(pair: Pair, task: Task) -> str:
    if not pair.text.strip() or not pair.second.strip():
        return "a text is empty"
    if len(pair.labels) != 1:
        return f"{len(pair.labels)} labels {pair.labels}; expected one"
    return CLASSIFICATION.check(pair, task)


def _count_long(pairs: Sequence[Pair], tokenizer: Any, max_length: int) -> int:
    return sum(long_pairs(both_texts(pairs), tokenizer, max_length))


PAIRS = replace(
    CLASSIFICATION,
    name="pairs",
    record=Pair,
    noun="pair",
    from_rows=pairs_of_rows,
    columns=("text", "second", "label"),
    inputs=("text", "second"),
    unlabelled=unlabelled_pair,
    text=lambda pair: f"{pair.text}\n{pair.second}",
    parts=lambda pair: (pair.text, pair.second),
    encode=lambda pairs, tokenizer, settings: pair_windows(both_texts(pairs), tokenizer, settings),
    forward=forward,
    metrics=lambda _task: ("accuracy", "f1_macro", "mcc"),
    check_task=class_keys,
    check=_check,
    count_long=_count_long,
    passages=None,
    annotate=annotate_one,
    says="label",
    call=call,
)
