"""Splits, labels and scores of the tasks that could be read."""

from __future__ import annotations

import re
from collections.abc import Iterator

from domainbert.domain import Example, Sentence
from domainbert.testing.loaded import Loaded, LoadedTask, Record
from domainbert.testing.outcome import Outcome, Problem, count, outcome, reason, some
from domainbert.testing.tiny import tiny_tokenizer

WINDOW = 32
"""Tokens of a window when alignment is checked: short, so that sentences are cut."""

_TAG = re.compile(r"O|[BI]-(\S+)")


def check_splits(loaded: Loaded) -> Outcome:
    """Check that no text is in two splits; of published data it is told rather than refused."""
    problems, told = [], []
    for found in loaded.tasks:
        texts = {split: set(map(_text, records)) for split, records in found.splits.items()}
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
    for found in loaded.tasks:
        problems += _label_problems(found)
    summary = count(len(loaded.tasks), "task") + ", labels found are those declared"
    return outcome("labels", summary, problems)


def check_scores(loaded: Loaded) -> Outcome:
    """Check that predictions equal to the labels score 1, after alignment where there is one."""
    problems, scored = [], 0
    for found in loaded.tasks:
        try:
            score = _perfect(found)
        except Exception as error:  # the metric's own refusals name what is wrong
            score, why = 0.0, f": {reason(error)}"
        else:
            why = ""
        scored += 1
        if score != 1.0:
            what = f"task {found.task.name!r}: perfect predictions score {score:.4f}{why}"
            fix = "see that test has every label, tags are IOB2, and every word has a character"
            problems.append(Problem(what, fix))
    return outcome("scores", f"perfect predictions score 1.0 on {count(scored, 'task')}", problems)


def _text(record: Record) -> str:
    text = " ".join(record.words) if isinstance(record, Sentence) else record.text
    return " ".join(text.split())


def _label_problems(found: LoadedTask) -> Iterator[Problem]:
    task, where = found.task, f"task {found.task.name!r}"
    of_split = {split: _labels(records) for split, records in found.splits.items()}
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
    yield from _malformed(found, where)


def _malformed(found: LoadedTask, where: str) -> Iterator[Problem]:
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


def _labels(records: tuple[Record, ...]) -> set[str]:
    labels: set[str] = set()
    for record in records:
        if isinstance(record, Example):
            labels.update(record.labels)
        else:
            labels.update(tag[2:] for tag in record.tags if tag != "O")
    return labels


def _perfect(found: LoadedTask) -> float:
    from collections import Counter

    from domainbert.tasks.columns import to_iob2
    from domainbert.tasks.metrics import score_entities
    from domainbert.tasks.tagging import make_windows

    if found.task.kind != "tagging":
        return 1.0
    records = [record for record in found.splits["test"] if isinstance(record, Sentence)]
    sentences = [to_iob2(sentence, Counter()) for sentence in records]
    words = {word for sentence in sentences for word in sentence.words if word.isalpha()}
    tokenizer = tiny_tokenizer("bert", sorted(words))
    predicted = [["O"] * len(sentence.words) for sentence in sentences]
    for window in make_windows(sentences, tokenizer, WINDOW):
        for word in window.words:
            predicted[window.sentence][word] = sentences[window.sentence].tags[word]
    return score_entities([sentence.tags for sentence in sentences], predicted).f1
