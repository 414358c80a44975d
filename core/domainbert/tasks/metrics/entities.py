"""Entity scores; seqeval defines the entities.

Two readings of the same tags are in use. *Strict* (the primary metric): a mention exists only if it
is well-formed IOB2, and counts if start, end and type are right. *Default* (conlleval): an `I-` may
open a mention. They differ by a point of F1 on noisy predictions, so both are reported by name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from domainbert.plugin.domain import Prediction
from domainbert.plugin.metric import Metric
from domainbert.tasks.metrics.labels import derived, f1, ratio, recall, share

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Mention = tuple[str, int, int]
"""Type, first word, last word."""


def strict_mentions(tags: Sequence[str]) -> list[Mention]:
    """Return the well-formed IOB2 mentions of a sentence, in order."""
    from seqeval.scheme import IOB2, Tokens

    if not any(tag[0] == "B" for tag in tags):
        return []
    found = [entity.to_tuple() for entity in Tokens(list(tags), IOB2).entities]
    return [(label, first, stop - 1) for _, label, first, stop in found]


def default_mentions(tags: Sequence[str]) -> list[Mention]:
    """Return the mentions of a sentence as conlleval reads them, in order."""
    from seqeval.metrics.sequence_labeling import get_entities

    return [] if all(tag == "O" for tag in tags) else list(get_entities(list(tags)))


def strict_counts(predictions: Sequence[Prediction]) -> NDArray[np.int64]:
    """Return (right, predicted, gold) well-formed IOB2 mentions per sentence; int64, (N, 3)."""
    return _counts(predictions, strict_mentions)


def default_counts(predictions: Sequence[Prediction]) -> NDArray[np.int64]:
    """Return (right, predicted, gold) conlleval mentions per sentence; int64, (N, 3)."""
    return _counts(predictions, default_mentions)


def token_counts(predictions: Sequence[Prediction]) -> NDArray[np.int64]:
    """Return (right, predicted, gold) words within a mention per sentence; int64, (N, 3)."""
    rows = []
    for prediction in predictions:
        gold, guess = ([tag[2:] for tag in row] for row in (prediction.gold, prediction.predicted))
        right = sum(a == b != "" for a, b in zip(gold, guess, strict=True))
        rows.append((right, sum(map(bool, guess)), sum(map(bool, gold))))
    return _table(rows, 3)


def overlap_counts(scheme: str, predictions: Sequence[Prediction]) -> NDArray[np.int64]:
    """Return counts of mentions per sentence that may overlap in part; int64, shape (N, 5).

    Each predicted mention, in order, takes one gold mention that it overlaps and that is still
    free: the closest that is right in the scheme, else the first.

    Args:
        scheme: Right is: `strict`, the same words and type; `exact`, the same words; `partial`, the
            same words, and an overlap is half right; `type`, an overlap of the same type.
        predictions: With tags.

    Returns:
        Correct, incorrect, partial, missed, spurious.
    """
    is_right, wrong = _SCHEMES[scheme], 2 if scheme == "partial" else 1
    rows = []
    for prediction in predictions:
        free, row = default_mentions(prediction.gold), [0] * 5
        for mention in default_mentions(prediction.predicted):
            near = [gold for gold in free if _overlap(mention, gold)]
            right = [gold for gold in near if is_right(mention, gold)]
            row[0 if right else wrong if near else 4] += 1
            if near:
                free.remove(min(right, key=partial(_distance, mention)) if right else near[0])
        row[3] = len(free)
        rows.append(row)
    return _table(rows, 5)


_SCHEMES: dict[str, Callable[[Mention, Mention], bool]] = {
    "strict": lambda guess, gold: guess == gold,
    "exact": lambda guess, gold: guess[1:] == gold[1:],
    "partial": lambda guess, gold: guess[1:] == gold[1:],
    "type": lambda guess, gold: guess[0] == gold[0],
}


def _overlap(guess: Mention, gold: Mention) -> bool:
    """Return whether a mention has a word of the gold one, and at least 1 % of its words."""
    shared = min(guess[2], gold[2]) - max(guess[1], gold[1]) + 1
    return shared > 0 and 100 * shared >= gold[2] - gold[1] + 1


def _distance(guess: Mention, gold: Mention) -> int:
    return abs(guess[1] - gold[1]) + abs(guess[2] - gold[2])


def overlap_f1(sums: NDArray[Any]) -> NDArray[np.float64]:
    """Return the F1 score of counts of `overlap_counts`; a partial match is half right."""
    correct, incorrect, half, missed, spurious = (sums[..., column] for column in range(5))
    taken = correct + incorrect + half
    return ratio(2 * correct + half, 2 * taken + missed + spurious)


def mark_seen(train: Sequence[Any], predictions: Sequence[Prediction]) -> tuple[Prediction, ...]:
    """Return predictions that say of each gold mention whether it is a mention of training, too.

    Args:
        train: Sentences of training.
        predictions: With words.
    """
    known = {form for sentence in train for form in _forms(sentence.words, sentence.tags)}
    forms = ((p, _forms(p.words, p.gold)) for p in predictions)
    return tuple(replace(p, seen=tuple(form in known for form in found)) for p, found in forms)


def _forms(words: Sequence[str], tags: Sequence[str]) -> list[str]:
    """Return the words of each mention without case, in order."""
    mentions = strict_mentions(tags) if words else []
    return [" ".join(words[first : last + 1]).casefold() for _, first, last in mentions]


def _unmarked(predictions: Sequence[Prediction]) -> str:
    """Return why marks of training cannot be read, or an empty string."""
    number = sum(len(p.seen) != sum(tag[0] == "B" for tag in p.gold) for p in predictions)
    reason = f"{number:,} predictions do not say which gold mentions occur in training"
    return f"{reason}; evaluate again" if number else ""


def seen_counts(wanted: bool, predictions: Sequence[Prediction]) -> NDArray[np.int64]:
    """Return (right, all) gold mentions that training has, or has not; int64, shape (N, 2)."""
    rows = []
    for prediction in predictions:
        gold, guess = strict_mentions(prediction.gold), strict_mentions(prediction.predicted)
        pairs = zip(gold, prediction.seen, strict=True)
        kept = [mention for mention, seen in pairs if seen == wanted]
        rows.append((len({*kept} & {*guess}), len(kept)))
    return _table(rows, 2)


def of_type(metric: Metric, label: str) -> Metric:
    """Return a metric of the mentions of one type; tags of other types are O."""
    begins, continues = f"B-{label}", f"I-{label}"
    without = Prediction(("O",), ("O",))  # most sentences lack a type; a metric of 50 takes seconds

    def cut(prediction: Prediction) -> Prediction:
        sides = prediction.gold, prediction.predicted
        if not any(begins in row or continues in row for row in sides):
            return without
        gold, guess = (
            tuple(tag if tag in (begins, continues) else "O" for tag in row) for row in sides
        )
        opened = [tag for tag in prediction.gold if tag[0] == "B"]
        marked = zip(opened, prediction.seen, strict=False)
        seen = tuple(mark for tag, mark in marked if tag == begins)
        return replace(prediction, gold=gold, predicted=guess, seen=seen)

    return replace(derived(metric, f"{metric.name}/{label}", cut), shown=False)


def _counts(predictions: Sequence[Prediction], entities: Callable[..., Any]) -> NDArray[np.int64]:
    pairs = [({*entities(p.gold)}, {*entities(p.predicted)}) for p in predictions]
    return _table([(len(gold & guess), len(guess), len(gold)) for gold, guess in pairs], 3)


def _table(rows: Sequence[Sequence[int]], columns: int) -> NDArray[np.int64]:
    import numpy as np

    return np.array(rows, dtype=np.int64).reshape(-1, columns)


_tags = partial(Metric, kinds=("tagging",))
_further = partial(_tags, shown=False)
_RIGHT = "A mention is right if it is well-formed IOB2 and start, end and type are those of gold; "
_SEQEVAL: dict[str, Any] = {
    "source": "seqeval, `mode='strict'`, `scheme=IOB2`",
    "checked": "seqeval",
}
_NERVALUATE: dict[str, Any] = {
    "source": "SemEval-2013 task 9 (Segura-Bedmar et al. 2013), as in nervaluate",
    "checked": "counts of nervaluate 1.2.1",
}
_SEEN: dict[str, Any] = {
    "check": _unmarked,
    "source": "Augenstein et al. 2017, arXiv 1701.02877",
    "checked": "counts by hand",
}

METRICS = (
    _tags(
        "f1_strict", "F1 of mentions, strict IOB2", strict_counts, f1, **_SEQEVAL,
        definition=_RIGHT + "micro-averaged over all mentions.",
    ),
    _further(
        "precision_strict", "Precision, strict IOB2", strict_counts, share, **_SEQEVAL,
        definition=_RIGHT + "share of the predicted ones.",
    ),
    _further(
        "recall_strict", "Recall, strict IOB2", strict_counts, recall, **_SEQEVAL,
        definition=_RIGHT + "share of the gold ones.",
    ),
    _tags(
        "f1_default", "F1 of mentions as conlleval counts them", default_counts, f1,
        definition="As `f1_strict`, but an `I-` tag may open a mention.",
        source="conlleval (Tjong Kim Sang and Buchholz 2000); seqeval's default",
        checked="seqeval, and a second counter of conlleval's rules",
    ),
    _further(
        "f1_token", "F1 of words within mentions", token_counts, f1,
        definition="Micro F1 of the types of words, B and I alike, without O. Some papers report "
        "it as F1; it is mostly higher than F1 of mentions.",
        source="scikit-learn, `f1_score(average='micro', labels=TYPES)`", checked="scikit-learn",
    ),
    _further(
        "f1_exact", "F1 of mentions, type ignored", partial(overlap_counts, "exact"), overlap_f1,
        **_NERVALUATE, definition="A mention is right if start and end are those of gold.",
    ),
    _further(
        "f1_partial", "F1 of mentions, overlaps count half", partial(overlap_counts, "partial"),
        overlap_f1, **_NERVALUATE,
        definition="As `f1_exact`, and a mention that overlaps a gold one is half right.",
    ),
    _further(
        "f1_type", "F1 of types of overlapping mentions", partial(overlap_counts, "type"),
        overlap_f1, **_NERVALUATE,
        definition="A mention is right if it overlaps a gold one of the same type.",
    ),
    _further(
        "recall_seen", "Recall of mentions that training has", partial(seen_counts, True), share,
        **_SEEN, definition="Strict recall of gold mentions whose words, without case, are a "
        "mention of training, of any type; 0 where there is none.",
    ),
    _further(
        "recall_unseen", "Recall of mentions that training lacks", partial(seen_counts, False),
        share, **_SEEN, definition="Strict recall of the other gold mentions.",
    ),
)  # fmt: skip
