"""Stages: named pieces of a run, each with a folder and a key.

A key is the SHA-256 of a stage's facts: the recipe sections that it reads, values at their default
left out; the keys of its inputs; and the schema number of its code. A stage is done when its
`stage.json` has this key and its outputs have the hashes recorded there. `stage.json` is written
before long work starts, with `done: false`, so that unfinished work is known by its key as well.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from domainbert.errors import RunFolderError
from domainbert.recipe.origins import difference
from domainbert.storage import files

FILE = "stage.json"
Building = tuple[Path, dict[str, Any]]
"""Folder in which a stage is built, and its result."""


@dataclass(frozen=True)
class Stage:
    """One stage of a run.

    Args:
        name: Of the stage; its folder is called like it.
        folder: Where it writes.
        facts: JSON values that its result depends on; `schema` is the version of its code.
        replaceable: Whether work under another key is replaced. Else it is refused, since it may
            have taken hours.
    """

    name: str
    folder: Path
    facts: Mapping[str, Any]
    replaceable: bool = False

    @property
    def key(self) -> str:
        """SHA-256 of the facts."""
        return files.sha256_of(json.dumps(self.facts, sort_keys=True, ensure_ascii=True))


def read_stage(folder: Path) -> dict[str, Any] | None:
    """Return what `stage.json` in a folder holds, or None if there is none.

    Raises:
        RunFolderError: The file is damaged.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        return files.read_json_with_hash(path)
    except FileNotFoundError:  # removed since, by the rank that does the stage again
        return None
    except (OSError, ValueError, RecursionError):
        cure = f"Delete the folder {folder} and run again to rebuild it."
        raise RunFolderError(f"{path}: damaged. {cure}") from None


def check_stage(stage: Stage) -> None:
    """Refuse finished or unfinished work that belongs to other facts, unless it is replaceable.

    Raises:
        RunFolderError: With what changed, or the newer schema that wrote the folder.
    """
    written = read_stage(stage.folder)
    if written is None or written.get("key") == stage.key:
        return
    facts = written.get("facts", {})
    schema, own = facts.get("schema"), stage.facts["schema"]
    if isinstance(schema, int) and schema > own:
        cure = "Continue with the version that wrote it, or name another folder with --out."
        found = f"has schema {schema}; this version writes {own}"
        raise RunFolderError(f"{stage.folder}: stage {stage.name!r} {found}. {cure}")
    if not stage.replaceable:
        changed = difference(facts, stage.facts)
        cure = f"delete the folder {stage.folder} to redo the stage, or name another with --out."
        made = f"stage {stage.name!r} was made from something else: {changed}"
        raise RunFolderError(f"{stage.folder}: {made}. Restore it, {cure}")


def is_done(stage: Stage) -> bool:
    """Return whether a stage is finished under its key, with whole outputs."""
    written = read_stage(stage.folder)
    if written is None or written.get("key") != stage.key or not written.get("done"):
        return False
    return not _trouble(stage.folder, written)


def outputs_trouble(folder: Path) -> str:
    """Return which output of a finished stage differs from what it wrote; empty if none does."""
    return _trouble(folder, read_stage(folder) or {"outputs": {}})


def _trouble(folder: Path, written: Mapping[str, Any]) -> str:
    for name, expected in written["outputs"].items():
        if trouble := files.file_trouble(folder / name, expected):
            return f"{Path(name).name} {trouble}"
    return ""


def result_of(stage: Stage) -> dict[str, Any]:
    """Return what a finished stage recorded about its work."""
    return dict((read_stage(stage.folder) or {})["result"])


@contextmanager
def building(stage: Stage, outputs: Sequence[str] | None = None) -> Iterator[Building]:
    """Yield a folder beside the stage's, and a dictionary for its result; rename when whole.

    A block that fails leaves nothing behind.

    Args:
        stage: What is built.
        outputs: Files whose hashes decide whether the stage is whole; None for all in the folder.
    """
    result: dict[str, Any] = {}
    with files.folder_in_place(stage.folder) as beside:
        yield beside, result
        every = [path.relative_to(beside) for path in beside.rglob("*") if path.is_file()]
        _write(beside, stage, result, every if outputs is None else list(map(Path, outputs)))


def begin(stage: Stage) -> None:
    """Mark a folder as unfinished work of a stage; work of another key is removed."""
    if written := read_stage(stage.folder):
        if written.get("key") == stage.key:
            return
        shutil.rmtree(stage.folder)
    stage.folder.mkdir(parents=True, exist_ok=True)
    _write(stage.folder, stage, None, [])


def finish(stage: Stage, result: Mapping[str, Any], outputs: list[Path]) -> None:
    """Mark a stage as done.

    Args:
        stage: One that `begin` has marked.
        result: JSON values for later stages and the model card.
        outputs: Files that the result consists of, relative to the stage's folder.
    """
    _write(stage.folder, stage, result, outputs)


def _write(
    folder: Path, stage: Stage, result: Mapping[str, Any] | None, outputs: list[Path]
) -> None:
    record = {"name": stage.name, "key": stage.key, "facts": stage.facts, "result": result or {}}
    hashes = {path.as_posix(): files.describe_file(folder / path) for path in sorted(outputs)}
    done = {"done": result is not None, "outputs": hashes}
    files.write_json_with_hash(folder / FILE, record | done)
