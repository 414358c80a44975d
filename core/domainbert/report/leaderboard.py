"""The leaderboard: what results show, as JSON, CSV, Markdown and a page.

There is no date and no path in it: the same results give the same files.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from domainbert.errors import RunFolderError, StorageFullError
from domainbert.report.collect import collect
from domainbert.report.escape import cell, csv_value, plain
from domainbert.report.page import render_page
from domainbert.report.ranking import Row, Table, make_tables
from domainbert.report.statistics import Comparison
from domainbert.storage.files import read_json, write_text

FILES = ("index.html", "leaderboard.json", "leaderboard.csv", "leaderboard.md")
"""What is written."""

SCHEMA = 1
"""Version of `leaderboard.json`."""

RULE = (
    "Mean ± standard deviation over seeds, in percent. The 95 % interval carries the spread over "
    "seeds and the choice of test records. A rank is one more than the number of models whose "
    "paired difference lies above zero with all of its interval, and never better than the rank of "
    "a model with a higher mean; models that no interval can separate share it. A model with one "
    "seed and a baseline without seeds have no rank."
)


@dataclass(frozen=True)
class Leaderboard:
    """Tables made from results.

    Args:
        tables: One for each version of a task.
        notices: What a reader should know of how they came about.
        n_results: Results that were scored again, equal ones counted once.
    """

    tables: tuple[Table, ...]
    notices: tuple[str, ...]
    n_results: int


def make_leaderboard(sources: Sequence[str]) -> Leaderboard:
    """Read results and put them into tables.

    Args:
        sources: Run folders, folders of results, files and globs.

    Raises:
        DataError: A result that is missing, damaged, edited, or at odds with another.
    """
    results, notices = collect(sources)
    tables = make_tables(results)
    return Leaderboard(tables, (*notices, *_kept_apart(tables)), len(results))


def write_leaderboard(board: Leaderboard, folder: Path) -> tuple[Path, ...]:
    """Write `index.html`, `leaderboard.json`, `.csv` and `.md`, each at once or not at all.

    Raises:
        RunFolderError: The folder cannot be written to.
        StorageFullError: No space left.
    """
    _check_folder(folder)
    texts = {
        "leaderboard.json": json.dumps(board_json(board), indent=2, allow_nan=False) + "\n",
        "leaderboard.csv": board_csv(board),
        "leaderboard.md": board_markdown(board),
        "index.html": render_page(board.tables, board.notices, board.n_results, RULE),
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
    known = [folder / name for name in FILES if (folder / name).exists()]
    try:
        ours = "tables" in read_json(folder / "leaderboard.json") if known else True
    except (OSError, ValueError, TypeError, RecursionError):
        ours = False
    if not ours or any(path.is_dir() for path in known):
        raise RunFolderError(
            f"{known[0]}: is there already and no leaderboard wrote it. "
            "Name another folder with -o."
        )


def _kept_apart(tables: Sequence[Table]) -> list[str]:
    """Say which tasks have several tables, and why."""
    by_name: dict[str, list[Table]] = defaultdict(list)
    for table in tables:
        by_name[table.task.name].append(table)
    found = []
    for name, several in by_name.items():
        if len(several) > 1:
            told = [{**t.task.model_dump(), "metric": t.metric} for t in several]
            keys = [k for k in told[0] if k not in {"domain", "sample"}]
            differ = [k for k in keys if any(entry[k] != told[0][k] for entry in told)]
            found.append(
                f"{name}: {len(several)} tables, because scores are not comparable where "
                f"{' and '.join(differ)} differ."
            )
    return found


def board_json(board: Leaderboard) -> dict[str, Any]:
    """Return the leaderboard as plain JSON values; scores from 0 to 1."""
    return {
        "schema": SCHEMA,
        "results": board.n_results,
        "notices": list(board.notices),
        "rule": RULE,
        "tables": [
            {
                "task": {**table.task.model_dump(), "sample": table.sample},
                "metric": table.metric,
                "records": table.records,
                "noticed": dict(table.noticed),
                "rows": [_row_json(row, table.metric) for row in table.rows],
            }
            for table in board.tables
        ],
    }


def _row_json(row: Row, metric: str) -> dict[str, Any]:
    primary_metric = row.scores[metric]
    return {
        "title": row.title,
        "rank": row.rank,
        "unranked": row.unranked or None,
        "model": row.model.model_dump(),
        "recipe": row.recipe,
        "seeds": list(row.seeds),
        "values": list(primary_metric.values),
        "mean": primary_metric.mean,
        "sd": _known(primary_metric.sd),
        "low": row.interval.low,
        "high": row.interval.high,
        "base": row.base,
        "against_base": asdict(row.against_base) if row.against_base else None,
        "scores": {
            name: {"mean": summary.mean, "sd": _known(summary.sd)}
            for name, summary in row.scores.items()
        },
        "fine_tuning_minutes": round(row.fine_tuning_minutes, 3),
        "settings": dict(row.settings),
    }


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def board_csv(board: Leaderboard) -> str:
    """Return one line for each task and model; scores from 0 to 1, formulas made inert."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(_COLUMNS), lineterminator="\n")
    writer.writeheader()
    for table in board.tables:
        for row in table.rows:
            entry = _flat(table, row)
            writer.writerow({key: csv_value(value) for key, value in entry.items()})
    return stream.getvalue()


