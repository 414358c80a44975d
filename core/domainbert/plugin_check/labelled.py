"""Splits, labels and scores of the tasks that could be read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from domainbert.errors import DomainBertError
from domainbert.plugin.domain import Domain, Window
from domainbert.plugin_check.loaded import Loaded, ReadTask
from domainbert.plugin_check.outcome import Outcome, Problem, count, outcome, reason, some
from domainbert.tasks.check import found_labels, plain_text
from domainbert.tasks.metrics.score import kind_of, primary_metric, score

WINDOW = 32
"""Tokens of a window when alignment is checked: short, so that sentences are cut."""


def check_splits(loaded: Loaded) -> Outcome:
    """Check that no text is in two splits; of published data it is told rather than refused."""
    problems, told = [], []
    for found in loaded.tasks:
        kind = kind_of(found.task)
        texts = {s: {plain_text(kind, r) for r in records} for s, records in found.splits.items()}
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
        wrong, refused = [*_malformed(found), *_disagreeing(found)], list(_refused(found))
        # A run accepts published data whose rare classes are in one split alone.
        if not refused and not found.packaged:
            told += [problem.what for problem in wrong]
            wrong = []
        problems += wrong or refused
    return outcome("labels", "; ".join(told), problems)


def check_scores(loaded: Loaded) -> Outcome:
    """Check that predictions equal to the labels score 1, after alignment where there is one."""
    problems, scored = [], 0
    for found in loaded.tasks:
        try:
            worst = _perfect(found)
        except Exception as error:  # the metric's own refusals name what is wrong
            worst, why = 0.0, f": {reason(error)}"
        else:
            why = ""
        scored += 1
        if worst != 1.0:
            what = f"task {found.task.name!r}: perfect predictions score {worst:.4f}{why}"
            fix = "see that test has every label, tags are IOB2, and every word has a character"
            problems.append(Problem(what, fix))
    return outcome("scores", f"perfect predictions score 1.0 on {count(scored, 'task')}", problems)


def _disagreeing(found: ReadTask) -> Iterator[Problem]:
    task, where, kind = found.task, f"task {found.task.name!r}", kind_of(found.task)
    of_split = {split: set(found_labels(kind, records)) for split, records in found.splits.items()}
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


def _malformed(found: ReadTask) -> Iterator[Problem]:
    kind = kind_of(found.task)
    for split, records in found.splits.items():
        for number, record in enumerate(records, 1):
            wrong = kind.check(record, found.task)
            if wrong:
                what = f"task {found.task.name!r}: {split}, {kind.noun} {number}: {wrong}"
                yield Problem(what, "leave the record out, or put it right in the reader")


def _refused(found: ReadTask) -> Iterator[Problem]:
    """Say why the task would not be loaded for a run."""
    from domainbert.recipe.sections import TaskSection
    from domainbert.tasks.load import load_task

    alone = Domain("check", "", tasks=(found.task,))
    try:
        load_task(TaskSection(name=found.task.name), alone, Path())
    except DomainBertError as error:
        yield Problem(str(error), "put right what it says, in the file or in the reader")


def _perfect(found: ReadTask) -> float:
    """Return the primary metric of the labels of test, sent through windows and decoding."""
    from domainbert.recipe.sections import EvaluateSection
    from domainbert.testing.tiny import tiny_tokenizer

    kind, test = kind_of(found.task), found.splits["test"]
    labels = found.task.labels or found_labels(kind, found.splits["train"])
    task = replace(found.task, labels=tuple(labels))
    records = [kind.repair(record, Counter()) for record in test]
    words = {word for record in records for word in kind.text(record).split() if word.isalpha()}
    settings = EvaluateSection(max_seq_length=WINDOW)
    windows = kind.encode(records, tiny_tokenizer("bert", sorted(words)), settings)
    splits = {"validation": records, "test": records}
    scores = _one_hot(kind.targets(task, records), windows, len(kind.outputs(task)))
    known = set(kind.outputs(task))
    # A class that train never has can be gold in published data; no model can predict it.
    predictions = [
        replace(prediction, gold=tuple(name for name in prediction.gold if name in known))
        for prediction in kind.decode(task, splits, dict.fromkeys(splits, (windows, scores)))[
            "test"
        ]
    ]
    return score(task, predictions)[primary_metric(task).name]


def _one_hot(targets: Sequence[Any], windows: Sequence[Window], n_outputs: int) -> Any:
    """Return scores of the windows' rows that agree with the targets, float32, shape (X, C)."""
    import numpy as np

    rows = [
        target
        for window in windows
        for target in ([targets[window.record][word] for word in window.words]
                       or [targets[window.record]])
    ]  # fmt: skip
    identity = np.eye(n_outputs, dtype=np.float32)
    arrays = [np.asarray(row) for row in rows]
    return np.stack([identity[row] if row.ndim == 0 else row for row in arrays])
