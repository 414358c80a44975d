"""Checks of a domain's data and components, without a network.

Files of the package are read, and declared files on this machine. Nothing is downloaded; absent
files are listed.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import combinations, islice
from pathlib import Path
from typing import Any

from domainbert.corpus.read import read_documents
from domainbert.corpus.steps import made
from domainbert.errors import DataError, DomainBertError
from domainbert.plugin.components import LoadedTask
from domainbert.plugin.domain import Corpus, Document, Domain, Task, Terms
from domainbert.plugin.places import HubData, Place
from domainbert.plugin.registry import stream
from domainbert.plugin.steps import CorpusStep, Drops, StepContext
from domainbert.plugin_check.alone import offline
from domainbert.plugin_check.subject import Check, Subject, count, files_of, is_packaged, some
from domainbert.recipe.evaluate import EvaluateSection
from domainbert.recipe.tasks import SPLITS, TaskSection
from domainbert.storage.download import locate
from domainbert.storage.hub_data import cached
from domainbert.storage.locate import Fetcher
from domainbert.tasks.check import found_labels, plain_text
from domainbert.tasks.load import load_task
from domainbert.tasks.metrics.score import kind_of, primary_metric, score

DOCUMENTS = 2000
"""Documents per corpus file that are read at most."""
WINDOW = 32
_ROUNDING = 1e-6
"""Tokens per window when alignment is checked: short, so that sentences are cut."""


def check_samples(subject: Subject) -> Check:
    """Read every corpus and task whose files are here, twice, as a run does."""
    absent = []
    with offline() as tried:
        for where, record in subject.records:
            if isinstance(record, Terms):
                continue
            if not files_of(record) or not all(map(_is_here, files_of(record))):
                absent.append(where)
                continue
            try:
                first, second = _read(record), _read(record)
                if first != second:
                    raise DataError("differs when it is read again: use no set, clock or chance.")
            except DomainBertError as error:
                yield f"{where}: {str(error).removeprefix(f'{where}: ')}", "correct file or reader"
                continue
            (subject.tasks if isinstance(record, Task) else subject.documents).extend(first)
    if tried:
        fix = "read the given file; `domainbert` fetches declared files before"
        yield f"reading asks the network: {some(tried)}", fix
    records = sum(len(split) for task in subject.tasks for split in task.splits.values())
    left = f"; not read, files are not here: {some(absent)}" if absent else ""
    documents = count(len(subject.documents), "document")
    return f"{documents} and {count(records, 'labelled text')}, read twice alike, offline{left}"


def check_splits(subject: Subject) -> Check:
    """Check packaged data: no text is in two splits, and train has every label.

    Published data may differ from this; the summary says so.
    """
    notes = [count(len(subject.tasks), "task")]
    for read in subject.tasks:
        task, kind, faults = read.task, kind_of(read.task), []
        texts = {s: {plain_text(kind, r) for r in rs} for s, rs in read.splits.items()}
        for one, other in combinations(SPLITS, 2):
            common = texts[one] & texts[other]
            if common:
                what = f"{len(common)} texts of {other} are in {one} too, as {min(common)[:60]!r}"
                faults.append((what, "keep each in one split"))
        trained, *others = (set(found_labels(kind, read.splits[split])) for split in SPLITS)
        lacking = sorted(set(task.labels).union(*others) - trained)
        if lacking:
            faults.append((f"train never has {some(lacking)}", "give train an example of each"))
        if is_packaged(task):
            yield from ((f"task {task.name!r}: {what}", fix) for what, fix in faults)
        notes += [f"{task.name}: {what}" for what, _ in faults]
    return "; ".join(notes)


def check_terms(subject: Subject) -> Check:
    """Check that each term is clean text and is listed once."""
    if subject.domain.terms is None:
        return "none declared"
    path, terms = subject.domain.terms.path, subject.domain.terms.read()
    first: dict[str, int] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        if not line or line.startswith("#"):
            continue
        clean = unicodedata.normalize("NFC", " ".join(line.split()))
        # Joiners are part of words in some scripts.
        shown = clean.replace("\u200c", "").replace("\u200d", "").replace(" ", "")
        if line != clean or not shown.isprintable():
            fix = "one term per line: Unicode NFC, single blanks, no control characters"
            yield f"{path.name}:{number}: {line!r} is no clean text", fix
        elif first.setdefault(line, number) < number:
            what = f"{path.name}:{number}: {line!r} is in line {first[line]} too"
            yield what, "keep one of them"
    return count(len(terms), "term")


def check_scores(subject: Subject) -> Check:
    """Check that predictions equal to the labels score 1 after windows and decoding."""
    for task in subject.tasks:
        value = _perfect(task)
        if abs(value - 1.0) > _ROUNDING:
            what = f"task {task.task.name!r}: perfect predictions score {value:.4f}"
            yield what, "see that test has every label, tags are IOB2, every word has a character"
    return f"perfect predictions score 1.0 on {count(len(subject.tasks), 'task')}"


def check_components(subject: Subject) -> Check:
    """Run steps on three documents; loading checked the shape of all components."""
    from domainbert.testing.tiny import sample_texts

    texts = [Document(str(n), text, "sample") for n, text in enumerate(sample_texts(3))]
    for step in (part for part in subject.components if isinstance(part, CorpusStep)):
        try:
            apply = made(step, {}, StepContext(), step.name)
            list(stream(step, partial(apply, texts, Drops()), Document))
        except DomainBertError as error:
            yield str(error), "make it work on any documents"
    return f"{count(len(subject.components), 'component')}, steps run on samples"


def _is_here(place: Place) -> bool:
    if isinstance(place, HubData):
        return place.split is not None and cached(place, place.revision or "") is not None
    try:
        return isinstance(place, Path) or bool(locate(replace(place, url=None)))
    except DataError:
        return False


def _read(record: Corpus | Task) -> list[Any]:
    """Return the documents of a corpus, or the loaded task."""
    if isinstance(record, Task):
        domain = Domain("check", "", tasks=(record,))
        return [load_task(TaskSection(name=record.name), domain, Path())]
    documents: list[Document] = []
    for file in record.files:
        path = Fetcher().path(file)
        read = partial(record.read, path) if record.read else partial(_documents, path, record)
        documents += islice(stream(record, read, Document, path), DOCUMENTS)
    if not any(document.text.strip() for document in documents):
        raise DataError("no document with text.")
    if len({document.id for document in documents}) < len(documents):
        raise DataError("two documents have one id.")
    return documents


def _documents(path: Path, corpus: Corpus) -> Iterator[Document]:
    columns = {f"{key}_field": name for key, name in corpus.columns.items()}
    return read_documents(path, None, **columns)


def _perfect(loaded: LoadedTask) -> float:
    """Return the primary metric of the labels of test, sent through windows and decoding."""
    import numpy as np

    from domainbert.testing.tiny import tiny_tokenizer

    task, records = loaded.task, loaded.splits["test"]
    kind = kind_of(task)
    words = {word for record in records for word in kind.text(record).split() if word.isalpha()}
    settings = EvaluateSection(max_seq_length=WINDOW)
    windows = kind.encode(records, tiny_tokenizer("bert", sorted(words)), settings)
    targets, rows = kind.targets(task, records), list[Any]()
    if kind.perfect is not None:
        scores = kind.perfect(windows, targets)
    else:
        for window in windows:
            target: Any = targets[window.record]
            rows += [target[word] for word in window.words] if window.words else [target]
        if kind.units is not None:
            mean, spread = kind.units(task, records)
            rows = [np.reshape(row, -1) * spread + mean for row in rows]
        # A target is a row of scores, a standardised one, or the number of the output that is 1.
        identity = np.eye(len(kind.outputs(task)), dtype=np.float32)
        scores = np.stack([identity[row] if np.ndim(row) == 0 else row for row in rows])
    splits = {"validation": records, "test": records}
    decoded = kind.decode(task, splits, dict.fromkeys(splits, (windows, scores)))["test"]
    # A class that train never has can be gold in published data; no model can predict it.
    new = {*found_labels(kind, records)} - {*task.labels}
    known = [tuple(g for g in p.gold if g not in new or g in p.predicted) for p in decoded]
    predictions = [replace(p, gold=g) for p, g in zip(decoded, known, strict=True)]
    return score(task, predictions)[primary_metric(task).name]
