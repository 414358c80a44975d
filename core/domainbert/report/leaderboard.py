"""The leaderboard: tables of results as JSON, CSV, Markdown and a page.

No date and no path is in it: the same results give the same files.
"""

from __future__ import annotations

import csv
import io
import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic_core import to_jsonable_python

from domainbert.errors import RunFolderError
from domainbert.plugin.domain import Task
from domainbert.report.collect import collect
from domainbert.report.page import make_summary, render_page
from domainbert.report.ranking import SHOWN_ONLY, Row, Table, make_tables
from domainbert.report.results import differing, task_entry
from domainbert.report.text import TEMPLATES, csv_value, templates
from domainbert.storage.files import read_json, write_text

Tables = tuple[Table, ...]

FILES = ("index.html", "leaderboard.json", "leaderboard.csv", "leaderboard.md")
"""Names of the files."""

SCHEMA = 1
"""Version of `leaderboard.json`."""

RULE = (TEMPLATES / "rule.txt").read_text(encoding="utf-8").strip()


def make_leaderboard(sources: Sequence[str]) -> tuple[Tables, tuple[str, ...]]:
    """Read results and put them into tables.

    Args:
        sources: Run folders, folders of results, files and globs.

    Returns:
        The tables, and notices of how they came about.

    Raises:
        DataError: A result that is missing, damaged, edited, or at odds with another.
    """
    results, notices = collect(sources)
    tables = make_tables(results)
    return tables, (*notices, *_kept_apart(tables))


def write_leaderboard(tables: Tables, notices: Sequence[str], folder: Path) -> tuple[Path, ...]:
    """Write `index.html`, `leaderboard.json`, `.csv` and `.md`, each at once or not at all.

    Raises:
        RunFolderError: The folder cannot be written to.
        StorageFullError: No space left.
    """
    _check_folder(folder)
    markdown = templates().get_template("leaderboard.md.j2")
    board = json.dumps(board_json(tables, notices), indent=2, allow_nan=False)
    texts = {
        "leaderboard.json": f"{board}\n",
        "leaderboard.csv": board_csv(tables),
        "leaderboard.md": markdown.render(
            rule=RULE, notices=notices, tables=tables, summary=make_summary(tables)
        ),
        "index.html": render_page(tables, notices, RULE),
    }
    try:
        for name, text in texts.items():
            write_text(folder / name, text)
    except OSError as error:
        problem = f"cannot be written to: {error.strerror}. Name another folder with -o."
        raise RunFolderError(f"{folder}: {problem}") from None
    return tuple(folder / name for name in texts)


def _check_folder(folder: Path) -> None:
    """Refuse to write over files that no leaderboard has written."""
    there = [folder / name for name in FILES if (folder / name).exists()]
    try:
        ours = not there or "tables" in read_json(folder / "leaderboard.json")
    except (OSError, ValueError, TypeError, RecursionError):
        ours = False
    if not ours or any(path.is_dir() for path in there):
        problem = "is there already and no leaderboard wrote it. Name another folder with -o."
        raise RunFolderError(f"{there[0]}: {problem}")


def _kept_apart(tables: Sequence[Table]) -> list[str]:
    """Return a notice per task that has several tables, with the reason."""
    by_name: dict[str, list[Task]] = defaultdict(list)
    for table in tables:
        by_name[table["task"].name].append(table["task"])
    reason = "tables, because scores are not comparable where"
    keys = {name: differing(tasks) for name, tasks in by_name.items() if len(tasks) > 1}
    return [f"{n}: {len(by_name[n])} {reason} {' and '.join(keys[n])} differ." for n in keys]


def board_json(tables: Tables, notices: Sequence[str]) -> Any:
    """Return the leaderboard as plain JSON values; scores from 0 to 1."""
    shown = []
    for table in tables:
        rows = [{k: row[k] for k in row if k not in SHOWN_ONLY} for row in table["rows"]]
        kept = {key: table[key] for key in ("metric", "records", "noticed")}
        shown.append({"task": task_entry(table["task"]), **kept, "rows": rows})
    n_results = sum(len(row["seeds"]) for table in tables for row in table["rows"])
    board = {"schema": SCHEMA, "results": n_results, "notices": notices, "rule": RULE}
    return to_jsonable_python({**board, "tables": shown})


def board_csv(tables: Tables) -> str:
    """Return one line per task and model; scores from 0 to 1, formulas made inert."""
    writer = csv.writer(stream := io.StringIO(), lineterminator="\n")
    writer.writerow(_COLUMNS)
    for table in tables:
        writer.writerows(map(csv_value, _csv_row(table, row)) for row in table["rows"])
    return stream.getvalue()


def _csv_row(table: Table, row: Row) -> tuple[Any, ...]:
    task, model, against = table["task"], row["model"], row["against_base"]
    compared = [against and getattr(against, key) for key in ("difference", "low", "high")]
    return (
        task.name, task.version, task.domain, task.sample, table["metric"],
        *(row[key] for key in ("rank", "unranked", "title")), model.name, model.sha256, row["base"],
        len(row["seeds"]), *(row[key] for key in ("mean", "sd", "low", "high")), *compared,
        against and against.verdict, model.parameters, model.tokens, model.minutes,
        row["fine_tuning_minutes"],
    )  # fmt: skip


_COLUMNS = (
    "task", "version", "domain", "sample", "metric", "rank", "unranked", "model", "name", "weights",
    "base", "seeds", "mean", "sd", "low", "high", "difference", "difference_low", "difference_high",
    "verdict", "parameters", "tokens", "pretraining_minutes", "fine_tuning_minutes",
)  # fmt: skip
