"""From what was typed to results that can stand in one table."""

from __future__ import annotations

import glob
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from domainbert.errors import DataError
from domainbert.plugin.domain import Prediction
from domainbert.report.results import Result, load_result
from domainbert.storage.files import expand_user

_NAME = re.compile(r".+-seed-\d+\.json")
_SHOWN_ERRORS = 20


@dataclass(frozen=True, eq=False)
class Scored:
    """A result that was scored again; its predictions are kept as counts.

    Args:
        path: The file.
        result: What it says.
        predictions: Of each test record.
        gold: Hash of what is true of each test record.
    """

    path: Path
    result: Result
    predictions: tuple[Prediction, ...]
    gold: str

    @property
    def task_key(self) -> str:
        """What scores must have in common to stand in one table."""
        told = self.result.task.model_dump(exclude={"domain", "sample"})
        return _canonical([told, self.result.metric])

    @property
    def is_baseline(self) -> bool:
        """Whether it is of a deterministic baseline, which has no weights and no seed."""
        return self.result.model.sha256 is None

    @property
    def model_key(self) -> str:
        """What results of one row have in common: the weights and how they were fine-tuned."""
        model = self.result.model
        return _canonical([model.sha256 or f"baseline {model.name}", self.result.settings])


def find_results(source: str) -> list[Path]:
    """Return the result files that a word of the command line means.

    Args:
        source: A result file, a glob, or a folder: a run, its `results/`, or one that holds many
            runs. In folders a result is a file whose name ends in `-seed-N.json`.

    Raises:
        DataError: Nothing is there, or no result in it.
    """
    path = expand_user(source)
    if path.is_dir():
        inside = [item for item in path.rglob("*.json") if _NAME.fullmatch(item.name)]
        shown = [i for i in inside if not any(p.startswith(".") for p in i.relative_to(path).parts)]
        if not shown:
            raise DataError(
                f"{source}: no result in this folder: no file is named like `base-seed-0.json`. "
                "`domainbert evaluate` writes them."
            )
        return sorted(shown)
    if path.exists():
        return [path]
    matches = sorted(Path(item) for item in glob.glob(str(path), recursive=True))  # noqa: PTH207
    found = [file for item in matches for file in ([item] if item.is_file() else [])]
    found = [file for file in found if file.suffix == ".json"]
    if not found:
        raise DataError(f"{source}: no such file or folder, and no result matches it as a glob.")
    return found


def collect(sources: Sequence[str]) -> tuple[tuple[Scored, ...], tuple[str, ...]]:
    """Find, read and score again all results; equal ones are counted once.

    Args:
        sources: Files, folders and globs.

    Returns:
        The results, and notices of what was left out.

    Raises:
        DataError: All files that are no whole, honest results, one line each; results of one model,
            task and seed that differ; results of one test file that do not agree on its labels.
    """
    files: dict[Path, Path] = {}
    for source in sources:
        for path in find_results(source):
            files.setdefault(path.resolve(), path)
    found, wrong = [], []
    for path in files.values():
        try:
            found.append(_load(path))
        except DataError as error:
            wrong.append(str(error))
    if wrong:
        more = len(wrong) - _SHOWN_ERRORS
        wrong = wrong[:_SHOWN_ERRORS] + ([f"and {more} more results."] if more > 0 else [])
        raise DataError("\n".join(wrong))
    _check_gold(found)
    return _once(found)


def _load(path: Path) -> Scored:
    result, predictions = load_result(path)
    return Scored(path, result, predictions, _gold(predictions))


def _gold(predictions: Sequence[Prediction]) -> str:
    return hashlib.sha256(_canonical([p.gold for p in predictions]).encode()).hexdigest()


def _check_gold(found: Sequence[Scored]) -> None:
    first: dict[str, Scored] = {}
    for scored in found:
        other = first.setdefault(scored.task_key, scored)
        if other.gold != scored.gold:
            raise DataError(
                f"{scored.path}: its gold labels are not those of {other.path}, though both name "
                "the same test file. One of the two is not of this data: leave it out."
            )


def _once(found: Sequence[Scored]) -> tuple[tuple[Scored, ...], tuple[str, ...]]:
    kept: dict[tuple[str, str, int], Scored] = {}
    notices = []
    for scored in found:
        key = (scored.task_key, scored.model_key, scored.result.seed)
        other = kept.setdefault(key, scored)
        if other is scored:
            continue
        result = scored.result
        said = f"{result.task.name}, {result.model.name}, seed {result.seed}"
        if other.result.environment != result.environment:
            notices.append(f"{said}: given from two environments, {other.path} counted.")
            continue
        if other.result.predictions.sha256 != result.predictions.sha256:
            raise DataError(
                f"{scored.path}: {said}: differs from {other.path}, which is of the same model, "
                "task, seed and settings. Leave one of the two out."
            )
        notices.append(f"{said}: given twice with equal predictions, counted once.")
    return tuple(kept.values()), tuple(notices)


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=True)
