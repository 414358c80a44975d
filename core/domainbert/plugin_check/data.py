"""Read the data of a domain twice, without a network; check splits, labels and scores.

Files of the package are read, and declared files that are on this machine. Nothing is downloaded:
what is not here is counted and left out.
"""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import combinations, islice
from pathlib import Path
from typing import Any
from unittest import mock

from domainbert.corpus.read import read_documents
from domainbert.errors import DataError, one_line
from domainbert.plugin.components import LoadedTask
from domainbert.plugin.domain import Corpus, DataFile, Document, Domain, Task, Window
from domainbert.plugin_check.outcome import Outcome, Problem, count, outcome, some
from domainbert.plugin_check.subject import is_packaged
from domainbert.recipe.sections import EvaluateSection, TaskSection
from domainbert.storage.download import locate
from domainbert.tasks.check import found_labels, plain_text
from domainbert.tasks.load import load_task
from domainbert.tasks.metrics.score import kind_of, primary_metric, score

DOCUMENTS = 2000
"""No more than this are read of one file of a corpus."""
WINDOW = 32
"""Tokens of a window when alignment is checked: short, so that sentences are cut."""


@dataclass(frozen=True)
class Loaded:
    """Data of a domain.

    Args:
        documents: Of all corpora.
        tasks: Tasks that a run would accept.
        absent: What was not read because its files are not on this machine.
        problems: What went wrong.
    """

    documents: list[Document] = field(default_factory=list)
    tasks: list[LoadedTask] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def load_domain(domain: Domain) -> Loaded:
    """Read every corpus and task whose files are here, as a run does."""
    loaded = Loaded()
    with _no_network() as tried:
        for corpus in domain.corpora:
            _load_corpus(corpus, loaded)
        for task in domain.tasks:
            _load_task(task, loaded)
    if tried:
        fix = "read the file that is given; `domainbert` fetches declared files before"
        loaded.problems.append((f"reading asks the network: {some(tried)}", fix))
    return loaded


def check_samples(loaded: Loaded) -> Outcome:
    """Return what was read and what went wrong."""
    records = sum(len(split) for task in loaded.tasks for split in task.splits.values())
    summary = f"{count(len(loaded.documents), 'document')} and {count(records, 'labelled text')}"
    summary += ", read twice alike, offline"
    if loaded.absent:
        summary += f"; not read, files are not here: {some(loaded.absent)}"
    return outcome("samples", summary, loaded.problems)


def check_splits(loaded: Loaded) -> Outcome:
    """Check that no packaged text is in two splits; overlaps of published data are shown."""
    problems, notes = [], [count(len(loaded.tasks), "task") + ", no packaged text in two splits"]
    for read in loaded.tasks:
        task, kind = read.task, kind_of(read.task)
        texts = {s: {plain_text(kind, r) for r in rs} for s, rs in read.splits.items()}
        for one, other in combinations(("train", "validation", "test"), 2):
            common = sorted(texts[one] & texts[other])
            if common and is_packaged(*task.splits.values()):
                what = f"task {task.name!r}: {len(common)} texts of {other} are in {one} too"
                problems.append((what, f"keep each in one split; the first: {common[0][:60]!r}"))
            elif common:
                notes.append(f"{task.name}: {len(common)} of {other} in {one}, as published")
    return outcome("splits", "; ".join(notes), problems)


def check_labels(loaded: Loaded) -> Outcome:
    """Check that train has every label; a run accepts published data with rare ones elsewhere."""
    problems, notes = [], [count(len(loaded.tasks), "task") + ", train has every label"]
    for read in loaded.tasks:
        task, splits, kind = read.task, read.splits, kind_of(read.task)
        labels = {*task.labels, *found_labels(kind, [*splits["validation"], *splits["test"]])}
        lacking = sorted(labels - set(found_labels(kind, splits["train"])))
        what = f"task {task.name!r}: train never has {some(lacking)}"
        if lacking and is_packaged(*task.splits.values()):
            problems.append((what, "leave it out of `labels`, or give train an example of it"))
        elif lacking:
            notes.append(what)
    return outcome("labels", "; ".join(notes), problems)


def check_scores(loaded: Loaded) -> Outcome:
    """Check that predictions equal to the labels score 1 after windows and decoding."""
    problems = []
    for task in loaded.tasks:
        try:
            value, why = _perfect(task), ""
        except Exception as error:  # the message of a metric says what is wrong
            value, why = 0.0, f": {one_line(error)}"
        if value != 1.0:
            what = f"task {task.task.name!r}: perfect predictions score {value:.4f}{why}"
            fix = "see that test has every label, tags are IOB2, and every word has a character"
            problems.append((what, fix))
    summary = f"perfect predictions score 1.0 on {count(len(loaded.tasks), 'task')}"
    return outcome("scores", summary, problems)


