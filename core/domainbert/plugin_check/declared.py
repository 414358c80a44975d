"""Checks that read no data: names, versions, licences, files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

from domainbert import scaffold
from domainbert.plugin.discover import requirement_of
from domainbert.plugin.domain import Task
from domainbert.plugin.places import DataFile, HubData
from domainbert.plugin_check.subject import Check, Subject, count, files_of
from domainbert.report.licences import restrictions
from domainbert.storage.files import sha256_file
from domainbert.tasks.metrics.score import kind_of

TEMPLATE = Path(scaffold.__file__).parent / "files" / "package"
_MARKS = "plugin template of domainbert", "a placeholder"
_IN_README = "All of it is a placeholder"
_BUILD = "add it, and have the build put it into the wheel"

_COMMIT = re.compile(r"[0-9a-f]{40}")


def check_names(subject: Subject) -> Check:
    """Check names, titles, versions, and what the distribution requires of `domainbert`."""
    domain, info = subject.domain, subject.plugin
    if info and subject.distribution:
        if domain.name in info.domains and info.name not in info.domains:
            what = f"entry point {info.name!r} provides {', '.join(info.domains)}"
            yield what, f"name the entry point {domain.name!r}: a broken plugin has no other name"
        if domain.name in info.domains and not info.distribution.startswith("domainbert-"):
            yield f"distribution {info.distribution!r}", f"name it 'domainbert-{domain.name}'"
        needs = requirement_of(metadata.distribution(info.distribution))
        if not needs or not {"<", "<=", "==", "~="} & {part.operator for part in needs.specifier}:
            what = f"{info.distribution} requires {needs or 'no domainbert'}, without upper bound"
            yield what, 'dependencies = ["domainbert>=0.1,<0.2"] in pyproject.toml'
    records: list[Any] = [domain, *domain.corpora, *domain.tasks]
    for record in records:
        if not record.title.strip() or len(record.title.splitlines()) != 1:
            what = f"{type(record).__name__.lower()} {record.name!r}: title {record.title!r}"
            yield what, "give a title of one line"
    for task in domain.tasks:
        yield from ((f"task {task.name!r}: {what}", fix) for what, fix in _faults_of_task(task))
    return count(len(records), "name") + " with titles"


def check_licences(subject: Subject) -> Check:
    """Check that all records, and the distribution, state licence and origin; show restrictions."""
    limits: dict[str, list[str]] = {}
    for where, record in subject.records:
        for limit in restrictions(record.licence):
            limits.setdefault(limit, []).append(where)
        if not _is_licence(record.licence):
            fix = "give an SPDX identifier such as 'CC0-1.0', or a sentence on the terms of use"
            yield f"{where}: licence {record.licence!r}", fix
        if not record.origin.strip():
            yield f"{where}: no origin", "name the publisher, or how it was made"
    name = subject.distribution
    if name and not {"License-Expression", "License"} & set(metadata.metadata(name)):
        yield f"distribution {name!r}: no licence", 'license = "MIT" (or other) in pyproject.toml'
    notes = "".join(f"; {limit}: {', '.join(of)}" for limit, of in limits.items())
    return f"{count(len(subject.records), 'licence')} with origins{notes}"


def check_files(subject: Subject) -> Check:
    """Check hashes, sizes and addresses of declared files, and that packaged files exist."""
    files = [(where, file) for where, record in subject.records for file in files_of(record)]
    for where, file in files:
        if isinstance(file, DataFile):
            yield from ((f"{where}: {what}", fix) for what, fix in _faults(file))
        elif isinstance(file, HubData):
            if not _COMMIT.fullmatch(file.revision or ""):
                yield f"{where}: {file.id} without a commit", "give `revision`, 40 hex digits"
            if file.split is None:
                yield f"{where}: {file.id} without a split", "give `split`, such as 'train'"
        elif not file.is_file():
            yield f"{where}: no file {file}", _BUILD
    folder = subject.domain.recipes
    if folder is not None and not folder.is_dir():
        yield f"recipes: no folder {folder}", _BUILD
    declared = sum(not isinstance(file, Path) for _, file in files)
    return f"{count(declared, 'declared file')}, {len(files) - declared} in the package"


def check_template(subject: Subject) -> Check:
    """Check that what `plugins new` wrote for its sample does not describe other data.

    A record whose files are still those of the template is a placeholder, which is said.
    """
    sample = {sha256_file(path) for path in TEMPLATE.rglob("*") if path.is_file()}
    left = []
    for where, record in subject.records:
        if not any(mark in _about(record) for mark in _MARKS):
            continue
        paths = [file for file in files_of(record) if isinstance(file, Path) and file.is_file()]
        if paths and all(sha256_file(path) in sample for path in paths):
            left.append(where)
        else:
            fix = "say what it is and who made it; the text is that of the template"
            yield f"{where}: {_about(record)!r}", fix
    name = subject.distribution
    about = str(metadata.metadata(name).get_payload() if name else "")  # type: ignore[attr-defined]
    if not left and _IN_README in about:
        yield f"README: {_IN_README!r}", "describe your data; the text is that of the template"
    if not left:
        return "no text of the template"
    return f"still placeholders: {', '.join(left)}; replace them before you publish"


def _about(record: Any) -> str:
    return f"{getattr(record, 'title', '')} {record.origin}".strip()


def _faults_of_task(task: Task) -> Iterator[tuple[str, str]]:
    unfit = kind_of(task).check_task(task)
    if unfit:
        yield unfit, "leave out what does not suit the kind"
    if any(length < 1 for length in task.levels.values()):
        yield f"levels {dict(task.levels)}", "a level is a length of prefix, 1 or more"
    if not task.version.strip():
        yield "no version", "change it whenever scores stop being comparable"
    names = {label for label in task.labels if label.strip() and "|" not in label}
    if len(names) < len(task.labels):
        yield (
            "a label is blank, doubled, or has '|' in it",
            "list each once; files join them by '|'",
        )


def _is_licence(licence: str) -> bool:
    if len(licence.split()) != 1:
        return bool(licence.strip())
    try:
        return bool(canonicalize_license_expression(licence))
    except InvalidLicenseExpression:
        return False


def _faults(file: DataFile) -> Iterator[tuple[str, str]]:
    parts = urlsplit(file.url or "")
    if file.size < 1:
        yield f"{file.name} has size {file.size}", "give the length in bytes"
    if len(set(file.sha256)) == 1:
        yield f"{file.name} has sha256 {file.sha256[:8]}…", "run `sha256sum FILE`"
    plain = parts.scheme in {"http", "https"} and parts.hostname and "@" not in parts.netloc
    if file.url is not None and not plain:
        yield f"{file.name} has no plain web address", "give an https address without password"
