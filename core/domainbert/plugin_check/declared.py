"""What can be checked without reading any data: names, requirement, licences, files."""

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


def check_names(subject: Subject) -> Outcome:
    """Check names, titles, versions and the shape of tasks."""
    domain = subject.domain
    records = [*domain.corpora, *domain.tasks]
    problems = [*_plugin_names(subject), *_titles(domain)]
    for task in domain.tasks:
        problems += _shape(task)
    return outcome("names", count(1 + len(records), "name") + " with titles", problems)


def check_requirement(subject: Subject) -> Outcome:
    """Check that the distribution says which versions of `domainbert` it works with."""
    assert subject.plugin is not None  # noqa: S101  # asked for installed plugins only
    name = subject.plugin.distribution
    fix = 'dependencies = ["domainbert>=0.1,<0.2"] in pyproject.toml'
    for line in metadata.distribution(name).requires or ():
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            continue
        if requirement.name.lower() != "domainbert":
            continue
        if not {part.operator for part in requirement.specifier} & _BOUNDS:
            problem = Problem(f"{name} requires {str(requirement)!r}, without an upper bound", fix)
            return outcome("requires", "", [problem])
        return outcome("requires", str(requirement), [])
    return outcome("requires", "", [Problem(f"{name} does not require domainbert", fix)])


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
        problems += _licence(where, record.licence)
        if not record.origin.strip():
            fix = "say where it was published, or how it was made"
            problems.append(Problem(f"{where}: no origin", fix))
    if subject.plugin is not None and not subject.is_file:
        problems += _own_licence(subject.plugin.distribution)
    return outcome("licences", count(len(records), "licence") + " with origins", problems)


def check_files(subject: Subject) -> Outcome:
    """Check hashes, sizes and addresses of declared files, and that files of the package exist."""
    problems: list[Problem] = []
    declared = packaged = 0
    for where, file in _files(subject.domain):
        if isinstance(file, DataFile):
            declared += 1
            problems += _declared_file(where, file)
        else:
            packaged += 1
            problems += _packaged_file(where, file, subject)
    folder = subject.domain.recipes
    if folder is not None and not folder.is_dir():
        fix = "add the folder, and have the build put it into the wheel"
        problems.append(Problem(f"recipes: no folder {folder}", fix))
    return outcome(
        "hashes", f"{count(declared, 'declared file')}, {packaged} in the package", problems
    )


def _plugin_names(subject: Subject) -> Iterator[Problem]:
    info, domain = subject.plugin, subject.domain
    if info is None or subject.is_file or domain.name not in info.domains:
        return
    if info.name not in info.domains:
        yield Problem(
            f"entry point {info.name!r} provides {', '.join(info.domains)}",
            f"name the entry point {domain.name!r}: a broken plugin is known by that name alone",
        )
    if not info.distribution.startswith("domainbert-"):
        fix = f"name it 'domainbert-{domain.name}': that is what people are told to install"
        yield Problem(f"distribution {info.distribution!r}", fix)


def _titles(domain: Domain) -> Iterator[Problem]:
    records: list[Domain | Corpus | Task] = [domain, *domain.corpora, *domain.tasks]
    for record in records:
        kind, title = type(record).__name__.lower(), record.title
        if not title.strip() or len(title.splitlines()) != 1:
            yield Problem(f"{kind} {record.name!r}: title {title!r}", "give a title of one line")


def _shape(task: Task) -> Iterator[Problem]:
    where = f"task {task.name!r}"
    kinds = components(TaskKind)
    if task.kind not in kinds:
        yield Problem(f"{where}: kind {task.kind!r}", f"kinds are: {', '.join(sorted(kinds))}")
    if not task.version.strip():
        yield Problem(
            f"{where}: no version", "give one; raise it when scores stop being comparable"
        )
    doubled = sorted({label for label in task.labels if task.labels.count(label) > 1})
    if doubled:
        yield Problem(f"{where}: label {doubled[0]!r} twice", "list each label once")
    if any(not label.strip() or "|" in label for label in task.labels):
        yield Problem(f"{where}: a label is blank or has '|' in it", "files join labels by '|'")
    if any(length < 1 for length in task.levels.values()):
        fix = "a level is the length of the prefix of a label, 1 or more"
        yield Problem(f"{where}: levels {dict(task.levels)}", fix)
    wrong = kinds[task.kind].check_task(task) if task.kind in kinds else ""
    if wrong:
        yield Problem(f"{where}: {wrong}", "leave out what does not suit the kind")


def _licence(where: str, licence: str) -> Iterator[Problem]:
    fix = "give an SPDX identifier such as 'CC0-1.0', or a sentence that says what is allowed"
    if not licence.strip():
        yield Problem(f"{where}: no licence", fix)
    elif len(licence.split()) == 1:
        try:
            canonicalize_license_expression(licence)
        except InvalidLicenseExpression:
            yield Problem(f"{where}: {licence!r} is no SPDX identifier", fix)


def _own_licence(distribution: str) -> Iterator[Problem]:
    about = metadata.metadata(distribution)
    if not {"License-Expression", "License"} & set(about):
        fix = 'license = "MIT" (or another SPDX expression) in pyproject.toml'
        yield Problem(f"distribution {distribution!r}: no licence", fix)


def _files(domain: Domain) -> Iterator[tuple[str, DataFile | Path]]:
    for corpus in domain.corpora:
        for file in corpus.files:
            yield f"corpus {corpus.name!r}", file
    for task in domain.tasks:
        for split, file in task.splits.items():
            yield f"task {task.name!r}, {split}", file
    if domain.terms is not None:
        yield "terms", domain.terms.path


def _declared_file(where: str, file: DataFile) -> Iterator[Problem]:
    if file.size < 1:
        yield Problem(f"{where}: {file.name} has size {file.size}", "give the length in bytes")
    if len(set(file.sha256)) == 1:
        yield Problem(f"{where}: {file.name} has sha256 {file.sha256[:8]}…", "run `sha256sum FILE`")
    if file.url is None:
        return
    parts = urlsplit(file.url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        yield Problem(f"{where}: {file.name} has no web address", "give an https address, or none")
    if parts.username or parts.password:
        yield Problem(f"{where}: {file.name} has a password in its address", "publish no secrets")


def _packaged_file(where: str, path: Path, subject: Subject) -> Iterator[Problem]:
    if not path.is_file():
        yield Problem(
            f"{where}: no file {path}", "add it, and have the build put it into the wheel"
        )
    elif subject.folder is not None and not subject.holds(path):
        fix = "put it into the package, or declare a DataFile with hash and address"
        yield Problem(f"{where}: {path} is outside of the plugin", fix)
