"""The files of a corpus: located, read as a stream of documents, and described as facts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any

from domainbert.corpus.read import DEFAULTS, Options, read_documents, reader_of
from domainbert.errors import DataError, PluginError, RecipeError
from domainbert.plugin.columnar import saved_files
from domainbert.plugin.domain import Corpus, Document, Domain
from domainbert.plugin.places import DataFile, HubData
from domainbert.plugin.readers import check_regular
from domainbert.plugin.rows import row_format
from domainbert.plugin.steps import CorpusReader
from domainbert.recipe.corpus import CorpusSection
from domainbert.storage.files import check_utf8, expand_user, find_files
from domainbert.storage.hub_data import described
from domainbert.storage.locate import Fetcher, data_sha256

OWN_FILES = "as of your files"
"""Licence of what no plugin declares."""

Files = list[dict[str, Any]]
"""What `describe_sources` returns; kept in the manifest of a store."""


@dataclass(frozen=True)
class Source:
    """One file and how to read it.

    Args:
        name: What the model card calls it.
        licence: As declared, or `OWN_FILES`.
        path: The file, which exists.
        reader: Turns the file into documents.
        options: Of the reader.
        share: At most this share of the tokens that are trained on; None for all of it.
    """

    name: str
    licence: str
    path: Path
    reader: CorpusReader
    options: Options = field(default_factory=lambda: DEFAULTS)
    share: float | None = None


def find_sources(
    sections: Iterable[CorpusSection],
    domain: Domain | None,
    folder: Path,
    fetcher: Fetcher | None = None,
    apart: Path | None = None,
    at: str = "",
) -> tuple[Source, ...]:
    """Locate every file of the corpus before anything is read, but for entries with a `task`.

    Args:
        sections: The recipe's corpus entries.
        domain: Where corpora are looked up by name.
        folder: Relative paths start here.
        fetcher: Fetches what is not here.
        apart: A run folder, whose files are never part of the corpus of its run.
        at: Key of the entry in the recipe, where it is none of `corpus`.

    Raises:
        RecipeError: A corpus that the domain does not have, or a reader that no plugin has.
        DataError: A file that does not exist, or that no reader reads.
    """
    sources: list[Source] = []
    entry_of: dict[str, int] = {}
    fetcher = fetcher or Fetcher()
    for number, section in enumerate(sections):
        if section.task is not None:
            continue
        key = at or f"corpus.{number}"
        corpus = None if section.name is None else _named_corpus(section.name, domain, key)
        for path in _paths(section, corpus, folder, key, fetcher):
            if apart is not None and path.resolve().is_relative_to(apart.resolve()):
                continue
            check_utf8(path)
            name, licence = described(path) or Path(section.path or path.name).name, OWN_FILES
            if corpus is not None:
                name, licence = corpus.name, corpus.licence
            # Two entries may have files of one name; a share is that of an entry.
            if entry_of.setdefault(name, number) != number:
                name = f"{name} ({number + 1})"
            given = corpus.columns.items() if corpus else (), section.columns.items()
            columns = {f"{key}_field": name for key, name in chain(*given)}
            if section.text_field != DEFAULTS["text_field"]:
                columns["text_field"] = section.text_field
            options = {**DEFAULTS, **columns, "text_unit": section.text_unit}
            reader = _reader(section, corpus, path, key)
            sources.append(Source(name, licence, path, reader, options, section.share))
    return tuple(sources)


def read_sources(sources: Iterable[Source]) -> Iterator[Document]:
    """Yield the documents of all sources, in order.

    Raises:
        DataError: Something is wrong with a file or its reader.
    """
    for source in sources:
        for document in read_documents(source.path, source.reader, **source.options):
            yield replace(document, corpus=source.name)


def describe_sources(sources: Iterable[Source], known: Iterable[Mapping[str, Any]] = ()) -> Files:
    """Return name, licence, size, time and hash of each file of a corpus.

    Args:
        sources: Files of a corpus.
        known: Descriptions from an earlier run. A file of the same size and time is not read again;
            a large corpus takes minutes.
    """
    names, files = ("file", "bytes", "mtime_ns"), []
    # By place too: unpacked archives have files of one name, size and time in several folders.
    earlier = {(n, *(item[key] for key in names)): item["sha256"] for n, item in enumerate(known)}
    for number, source in enumerate(sources):
        stat = source.path.stat()
        stamp = (source.path.name, stat.st_size, stat.st_mtime_ns)
        item = dict(zip(names, stamp, strict=True))
        sha256 = earlier.get((number, *stamp)) or data_sha256(source.path)
        files.append({"corpus": source.name, "licence": source.licence, **item, "sha256": sha256})
    return files


def refuse_changed(sources: Iterable[Source], files: Files) -> None:
    """Refuse files that were written to or removed since they were described.

    Raises:
        DataError: Naming the first of them.
    """
    for source, item in zip(sources, files, strict=True):
        stat = source.path.stat() if source.path.exists() else None
        if stat is None or (stat.st_size, stat.st_mtime_ns) != (item["bytes"], item["mtime_ns"]):
            what = f"{source.path}: was changed while it was read."
            raise DataError(f"{what} Run again when nothing writes to it.")


def _named_corpus(name: str, domain: Domain | None, key: str) -> Corpus:
    if domain is None:
        raise RecipeError(f"{key}.name: {name!r} needs a `domain:`; your own files need `path:`.")
    known = {corpus.name: corpus for corpus in domain.corpora}
    if name not in known:
        raise RecipeError(
            f"{key}.name: domain {domain.name!r} has no corpus {name!r}. "
            f"It has: {', '.join(sorted(known)) or 'none'}."
        )
    return known[name]


def _paths(
    section: CorpusSection, corpus: Corpus | None, folder: Path, key: str, fetcher: Fetcher
) -> list[Path]:
    if section.path is not None:
        own = expand_user(section.path)
        found = find_files(folder, str(own))
        if not found:
            raise DataError(f"{key}.path: no file matches {folder / own}.")
        return [file for path in found for file in _files(path, key)]
    if (file := section.file) is not None:
        return [fetcher.path(DataFile(file.sha256, file.size, file.name, file.url))]
    if (hub := section.hub) is not None:
        how = section.streaming, section.limit
        return [fetcher.path(HubData(hub.id, hub.split, hub.revision, hub.config, *how))]
    assert corpus is not None  # noqa: S101  # the schema requires one of them
    if not corpus.files:
        what = f"{key}.name: {corpus.name!r} declares no files; bring them and add `path:`"
        raise RecipeError(f"{what} (origin: {corpus.origin}).")
    return [fetcher.path(item) for item in corpus.files]


def _files(path: Path, key: str) -> list[Path]:
    """Return a file, or those of a folder that `datasets` saved."""
    if (path / "dataset_dict.json").is_file():
        splits = ", ".join(sorted(item.name for item in path.iterdir() if item.is_dir()))
        raise DataError(f"{key}.path: {path} holds the splits {splits}; name one, as FOLDER/SPLIT.")
    files = saved_files(path) if row_format(path) == "saved" else [path]
    for file in files:
        check_regular(file)
    return files


def _reader(section: CorpusSection, corpus: Corpus | None, path: Path, key: str) -> CorpusReader:
    if section.format is None and corpus is not None and (read := corpus.read) is not None:
        return CorpusReader(corpus.name, (), lambda path, _options: read(path))
    try:
        return reader_of(path, section.format)
    except PluginError as error:
        raise RecipeError(f"{key}.format: {error}") from None
