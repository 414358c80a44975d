"""Annotate texts, or rows of tables, with a fine-tuned model, from where a killed call stopped."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path
from typing import Any

from domainbert.batching import batched
from domainbert.corpus.read import DEFAULTS, TABLES
from domainbert.corpus.sources import Source, describe_sources, read_sources
from domainbert.errors import BaseModelError, RecipeError
from domainbert.model.load import BaseFolder, find_base
from domainbert.pipeline.annotate import Annotator
from domainbert.pipeline.kept import best_model, kept_models
from domainbert.pipeline.workers import CHUNK, Annotate, in_turn
from domainbert.plugin.components import Annotation
from domainbert.plugin.domain import Document
from domainbert.report.annotations import CSV_HEADERS, FORMATS, ONLY_ENTITIES
from domainbert.report.scored import find_result
from domainbert.run.folder import RunFolder
from domainbert.run.session import Session
from domainbert.storage.files import (
    make_folder,
    read_if_whole,
    sha256_of,
    storage_errors,
    write_json_with_hash,
    write_text,
)
from domainbert.system import fsync_path
from domainbert.tasks.metrics.score import kind_of
from domainbert.tasks.read import column_names, read_asked

_MARK = ".predict"
_UNSAFE = re.compile(r"[^\w.-]+")


@dataclass(frozen=True)
class Output:
    """Where annotations go.

    Args:
        path: A file, or a folder for `brat`; None to hand the text over.
        form: Key of `FORMATS`.
    """

    path: Path | None
    form: str


def find_task_model(target: str, task: str | None) -> BaseFolder:
    """Return the place of a fine-tuned model: the best of a run, a folder, or one of the hub.

    Args:
        target: Run folder, model folder or hub id.
        task: Of the run; needed if it has models of several.

    Raises:
        BaseModelError: There is none.
    """
    run = RunFolder(Path(target))
    if not run.lock.is_file():
        return find_base(target, Path())
    tasks = sorted({folder.parent.name for folder, _ in kept_models(run)})
    if task is None and len(tasks) > 1:
        raise BaseModelError(f"{target}: has models of {', '.join(tasks)}; name one with --task.")
    found = best_model(run, task)
    if found is None:
        _refuse_frozen(run, target, task)
        known = f"It has {', '.join(tasks)}" if tasks else "It kept none (evaluate.keep)"
        raise BaseModelError(f"{target}: no fine-tuned model of {task or 'any task'}. {known}.")
    return find_base(str(found[0]), Path())


def _refuse_frozen(run: RunFolder, target: str, task: str | None) -> None:
    """Refuse a task of a run whose kind learns nothing, so that there is no model of it.

    Raises:
        BaseModelError: With the command that gives vectors.
    """
    for path in sorted(run.results.glob(f"{task or '*'}/*-seed-*.json")):
        found = find_result(path)
        if found is not None and not kind_of(found.result.task).learns:
            raise BaseModelError(
                f"{target}: nothing is fine-tuned for {path.parent.name}, a task of "
                f"{found.result.task.kind}, so there is nothing to predict with. Vectors of texts: "
                f"`domainbert embed {target} FILE -o vectors.parquet`."
            )


def predict(
    annotator: Annotator,
    sources: tuple[Source, ...],
    output: Output,
    session: Session,
    annotate: Annotate | None = None,
) -> Iterator[str]:
    """Annotate what files hold; yields the text of each chunk if there is no path.

    Args:
        annotator: The model.
        sources: Files of texts, or tables with a record per row, as its kind of task reads.
        output: Path and format. A call that was stopped goes on behind the last whole chunk.
        session: Progress and stop signal.
        annotate: Of `workers.side_by_side`; None to annotate in this process.

    Raises:
        RecipeError: The format has no place for what the model says, the output is there, or files
            of texts are given to a model of rows.
        DataError: A file cannot be read, or a row lacks what the model reads.
        Stopped: A signal; finished chunks are kept.
    """
    _check(annotator, output)
    items = _items(annotator, sources)
    annotate = annotate or in_turn(annotator)
    header = CSV_HEADERS[annotator.tuned.kind.says] if output.form == "csv" else ""
    if output.path is None:
        yield header
        for item, annotation in _counted(annotate(items), session):
            yield FORMATS[output.form](item, annotation)
        return
    key = _key(annotator, sources, output)
    if output.form == "brat":
        _claim(output.path, key)
        _write_brat(annotate, items, output.path, session)
    else:
        _write_file(annotate, items, output, header, key, session)


def _check(annotator: Annotator, output: Output) -> None:
    kind = annotator.tuned.kind
    if output.form in ONLY_ENTITIES and (kind.says != "entities" or kind.passages is None):
        raise RecipeError(f"--format {output.form}: is for entities; use jsonl or csv for labels.")
    if output.form == "brat" and output.path is None:
        raise RecipeError("--format brat: writes two files per document; name a folder with -o.")
    if output.form != "brat" and output.path is not None and output.path.exists():
        raise RecipeError(f"{output.path}: is there already. Name another file with -o.")


def _items(annotator: Annotator, sources: tuple[Source, ...]) -> Iterator[Any]:
    """Return the texts of files, or the rows of tables, as the model's kind of task reads them."""
    kind, task = annotator.tuned.kind, annotator.task
    if kind.passages is not None:
        return read_sources(sources)
    columns = column_names(task.columns, annotator.inputs or kind.inputs)
    for source in sources:
        if source.reader.name not in TABLES:
            what = f"{kind.name} reads tables with {columns}, such as .jsonl and .csv"
            raise RecipeError(f"{source.path}: {what}; --reader names the format of another file.")
        if source.options["text_field"] != DEFAULTS["text_field"]:
            raise RecipeError(f"--column: is for texts; {kind.name} reads the columns {columns}.")
    return chain.from_iterable(
        read_asked(kind, task, source.path, source.reader.name, annotator.inputs)
        for source in sources
    )


