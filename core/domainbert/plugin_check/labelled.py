"""Splits, labels and scores of the tasks that could be read."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from domainbert.errors import UserError
from domainbert.plugin.domain import Domain, Example, Sentence
from domainbert.plugin_check.loaded import Loaded, ReadTask
from domainbert.plugin_check.outcome import Outcome, Problem, count, outcome, reason, some
from domainbert.tasks.check import found_labels, plain_text
from domainbert.tasks.readers.columns import to_iob2
from domainbert.testing.tiny import tiny_tokenizer

if TYPE_CHECKING:
    from domainbert.tasks.metrics.score import Prediction

WINDOW = 32
"""Tokens of a window when alignment is checked: short, so that sentences are cut."""

_TAG = re.compile(r"O|[BI]-(\S+)")


def check_splits(loaded: Loaded) -> Outcome:
    """Check that no text is in two splits; of published data it is told rather than refused."""
    problems, told = [], []
    for found in loaded.tasks:
        texts = {split: set(map(plain_text, records)) for split, records in found.splits.items()}
        for one, other in (("train", "test"), ("train", "validation"), ("validation", "test")):
            common = sorted(texts[one] & texts[other])
            if common and found.packaged:
                what = f"task {found.task.name!r}: {len(common)} texts of {other} are in {one} too"
                fix = f"keep each in one split; the first is {common[0][:60]!r}"
                problems.append(Problem(what, fix))
            elif common:
                told.append(f"{found.task.name}: {len(common)} of {other} in {one}, as published")
    summary = count(len(loaded.tasks), "task") + ", no text of the package in two splits"
    return outcome("splits", "; ".join([summary, *told]), problems)


def check_labels(loaded: Loaded) -> Outcome:
    """Check that the labels that are declared are those that the texts have."""
    problems: list[Problem] = []
    told = [count(len(loaded.tasks), "task") + ", labels found are those declared"]
    for found in loaded.tasks:
        wrong = [*_disagreeing(found), *_malformed(found)]
        # Rare classes of published data with many labels are in one split alone: told, not refused.
        if found.task.multi_label and not found.packaged:
            told += [problem.what for problem in wrong]
            wrong = []
        problems += wrong or _refused(found)
    return outcome("labels", "; ".join(told), problems)


def check_scores(loaded: Loaded) -> Outcome:
    """Check that predictions equal to the labels score 1, after alignment where there is one."""
    problems, scored = [], 0
    for found in loaded.tasks:
        try:
            scores = _perfect(found)
        except Exception as error:  # the metric's own refusals name what is wrong
            scores, why = {"f1": 0.0}, f": {reason(error)}"
        else:
            why = ""
        scored += 1
        worst = min(value for name, value in scores.items() if name.startswith("f1"))
        if worst != 1.0:
            what = f"task {found.task.name!r}: perfect predictions score {worst:.4f}{why}"
            fix = "see that test has every label, tags are IOB2, and every word has a character"
            problems.append(Problem(what, fix))
    return outcome("scores", f"perfect predictions score 1.0 on {count(scored, 'task')}", problems)


def _disagreeing(found: ReadTask) -> Iterator[Problem]:
    task, where = found.task, f"task {found.task.name!r}"
    of_split = {
        split: set(found_labels(task.kind, records)) for split, records in found.splits.items()
    }
    declared = set(task.labels) or of_split["train"]
    for split, labels in of_split.items():
        strangers = sorted(labels - declared)
        if strangers:
            known = "declared" if task.labels else "in train"
            fix = "declare it in `labels`, or have the reader leave it out and say so in `notes`"
            yield Problem(f"{where}: {split} has {some(strangers)}, which is not {known}", fix)
    unseen = sorted(declared - of_split["train"])
    if unseen:
        fix = "leave it out of `labels`, or give train an example of it"
        yield Problem(f"{where}: train never has {some(unseen)}", fix)
    if len(declared) < 2 and task.kind == "classification" and not task.multi_label:
        yield Problem(f"{where}: one label only", "a class needs another to be told from")


def _malformed(found: ReadTask) -> Iterator[Problem]:
    where = f"task {found.task.name!r}"
    for split, records in found.splits.items():
        for number, record in enumerate(records, 1):
            if isinstance(record, Sentence):
                wrong = [tag for tag in record.tags if not _TAG.fullmatch(tag)]
                if wrong:
                    what = f"{where}: {split}, sentence {number}: tag {wrong[0]!r}"
                    yield Problem(what, "tags are O, B-TYPE and I-TYPE")
            elif len(record.labels) != 1 and not found.task.multi_label:
                what = f"{where}: {split}, example {number}: {len(record.labels)} labels"
                yield Problem(what, "give exactly one, or declare `multi_label=True`")
            elif len(set(record.labels)) < len(record.labels):
                what = f"{where}: {split}, example {number}: a label twice"
                yield Problem(what, "give each label once")


def _refused(found: ReadTask) -> Iterator[Problem]:
    """Say why the task would not be loaded for a run."""
    from domainbert.recipe.sections import TaskSection
    from domainbert.tasks.load import load_task

    alone = Domain("check", "", tasks=(found.task,))
    try:
        load_task(TaskSection(name=found.task.name), alone, Path())
    except UserError as error:
        yield Problem(str(error), "put right what it says, in the file or in the reader")


def _perfect(found: ReadTask) -> dict[str, float]:
    """Score the labels of test against themselves."""
    from domainbert.tasks.metrics.score import Scoring, score

    task, records = found.task, found.splits["test"]
    labels = task.labels or found_labels(task.kind, found.splits["train"])
    scoring = Scoring(task.kind, labels, task.multi_label, dict(task.levels))
    if task.kind == "tagging":
        return score(scoring, _as_tagged([r for r in records if isinstance(r, Sentence)]))
    return score(scoring, _as_classified([r for r in records if isinstance(r, Example)], labels))


def _as_tagged(records: list[Sentence]) -> list[Prediction]:
    """Return gold tags and what is left of them after the way through words and tokens."""
    from domainbert.tasks.kinds.tagging import word_windows
    from domainbert.tasks.metrics.score import Prediction

    sentences = [to_iob2(sentence, Counter()) for sentence in records]
    words = {word for sentence in sentences for word in sentence.words if word.isalpha()}
    tokenizer = tiny_tokenizer("bert", sorted(words))
    predicted = [["O"] * len(sentence.words) for sentence in sentences]
    for window in word_windows(sentences, tokenizer, WINDOW):
        for word in window.words:
            predicted[window.record][word] = sentences[window.record].tags[word]
    return [
        Prediction(sentence.tags, tuple(tags))
        for sentence, tags in zip(sentences, predicted, strict=True)
    ]


def _as_classified(records: list[Example], labels: tuple[str, ...]) -> list[Prediction]:
    from domainbert.tasks.metrics.score import Prediction

    # A class that train never has can be true of published data; no model can say it.
    gold = [tuple(label for label in record.labels if label in labels) for record in records]
    return [Prediction(true, true, true[:10]) for true in gold]
