"""Publish a finished run: into a folder, or to the model hub in one commit."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from domainbert.errors import PluginError, UserError, one_line
from domainbert.model.task_model import ABOUT
from domainbert.pipeline.predict import find_task_model
from domainbert.plugin.registry import Registry
from domainbert.report.publication import Publication, base_name, write_publication
from domainbert.run.folder import RunFolder
from domainbert.storage.files import folder_in_place, read_json
from domainbert.storage.hub_upload import check_repository, upload

_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
Say = Callable[[str], None]
_UNKNOWN = "not known; see its own page"


def prepare(
    run: RunFolder, name: str, licence: str, registry: Registry, task: str | None = None
) -> Publication:
    """Return what is to be published of a run.

    Args:
        run: A finished run.
        name: Of the repository or folder.
        licence: Identifier on the hub.
        registry: Knows the licences of tasks.
        task: Publish the fine-tuned model of this task in place of the encoder.

    Raises:
        UserError: It is no run folder, is not finished, or has no such model.
    """
    if not run.lock.is_file():
        raise UserError(f"{run.path}: is no run folder.")
    licences = {f"base {base_name(run)}": _UNKNOWN}
    if task is None:
        if not run.model.is_dir():
            raise UserError(f"{run.path}: the run is not finished. Continue it first.")
        return Publication(run, run.model, name, licence, licences)
    model = find_task_model(str(run.path), task).folder
    about = read_json(model / ABOUT)
    licences[f"task {task}"] = _UNKNOWN
    if domain := about["task"].get("domain"):
        with suppress(PluginError):
            declared = {known.name: known.licence for known in registry.domain(domain).tasks}
            plain = task.partition("@")[0]
            found = {n: said for n, said in declared.items() if _is_of(plain, n)}
            licences[f"task {task}"] = "; ".join(found.values()) or _UNKNOWN
    return Publication(run, model, name, licence, licences, about)


def _is_of(task: str, declared: str) -> bool:
    """Whether a task is the declared one, or was trained or tested on it."""
    return (
        task == declared or task.startswith(f"{declared}-on-") or task.endswith(f"-on-{declared}")
    )


def publish_to_folder(publication: Publication, folder: Path, say: Say) -> None:
    """Write a publication into a folder that is not there yet.

    Raises:
        UserError: The folder is there, or the run cannot be published; see `write_publication`.
    """
    if folder.exists():
        raise UserError(f"{folder}: is there already. Name another folder.")
    with folder_in_place(folder) as beside:
        for notice in write_publication(publication, beside):
            say(f"notice: {notice}")


def publish_to_hub(publication: Publication, private: bool, update: bool, say: Say) -> str:
    """Publish on the model hub in one commit, and return its address.

    Args:
        publication: Its name is that of the repository.
        private: Whether a new repository is.
        update: Whether the repository may have content.
        say: Hears of what is left out.

    Raises:
        UserError: Nobody is logged in, the name is taken, or the run cannot be published.
        RunFailed: The hub refuses or does not answer.
    """
    with TemporaryDirectory(prefix="domainbert-publish-") as name:
        for notice in write_publication(publication, Path(name)):
            say(f"notice: {notice}")
        check_repository(publication.name, private, update)
        message = f"{publication.run.path.name}, by domainbert"
        return upload(Path(name), publication.name, private, message)


def is_repository(to: str) -> bool:
    """Tell whether a name is that of a repository, and no folder is there.

    Raises:
        UserError: It looks like one that the hub does not take.
    """
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils._validators import validate_repo_id

    if not _REPOSITORY.fullmatch(to) or Path(to).exists():
        return False
    try:
        validate_repo_id(to)
    except HFValidationError as error:
        raise UserError(f"--to {to}: {one_line(error)}") from None
    return True