@contextmanager
def _no_network() -> Iterator[list[str]]:
    """Refuse connections from Python while the block runs; yield the addresses tried."""
    tried: list[str] = []

    def refuse(*arguments: Any, **_: Any) -> Any:
        place = arguments[1] if isinstance(arguments[0], socket.socket) else arguments[0]
        tried.append(str(place))
        raise OSError("no network here")

    with (
        mock.patch.object(socket.socket, "connect", refuse),
        mock.patch.object(socket, "getaddrinfo", refuse),
    ):
        yield tried


def _load_corpus(corpus: Corpus, loaded: Loaded) -> None:
    where = f"corpus {corpus.name!r}"
    if not corpus.files or not all(map(_is_here, corpus.files)):
        loaded.absent.append(where)
        return
    paths = [file if isinstance(file, Path) else locate(file) for file in corpus.files]
    read = corpus.read or read_documents
    items = _twice(lambda: [d for p in paths for d in islice(read(p), DOCUMENTS)], where, loaded)
    if items is None:
        return
    fault = _document_fault(items)
    if fault:
        loaded.problems.append((f"{where}: {fault[0]}", fault[1]))
    else:
        loaded.documents.extend(items)


def _document_fault(items: Sequence[Any]) -> Problem | None:
    strangers = [type(item).__name__ for item in items if not isinstance(item, Document)]
    if not items:
        return "no document", "yield a Document for each text of the file"
    if strangers:
        return f"the reader yields {strangers[0]}", "yield domainbert.Document"
    if not any(document.text.strip() for document in items):
        return "every text is empty", "put the text into `Document.text`"
    identity, times = Counter(document.id for document in items).most_common(1)[0]
    if times > 1:
        return f"id {identity!r} twice", "give every document another id"
    return None


def _load_task(task: Task, loaded: Loaded) -> None:
    where = f"task {task.name!r}"
    if not all(map(_is_here, task.splits.values())):
        loaded.absent.append(where)
        return
    alone = Domain("check", "", tasks=(task,))
    section = TaskSection(name=task.name)
    read = _twice(lambda: load_task(section, alone, Path()), where, loaded)
    if read is None:
        return
    text = kind_of(task).text
    for split, records in read.splits.items():
        blank = sum(not text(record).strip() for record in records)
        if blank:
            what = f"{where}: {blank} records of {split} have no text"
            loaded.problems.append((what, "leave them out"))
    loaded.tasks.append(read)


def _is_here(file: DataFile | Path) -> bool:
    try:
        return isinstance(file, Path) or bool(locate(replace(file, url=None)))
    except DataError:
        return False


def _twice(read: Callable[[], Any], where: str, loaded: Loaded) -> Any:
    """Return what a function returns, or None if it fails; it is called twice."""
    try:
        first, second = read(), read()
    except (Exception, SystemExit) as error:
        fix = "put right what it says, in the file or in the reader"
        message = one_line(error).removeprefix(f"{where}: ")
        loaded.problems.append((f"{where}: {message}", fix))
        return None
    if first != second:
        fix = "let order and content depend on the file alone: no set, no clock, no random number"
        loaded.problems.append((f"{where}: differs when it is read again", fix))
    return first


def _perfect(loaded: LoadedTask) -> float:
    """Return the primary metric of the labels of test, sent through windows and decoding."""
    from domainbert.testing.tiny import tiny_tokenizer

    task, records = loaded.task, loaded.splits["test"]
    kind = kind_of(task)
    words = {word for record in records for word in kind.text(record).split() if word.isalpha()}
    settings = EvaluateSection(max_seq_length=WINDOW)
    windows = kind.encode(records, tiny_tokenizer("bert", sorted(words)), settings)
    splits = {"validation": records, "test": records}
    scores = _one_hot(kind.targets(task, records), windows, len(kind.outputs(task)))
    decoded = kind.decode(task, splits, dict.fromkeys(splits, (windows, scores)))["test"]
    names = set(kind.outputs(task))
    # A class that train never has can be gold in published data; no model can predict it.
    predictions = [replace(p, gold=tuple(g for g in p.gold if g in names)) for p in decoded]
    return score(task, predictions)[primary_metric(task).name]


def _one_hot(targets: Sequence[Any], windows: Sequence[Window], n_outputs: int) -> Any:
    """Return scores of the windows' rows that agree with the targets, float32, shape (X, C)."""
    import numpy as np

    rows: list[Any] = []
    for window in windows:
        target = targets[window.record]
        rows += [target[word] for word in window.words] if window.words else [target]
    identity = np.eye(n_outputs, dtype=np.float32)
    arrays = [np.asarray(row) for row in rows]
    return np.stack([identity[row] if row.ndim == 0 else row for row in arrays])
