"""Tables and curves of `docs/results/what-helps.md` from the lines of `what_helps.py`.

    python benchmarks/what_helps_page.py docs/results/what-helps.jsonl docs/results

Prints the tables as Markdown, and writes `what-helps-FIELD.svg` per field: the curve over α with
100 labels.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from domainbert.report.curve import render_curve
from domainbert.stages.blend import Blend, Point

Row = dict[str, Any]
_ALPHAS = {"base": 0.0, "blend-0.25": 0.25, "blend-0.5": 0.5, "blend-0.75": 0.75, "adapted": 1.0}
_HEAD = (
    "| model | validation, % | test, % | − base, 95 % interval | verdict | bits, field | general "
    "| minutes |"
)


def table(rows: list[Row]) -> str:
    """Return one field and budget as Markdown."""
    lines = [_HEAD, "|---" * (_HEAD.count("|") - 1) + "|"]
    for row in rows:
        interval = ""
        if "difference" in row:
            interval = f"{row['difference']:+.2f}, {row['low']:+.2f} to {row['high']:+.2f}"
        verdict = (
            f"**{row['verdict']}**" if row["verdict"] in {"better", "worse"} else row["verdict"]
        )
        lines.append(
            f"| {row['model']} | {row['validation']:.2f} ± {row['validation_sd']:.2f} "
            f"| {row['test']:.2f} ± {row['test_sd']:.2f} | {interval} | {verdict} "
            f"| {row['bits']:.3f} | {row['general_bits']:.3f} | {row['minutes']:.0f} |"
        )
    return "\n".join(lines)


def curve(rows: list[Row]) -> str:
    """Return the curve over α of one field as SVG; the best point on validation is marked."""
    points = {row["model"]: row for row in rows if row["model"] in _ALPHAS}
    half = {name: row["validation_sd"] / 100 / 2**0.5 for name, row in points.items()}
    made = [
        Point(
            _ALPHAS[name],
            row["bits"],
            row["general_bits"],
            # Two values with the mean and the standard deviation of the row.
            (row["validation"] / 100 - half[name], row["validation"] / 100 + half[name]),
        )
        for name, row in points.items()
    ]
    best = max(made, key=lambda point: sum(point.validation))
    return render_curve(Blend(best.alpha, "none", "", tuple(sorted(made, key=lambda p: p.alpha))))


def main() -> None:
    """Print the tables, write the curves."""
    source, folder = map(Path, sys.argv[1:3])
    rows = [json.loads(line) for line in source.read_text(encoding="utf-8").splitlines()]
    cells: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        cells.setdefault((row["field"], row["task"]), []).append(row)
    for (field, task), some in cells.items():
        metric, seeds = some[0]["metric"], len(some[0]["values"])
        sys.stdout.write(f"### {task}\n\n`{metric}`, {seeds} seeds.\n\n{table(some)}\n\n")
        if some[0]["budget"] == "100":
            (folder / f"what-helps-{field}.svg").write_text(curve(some), encoding="utf-8")


if __name__ == "__main__":
    main()
