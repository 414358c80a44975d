"""From the words of a command line to results that fit one table."""

from __future__ import annotations

import glob
import re
from collections.abc import Sequence
from pathlib import Path

from domainbert.errors import DataError
from domainbert.report.scored import Scored, load_result, shortened
from domainbert.storage.files import expand_user

_NAME = re.compile(r".+-seed-\d+\.json")
_SHOWN_ERRORS = 20


def find_results(source: str) -> list[Path]:
    """Return the result files that a word of the command line means.

    Args:
        source: A result file, a glob, or a folder: a run, its `results/`, or one that holds many
            runs. In folders a result is a file whose name ends in `-seed-N.json`.

    Raises:
        DataError: Nothing is there, or no result in it.
    """
    path = expand_user(source)
    problem = "no such file or folder, and no result matches it as a glob."
    if path.is_dir():
        problem = (
            "no result in this folder: no file is named like `base-seed-0.json`. "
            "`domainbert evaluate` writes them."
        )
        inside = [item.relative_to(path) for item in path.rglob("*.json")]
        shown = [item for item in inside if not any(part.startswith(".") for part in item.parts)]
        files = [path / item for item in shown if _NAME.fullmatch(item.name)]
    elif path.exists():
        return [path]
    else:
        matches = map(Path, glob.glob(str(path), recursive=True))  # noqa: PTH207
        files = [file for file in matches if file.is_file() and file.suffix == ".json"]
    if not files:
        raise DataError(f"{source}: {problem}")
    return sorted(files)


def collect(sources: Sequence[str]) -> tuple[tuple[Scored, ...], tuple[str, ...]]:
    """Find, read and score again all results; equal ones are counted once.

    Args:
        sources: Files, folders and globs.

    Returns:
        The results, and notices of what was left out or not checked.

    Raises:
        DataError: All files that are no whole, honest results, one line each; results of one model,
            task and seed that differ; results of one test file that do not agree on its labels.
    """
    files = [path for source in sources for path in find_results(source)]
    results, wrong = [], []
    for path in {path.resolve(): path for path in [*files, *reversed(files)]}.values():
        try:
            results.append(load_result(path))
        except DataError as error:
            wrong.append(str(error))
    if wrong:
        raise DataError("\n".join(shortened(wrong, _SHOWN_ERRORS, "and {} more results.")))
    check_gold(results)
    kept, notices = _once(results)
    unknown = "no installed plugin provides this metric; shown as stored, not checked."
    notices += [f"{n}: {unknown}" for n in sorted({n for s in results for n in s.unchecked})]
    return kept, tuple(notices)


def check_gold(results: Sequence[Scored]) -> None:
    """Refuse results of one test file that do not agree on its labels.

    Raises:
        DataError: Two of them differ.
    """
    first: dict[str, Scored] = {}
    for scored in results:
        other = first.setdefault(scored.task_key, scored)
        if other.gold != scored.gold:
            problem = f"its gold labels are not those of {other.path}, though both name the same"
            raise DataError(f"{scored.path}: {problem} test file. Leave out the wrong one.")


def _once(results: Sequence[Scored]) -> tuple[tuple[Scored, ...], list[str]]:
    kept: dict[tuple[str, str, int], Scored] = {}
    notices = []
    for scored in results:
        key = (scored.task_key, scored.model_key, scored.result.seed)
        other = kept.setdefault(key, scored)
        if other is scored:
            continue
        result = scored.result
        trial = f"{result.task.name}, {result.model.name}, seed {result.seed}"
        if other.result.environment != result.environment:
            notices.append(f"{trial}: given from two environments, {other.path} counted.")
        elif other.result.predictions["sha256"] == result.predictions["sha256"]:
            notices.append(f"{trial}: given twice with equal predictions, counted once.")
        else:
            problem = f"differs from {other.path}, which is of the same model, task, seed and"
            raise DataError(f"{scored.path}: {trial}: {problem} settings. Leave one out.")
    return tuple(kept.values()), notices
