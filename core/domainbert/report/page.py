"""The page of the leaderboard: one file with everything in it, and nothing that it did not bring.

Jinja escapes all text. A content security policy lets run and apply only the script and the style
that stand in the file, by their hashes, so that a mistake in escaping would still run nothing.
"""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from domainbert.report.escape import plain
from domainbert.report.plot import HEIGHT, WIDTH, Axis, make_plot, score_axis
from domainbert.report.ranking import Row, Table

_TEMPLATES = Path(__file__).parent / "templates"
_BAR_WIDTH = 132
_METRICS = {"f1_strict": "entity F1, strict", "f1_macro": "macro F1", "f1_micro": "micro F1"}


def render_page(tables: Sequence[Table], notices: Sequence[str], n_results: int, rule: str) -> str:
    """Return the page as HTML."""
    import jinja2
    from markupsafe import Markup

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=True,
        finalize=lambda value: plain(value) if type(value) is str else value,
    )
    environment.filters.update(
        percent=lambda value: f"{100 * value:.2f}",
        signed=lambda value: f"{100 * value:+.2f}".replace("-", "−"),
        short=_short,
        known=lambda value: not math.isnan(value),
        metric=lambda name: _METRICS.get(name, name),
    )
    style, script = (
        (_TEMPLATES / name).read_text(encoding="utf-8")
        for name in ("leaderboard.css", "leaderboard.js")
    )
    return environment.get_template("leaderboard.html.j2").render(
        tables=[_shown(table) for table in tables],
        notices=notices,
        n_results=n_results,
        rule=rule,
        models=len({row.title for table in tables for row in table.rows if not row.is_baseline}),
        style=Markup(style),  # noqa: S704  # our own files, not escaped
        script=Markup(script),  # noqa: S704
        style_hash=_hash(style),
        script_hash=_hash(script),
        plot_width=WIDTH,
        plot_height=HEIGHT,
        bar_width=_BAR_WIDTH,
    )


def _shown(table: Table) -> dict[str, Any]:
    axis = score_axis(table.rows, table.metric, 4, _BAR_WIDTH - 4)
    return {
        "table": table,
        "plot": make_plot(table),
        "rows": [(row, _bar(row, axis, table.metric)) for row in table.rows],
    }


def _bar(row: Row, axis: Axis, metric: str) -> dict[str, Any]:
    mean = row.scores[metric].mean
    return {
        "low": axis.place(row.interval.low),
        "high": axis.place(row.interval.high),
        "mean": axis.place(mean),
        "outside": mean < axis.low,
    }


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _short(count: float) -> str:
    """Shorten a count to three digits."""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count:.3g}"