def _counted(
    annotated: Iterable[tuple[Any, Annotation]], session: Session, done: int = 0
) -> Iterator[tuple[Any, Annotation]]:
    with session.reporter.bar("predict") as bar:
        for pair in annotated:
            yield pair
            done += 1
            if done % CHUNK == 0:
                bar.update(done, said := f"{done:,} texts", f"predict: {said}")
        bar.update(done, said := f"{done:,} texts", f"predict: {said}")


def _write_file(
    annotate: Annotate,
    items: Iterable[Any],
    output: Output,
    header: str,
    key: str,
    session: Session,
) -> None:
    """Write one file, beside itself until it is whole."""
    assert output.path is not None  # noqa: S101  # asked before
    partial = output.path.with_name(f".{output.path.name}.partial")
    state = partial.with_name(f"{partial.name}.json")
    done, size = _state(state, key)
    with storage_errors(output.path):
        make_folder(output.path.parent)
        with partial.open("r+b" if done else "wb") as stream:
            stream.truncate(size)
            stream.seek(size)
            stream.write(b"" if done else header.encode())
            rows = _counted(annotate(islice(items, done, None)), session, done)
            for chunk in batched(rows, CHUNK):
                texts = (FORMATS[output.form](item, found) for item, found in chunk)
                stream.write("".join(texts).encode("utf-8", "surrogatepass"))
                stream.flush()
                fsync_path(partial)
                done += len(chunk)
                write_json_with_hash(state, {"key": key, "documents": done, "bytes": stream.tell()})
        partial.replace(output.path)
        state.unlink(missing_ok=True)


def _key(annotator: Annotator, sources: tuple[Source, ...], output: Output) -> str:
    """Return a hash of all that the annotations depend on."""
    how = [(source.reader.name, dict(source.options)) for source in sources]
    made_from = annotator.sha256, annotator.threshold, output.form, how, describe_sources(sources)
    return sha256_of(repr(made_from))


def _state(path: Path, key: str) -> tuple[int, int]:
    """Return how many documents are annotated, and the bytes that they take."""
    found = read_if_whole(path)
    return (found["documents"], found["bytes"]) if found.get("key") == key else (0, 0)


def _claim(folder: Path, key: str) -> None:
    """Mark a folder as that of one call, which may be repeated.

    Raises:
        RecipeError: It has annotations of another model, or of other texts.
    """
    mark = folder / _MARK
    if mark.is_file() and mark.read_text("utf-8") == key:
        return
    if mark.exists() or any(folder.glob("*.ann")):
        raise RecipeError(
            f"{folder}: has annotations of another model or other texts. Name another folder."
        )
    make_folder(folder)
    write_text(mark, key)


def _write_brat(
    annotate: Annotate, documents: Iterable[Document], folder: Path, session: Session
) -> None:
    """Write a `.txt` and an `.ann` per document; those that are there stay."""
    todo = (d for d in _named(documents) if not (folder / f"{d.id}.ann").exists())
    for document, annotation in _counted(annotate(todo), session):
        write_text(folder / f"{document.id}.txt", document.text)
        write_text(folder / f"{document.id}.ann", FORMATS["brat"](document, annotation))
        session.check_stop("predicting")


def _named(documents: Iterable[Document]) -> Iterator[Document]:
    """Yield documents with file names for ids, each its own."""
    taken = set[str]()
    for document in documents:
        name = stem = _UNSAFE.sub("_", document.id).strip("._")[:100] or "text"
        number = 1
        while name in taken:
            number += 1
            name = f"{stem}-{number}"
        taken.add(name)
        yield replace(document, id=name)