_COLUMNS = (
    "task", "version", "domain", "sample", "metric", "rank", "unranked", "model", "name", "weights",
    "base", "seeds", "mean", "sd", "low", "high", "difference", "difference_low", "difference_high",
    "verdict", "parameters", "tokens", "pretraining_minutes", "fine_tuning_minutes",
)  # fmt: skip


def _flat(table: Table, row: Row) -> dict[str, Any]:
    primary_metric, against = row.scores[table.metric], row.against_base
    values = (
        table.task.name, table.task.version, table.task.domain, table.sample, table.metric,
        row.rank, row.unranked, row.title, row.model.name, row.model.sha256, row.base,
        len(row.seeds), *map(_six, (primary_metric.mean, primary_metric.sd, row.interval.low)),
        _six(row.interval.high), *_difference(against), row.model.parameters, row.model.tokens,
        row.model.minutes, round(row.fine_tuning_minutes, 3),
    )  # fmt: skip
    named = zip(_COLUMNS, values, strict=True)
    return {key: plain(v) if isinstance(v, str) else v for key, v in named}


def _six(value: float) -> float | None:
    known = _known(value)
    return None if known is None else round(known, 6)


def _difference(found: Comparison | None) -> tuple[float | None, float | None, float | None, str]:
    if found is None:
        return None, None, None, ""
    return round(found.difference, 6), round(found.low, 6), round(found.high, 6), found.verdict


def board_markdown(board: Leaderboard) -> str:
    """Return the tables as Markdown."""
    parts = ["# Leaderboard\n", f"{RULE}\n"]
    parts += [f"- {cell(plain(notice))}\n" for notice in board.notices]
    for table in board.tables:
        task = table.task
        sample = " (sample, not a benchmark)" if table.sample else ""
        parts.append(
            f"\n## {cell(plain(task.name))}{sample}\n\nVersion {cell(plain(task.version))}, "
            f"{table.records:,} test records, by {cell(table.metric)}.\n\n"
            "| rank | model | mean ± sd, % | 95 % interval | against base | seeds | parameters "
            "| tokens | minutes |\n|---|---|---|---|---|---|---|---|---|\n"
        )
        parts += [_markdown_row(row, table.metric) for row in table.rows]
    return "".join(parts)


def _markdown_row(row: Row, metric: str) -> str:
    primary_metric, against = row.scores[metric], row.against_base
    spread = "" if math.isnan(primary_metric.sd) else f" ± {100 * primary_metric.sd:.2f}"
    compared = ""
    if against is not None:
        compared = (
            f"{100 * against.difference:+.2f} ({100 * against.low:+.2f} to "
            f"{100 * against.high:+.2f}), {against.verdict}"
        )
    parameters = "" if row.model.parameters is None else f"{row.model.parameters:,}"
    shown = [
        row.rank or f"– ({row.unranked})",
        cell(plain(row.title)),
        f"{100 * primary_metric.mean:.2f}{spread}",
        f"{100 * row.interval.low:.2f} to {100 * row.interval.high:.2f}",
        compared,
        len(row.seeds),
        parameters,
        f"{row.model.tokens:,}",
        f"{row.minutes:.1f}",
    ]
    return "| " + " | ".join(map(str, shown)) + " |\n"
