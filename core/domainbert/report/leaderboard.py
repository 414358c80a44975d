"""The leaderboard: tables of results as JSON, CSV, Markdown and a page.

No date and no path is in it: the same results give the same files.
"""

from __future__ import annotations

import csv
import io
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from domainbert.errors import RunFolderError, StorageFullError
from domainbert.plugin.domain import Task
from domainbert.report.collect import collect
from domainbert.report.page import render_page
from domainbert.report.ranking import Row, Table, make_tables
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
    texts = {
        "leaderboard.json": json.dumps(board_json(tables, notices), indent=2, allow_nan=False)
        + "\n",
        "leaderboard.csv": board_csv(tables),
        "leaderboard.md": markdown.render(rule=RULE, notices=notices, tables=tables),
        "index.html": render_page(tables, notices, RULE),
    }
    try:
        for name, text in texts.items():
            write_text(folder / name, text)
    except StorageFullError:
        raise
    except OSError as error:
        raise RunFolderError(
            f"{folder}: cannot be written to: {error.strerror}. Name another folder with -o."
        ) from None
    return tuple(folder / name for name in texts)


def _check_folder(folder: Path) -> None:
    """Refuse to write over files that no leaderboard has written."""
    there = [folder / name for name in FILES if (folder / name).exists()]
    try:
        ours = not there or "tables" in read_json(folder / "leaderboard.json")
    except (OSError, ValueError, TypeError, RecursionError):
        ours = False
    if not ours or any(path.is_dir() for path in there):
        raise RunFolderError(
            f"{there[0]}: is there already and no leaderboard wrote it. "
            "Name another folder with -o."
        )


def _kept_apart(tables: Sequence[Table]) -> list[str]:
    """Return a notice per task that has several tables, with the reason."""
    by_name: dict[str, list[Task]] = defaultdict(list)
    for table in tables:
        by_name[table.task.name].append(table.task)
    return [
        f"{name}: {len(tasks)} tables, because scores are not comparable where "
        f"{' and '.join(differing(tasks))} differ."
        for name, tasks in by_name.items()
        if len(tasks) > 1
    ]


def board_json(tables: Tables, notices: Sequence[str]) -> dict[str, Any]:
    """Return the leaderboard as plain JSON values; scores from 0 to 1."""
    return {
        "schema": SCHEMA,
        "results": sum(len(row.seeds) for table in tables for row in table.rows),
        "notices": list(notices),
        "rule": RULE,
        "tables": [
            {
                "task": task_entry(table.task),
                "metric": table.metric,
                "records": table.records,
                "noticed": table.noticed,
                "rows": [asdict(row) | {"model": row.model.model_dump()} for row in table.rows],
            }
            for table in tables
        ],
    }


def board_csv(tables: Tables) -> str:
    """Return one line per task and model; scores from 0 to 1, formulas made inert."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    for table in tables:
        writer.writerows(
            {k: csv_value(v) for k, v in _csv_row(table, r).items()} for r in table.rows
        )
    return stream.getvalue()


def _csv_row(table: Table, row: Row) -> dict[str, Any]:
    task, model, against = table.task, row.model, row.against_base
    compared = [against and getattr(against, key) for key in ("difference", "low", "high")]
    values = (
        task.name, task.version, task.domain, task.sample, table.metric, row.rank, row.unranked,
        row.title, model.name, model.sha256, row.base, len(row.seeds), row.mean, row.sd, row.low,
        row.high, *compared, against and against.verdict, model.parameters, model.tokens,
        model.minutes, row.fine_tuning_minutes,
    )  # fmt: skip
    return dict(zip(_COLUMNS, values, strict=True))


_COLUMNS = (
    "task", "version", "domain", "sample", "metric", "rank", "unranked", "model", "name", "weights",
    "base", "seeds", "mean", "sd", "low", "high", "difference", "difference_low", "difference_high",
    "verdict", "parameters", "tokens", "pretraining_minutes", "fine_tuning_minutes",
)  # fmt: skip
