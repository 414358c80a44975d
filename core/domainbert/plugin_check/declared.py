"""Checks that read no data: names, requirement, licences, files."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from urllib.parse import urlsplit

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from packaging.requirements import InvalidRequirement, Requirement

from domainbert.plugin.components import TaskKind
from domainbert.plugin.domain import Corpus, DataFile, Domain, Task, Terms
from domainbert.plugin.registry import components
from domainbert.plugin_check.outcome import Outcome, Problem, count, outcome
from domainbert.plugin_check.subject import Subject

_BOUNDS = {"<", "<=", "==", "===", "~="}
_REQUIREMENT = 'dependencies = ["domainbert>=0.1,<0.2"] in pyproject.toml'
_BUILD = "add it, and have the build put it into the wheel"


def check_names(subject: Subject) -> Outcome:
    """Check names, titles, versions and the shape of tasks."""
    domain = subject.domain
    records: list[Domain | Corpus | Task] = [domain, *domain.corpora, *domain.tasks]
    problems = list(_plugin_names(subject))
    for record in records:
        if not record.title.strip() or len(record.title.splitlines()) != 1:
            what = f"{type(record).__name__.lower()} {record.name!r}: title {record.title!r}"
            problems.append((what, "give a title of one line"))
    problems += [problem for task in domain.tasks for problem in _task_problems(task)]
    return outcome("names", count(len(records), "name") + " with titles", problems)


def check_requirement(subject: Subject) -> Outcome:
    """Check that the distribution says which versions of `domainbert` it works with."""
    name = subject.distribution
    for line in metadata.distribution(name).requires or ():
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            continue
        if requirement.name.lower() == "domainbert":
            bounded = _BOUNDS & {part.operator for part in requirement.specifier}
            what = f"{name} requires {str(requirement)!r}, without an upper bound"
            return outcome("requires", str(requirement), [] if bounded else [(what, _REQUIREMENT)])
    return outcome("requires", "", [(f"{name} does not require domainbert", _REQUIREMENT)])


def check_licences(subject: Subject) -> Outcome:
    """Check that everything states licence and origin."""
    domain = subject.domain
    problems: list[Problem] = []
    records: list[tuple[str, Corpus | Task | Terms]] = [
        *((f"corpus {corpus.name!r}", corpus) for corpus in domain.corpora),
        *((f"task {task.name!r}", task) for task in domain.tasks),
        *([("terms", domain.terms)] if domain.terms else []),
    ]
    for where, record in records:
        wrong = _licence_fault(record.licence)
        if wrong:
            fix = "give an SPDX identifier such as 'CC0-1.0', or a sentence on what is allowed"
            problems.append((f"{where}: {wrong}", fix))
        if not record.origin.strip():
            problems.append((f"{where}: no origin", "say where it was published, or how made"))
    name = subject.distribution
    if name and not {"License-Expression", "License"} & set(metadata.metadata(name)):
        fix = 'license = "MIT" (or another SPDX expression) in pyproject.toml'
        problems.append((f"distribution {name!r}: no licence", fix))
    return outcome("licences", count(len(records), "licence") + " with origins", problems)


def check_files(subject: Subject) -> Outcome:
    """Check hashes, sizes and addresses of declared files, and that packaged files exist."""
    problems: list[Problem] = []
    files, folder = list(_files(subject.domain)), subject.domain.recipes
    for where, file in files:
        faults = _faults(file, subject.folder)
        problems += [(f"{where}: {what}", fix) for what, fix in faults]
    if folder is not None and not folder.is_dir():
        problems.append((f"recipes: no folder {folder}", _BUILD))
    declared = sum(isinstance(file, DataFile) for _, file in files)
    packaged = f"{len(files) - declared} in the package"
    return outcome("hashes", f"{count(declared, 'declared file')}, {packaged}", problems)


def _plugin_names(subject: Subject) -> Iterator[Problem]:
    info, name = subject.plugin, subject.domain.name
    if info is None or not subject.distribution or name not in info.domains:
        return
    if info.name not in info.domains:
        what = f"entry point {info.name!r} provides {', '.join(info.domains)}"
        yield what, f"name the entry point {name!r}: a broken plugin has no other name"
    if not info.distribution.startswith("domainbert-"):
        fix = f"name it 'domainbert-{name}': messages tell people to install that"
        yield f"distribution {info.distribution!r}", fix


def _task_problems(task: Task) -> list[Problem]:
    kinds = components(TaskKind)
    doubled = sorted({label for label in task.labels if task.labels.count(label) > 1})
    unfit = kinds[task.kind].check_task(task) if task.kind in kinds else ""
    unprintable = any(not label.strip() or "|" in label for label in task.labels)
    prefixes = [length for length in task.levels.values() if length < 1]
    checks = (
        (task.kind not in kinds, f"kind {task.kind!r}", f"kinds are: {', '.join(sorted(kinds))}"),
        (not task.version.strip(), "no version", "raise it when scores stop being comparable"),
        (doubled, f"label {doubled[:1]} twice", "list each label once"),
        (unprintable, "a label is blank or has '|' in it", "files join labels by '|'"),
        (prefixes, f"levels {dict(task.levels)}", "a level is a length of prefix, 1 or more"),
        (unfit, unfit, "leave out what does not suit the kind"),
    )
    return [(f"task {task.name!r}: {what}", fix) for wrong, what, fix in checks if wrong]


def _licence_fault(licence: str) -> str:
    if not licence.strip():
        return "no licence"
    if len(licence.split()) == 1:
        try:
            canonicalize_license_expression(licence)
        except InvalidLicenseExpression:
            return f"{licence!r} is no SPDX identifier"
    return ""


def _files(domain: Domain) -> Iterator[tuple[str, DataFile | Path]]:
    for corpus in domain.corpora:
        yield from ((f"corpus {corpus.name!r}", file) for file in corpus.files)
    for task in domain.tasks:
        yield from ((f"task {task.name!r}, {split}", file) for split, file in task.splits.items())
    if domain.terms is not None:
        yield "terms", domain.terms.path


def _faults(file: DataFile | Path, folder: Path | None) -> Iterator[Problem]:
    if isinstance(file, Path):
        if not file.is_file():
            yield f"no file {file}", _BUILD
        elif folder is not None and not file.resolve().is_relative_to(folder.resolve()):
            fix = "put it into the package, or declare a DataFile with hash and address"
            yield f"{file} is outside of the plugin", fix
        return
    if file.size < 1:
        yield f"{file.name} has size {file.size}", "give the length in bytes"
    if len(set(file.sha256)) == 1:
        yield f"{file.name} has sha256 {file.sha256[:8]}…", "run `sha256sum FILE`"
    parts = urlsplit(file.url or "")
    if file.url is not None and (parts.scheme not in {"http", "https"} or not parts.hostname):
        yield f"{file.name} has no web address", "give an https address, or none"
    if parts.username or parts.password:
        yield f"{file.name} has a password in its address", "publish no secrets"
