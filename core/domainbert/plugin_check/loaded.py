"""Read the data of a domain twice, without a network, and compare.

Files of the package are read, and declared files that are on this machine already. Nothing is
downloaded: what is not here is counted and left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from domainbert.corpus.read import read_documents
from domainbert.errors import DataError
from domainbert.plugin.components import TaskKind
from domainbert.plugin.domain import Corpus, DataFile, Document, Domain, Sentence, Task
from domainbert.plugin_check.offline import no_network
from domainbert.plugin_check.outcome import Outcome, Problem, count, outcome, reason, some
from domainbert.storage.download import locate
from domainbert.tasks.load import reader_of
from domainbert.tasks.metrics.score import kind_of

DOCUMENTS = 2000
"""No more than this are read of one file of a corpus."""


@dataclass(frozen=True)
class ReadTask:
    """A task whose three splits could be read.

    Args:
        task: As declared.
        splits: Its sentences or examples.
        packaged: Whether all its files come with the plugin.
    """

    task: Task
    splits: Mapping[str, tuple[Any, ...]]
    packaged: bool


@dataclass(frozen=True)
class Loaded:
    """What could be read.

    Args:
        corpora: Documents by the name of the corpus.
        tasks: Tasks that could be read whole.
        absent: What was not read because its files are not on this machine.
        problems: What went wrong.
    """

    corpora: dict[str, tuple[Document, ...]] = field(default_factory=dict)
    tasks: list[ReadTask] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def load_domain(domain: Domain) -> Loaded:
    """Read every corpus and task whose files are here."""
    loaded = Loaded()
    with no_network() as tried:
        for corpus in domain.corpora:
            _load_corpus(corpus, loaded)
        for task in domain.tasks:
            _load_task(task, loaded)
    if tried:
        fix = "read the file that is given; `domainbert` fetches declared files before"
        loaded.problems.append(Problem(f"reading asks the network: {some(tried)}", fix))
    return loaded


def check_samples(loaded: Loaded) -> Outcome:
    """Tell what was read, and what went wrong."""
    documents = sum(map(len, loaded.corpora.values()))
    records = sum(len(split) for task in loaded.tasks for split in task.splits.values())
    summary = f"{count(documents, 'document')} and {count(records, 'labelled text')}"
    summary += ", read twice alike, offline"
    if loaded.absent:
        summary += f"; not read, files are not here: {some(loaded.absent)}"
    return outcome("samples", summary, loaded.problems)


def _load_corpus(corpus: Corpus, loaded: Loaded) -> None:
    where = f"corpus {corpus.name!r}"
    paths = [_here(file) for file in corpus.files]
    if not paths or None in paths:
        loaded.absent.append(where)
        return
    documents: list[Document] = []
    for path in filter(None, paths):
        found = _twice(partial(_documents, corpus, path), where, loaded)
        documents += _of_type(found, Document, where, loaded)
    loaded.problems.extend(_document_problems(documents, where))
    loaded.corpora[corpus.name] = tuple(documents)


def _load_task(task: Task, loaded: Loaded) -> None:
    where = f"task {task.name!r}"
    paths = {split: _here(file) for split, file in task.splits.items()}
    if None in paths.values():
        loaded.absent.append(where)
        return
    before = len(loaded.problems)
    kind = kind_of(task)
    splits: dict[str, tuple[Any, ...]] = {}
    for split, path in paths.items():
        assert path is not None  # noqa: S101  # just looked at
        place, known = f"{where}, {split}", len(loaded.problems)
        found = _twice(partial(reader_of(task), path, split), place, loaded)
        splits[split] = tuple(_of_type(found, kind.record, place, loaded))
        if not splits[split] and len(loaded.problems) == known:
            loaded.problems.append(Problem(f"{place}: is empty", "share the texts out again"))
        loaded.problems.extend(_record_problems(kind, splits[split], place))
    if len(loaded.problems) == before:
        packaged = all(isinstance(file, Path) for file in task.splits.values())
        loaded.tasks.append(ReadTask(task, splits, packaged))


def _documents(corpus: Corpus, path: Path) -> Iterable[Any]:
    return islice(corpus.read(path) if corpus.read else read_documents(path), DOCUMENTS)


def _here(file: DataFile | Path) -> Path | None:
    if isinstance(file, Path):
        return file
    try:
        return locate(replace(file, url=None))
    except DataError:
        return None


def _twice(read: Callable[[], Iterable[Any]], where: str, loaded: Loaded) -> tuple[Any, ...]:
    try:
        first, second = tuple(read()), tuple(read())
    except (Exception, SystemExit) as error:
        fix = "read the file that the package holds; raise DataError for one that is damaged"
        loaded.problems.append(Problem(f"{where}: {reason(error)}", fix))
        return ()
    if first != second:
        fix = "let order and content depend on the file alone: no set, no clock, no random number"
        loaded.problems.append(Problem(f"{where}: differs when it is read again", fix))
    return first


def _of_type(found: Iterable[Any], kind: type, where: str, loaded: Loaded) -> list[Any]:
    records = list(found)
    strangers = [record for record in records if not isinstance(record, kind)]
    if strangers:
        told = f"{where}: the reader yields {type(strangers[0]).__name__}"
        loaded.problems.append(Problem(told, f"yield domainbert.{kind.__name__}"))
        return []
    return records


def _document_problems(documents: list[Document], where: str) -> Iterator[Problem]:
    ids = [document.id for document in documents]
    blank = [document.id for document in documents if not document.text.strip()]
    if not documents:
        yield Problem(f"{where}: no document", "yield a Document for each text of the file")
    if blank and len(blank) == len(documents):
        yield Problem(f"{where}: every text is empty", "put the text into `Document.text`")
    if len(set(ids)) < len(ids):
        doubled = next(identity for identity in ids if ids.count(identity) > 1)
        yield Problem(f"{where}: id {doubled!r} twice", "give every document an id of its own")


def _record_problems(kind: TaskKind, records: tuple[Any, ...], where: str) -> Iterator[Problem]:
    for number, record in enumerate(records, 1):
        if isinstance(record, Sentence):
            if len(record.words) != len(record.tags):
                told = f"{len(record.words)} words, {len(record.tags)} tags"
                yield Problem(f"{where}: sentence {number}: {told}", "give each word one tag")
            elif not all(word.strip() for word in record.words):
                yield Problem(f"{where}: sentence {number}: a blank word", "leave it out")
        elif not kind.text(record).strip():
            yield Problem(f"{where}: {kind.noun} {number}: no text", "leave it out")
