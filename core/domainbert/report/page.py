"""The page of the leaderboard: one file with everything in it, which fetches nothing.

Jinja escapes all text. A content security policy admits only the script and the style of the file,
by their hashes, so that a mistake in escaping would still run nothing.
"""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Callable, Sequence
from typing import Any

from domainbert.report.ranking import Row, Table
from domainbert.report.text import TEMPLATES, plain, signed, templates

HEIGHT = 320
SIZES = {"wide": (720, 176), "narrow": (344, 28)}
"""Width of a picture, and of its column of labels, in pixels; those of the narrow are numbers."""

_BAR_WIDTH = 132
_LINE = 15
# Only a logarithmic axis separates costs that differ by more than this.
_LOG_FROM = 20

Scale = Callable[[float], float]
"""Value to pixel."""


def render_page(tables: Sequence[Table], notices: Sequence[str], rule: str) -> str:
    """Return the page as HTML."""
    from markupsafe import Markup

    environment = templates(autoescape=True, finalize=lambda v: plain(v) if type(v) is str else v)
    environment.filters["signed"] = lambda value: signed(value).replace("-", "−")
    rows = [row for table in tables for row in table["rows"]]
    own = {kind: (TEMPLATES / f"leaderboard.{kind}").read_text("utf-8") for kind in ("css", "js")}
    return environment.get_template("leaderboard.html.j2").render(
        tables=[(table, _plots(table["rows"]), _bars(table["rows"])) for table in tables],
        summary=make_summary(tables),
        notices=notices,
        n_results=sum(len(row["seeds"]) for row in rows),
        rule=rule,
        models=len({row["title"] for row in rows if not row["is_baseline"]}),
        own={kind: Markup(text) for kind, text in own.items()},  # noqa: S704  # not escaped
        hashes={kind: _hash(text) for kind, text in own.items()},
        bar_width=_BAR_WIDTH,
    )


def make_summary(tables: Sequence[Table]) -> list[tuple[str, list[Row | None]]]:
    """Return for each model, in the order of the tables, its row in each table or None."""
    titles = dict.fromkeys(
        row["title"] for table in tables for row in table["rows"] if not row["is_baseline"]
    )
    by_title = [{row["title"]: row for row in table["rows"]} for table in tables]
    return [(title, [rows.get(title) for rows in by_title]) for title in titles]


def _plots(rows: Sequence[Row]) -> dict[str, dict[str, Any]]:
    return {name: make_plot(rows, *size) for name, size in SIZES.items()} if len(rows) > 1 else {}


def make_plot(rows: Sequence[Row], width: int, labels: int) -> dict[str, Any]:
    """Return the marks of a plot of score against minutes, in pixels.

    A point that is `outside` is far below all others and stands at the lower edge.

    Args:
        rows: At least two.
        width: Of the picture.
        labels: Width of the column of labels.
    """
    least, most = (end(row["minutes"] for row in rows) for end in (min, max))
    logarithmic = least > 0 and most / least > _LOG_FROM
    first, last = (least / 1.5, most * 1.5) if logarithmic else (0.0, most * 1.08 or 1.0)
    low, high = _score_range(rows)
    left, right, top, bottom = 56, width - labels, 16, HEIGHT - 52
    x, y = scale(first, last, left, right, logarithmic), scale(low, high, bottom, top)
    powers = [10.0**n for n in range(-9, 10) if first <= 10.0**n <= last]
    costs = powers if logarithmic else ticks(first, last)
    # Rows come best first, so that labels in one column keep the order of their points.
    gap = min(_LINE, (bottom - top) / (len(rows) - 1))
    points: list[dict[str, Any]] = [
        {"row": row, "number": n, "x": x(row["minutes"]), "label_y": round(top + gap * n, 1)}
        for n, row in enumerate(rows)
    ]
    return {
        "points": [point | _marks(point["row"], y, low) for point in points],
        "x_ticks": [{"place": x(cost), "label": f"{cost:g}"} for cost in costs],
        "y_ticks": [{"place": y(v), "label": f"{100 * v:.4g}"} for v in ticks(low, high)],
        "logarithmic": logarithmic,
        "left": left,
        "right": right,
        "top": top,
        "bottom": bottom,
        "width": width,
        "height": HEIGHT,
    }


def scale(low: float, high: float, start: float, end: float, logarithmic: bool = False) -> Scale:
    """Return the map from values to pixels.

    Values outside go to the nearer end, and those of a range of one value to the middle.
    """

    def place(value: float) -> float:
        ends = low, high, min(max(value, low), high)
        first, last, at = map(math.log10, ends) if logarithmic else ends
        share = (at - first) / (last - first) if last > first else 0.5
        return round(start + share * (end - start), 1)

    return place


def ticks(low: float, high: float, wanted: int = 5) -> list[float]:
    """Return round values within a range, 1, 2 or 5 times a power of ten apart."""
    rough = (high - low) / wanted
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * f for f in (1, 2, 5, 10) if power * f >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(number * step, 12) for number in range(first, last + 1)]


def _score_range(rows: Sequence[Row]) -> tuple[float, float]:
    """Return the scores to show: of the models, and of baselines that are not far below them.

    Otherwise a trivial baseline would press all differences between models into one spot.
    """
    models = [row for row in rows if not row["is_baseline"]] or rows
    reach = 2 * min(row["low"] for row in models) - max(row["high"] for row in models)
    shown = [row for row in rows if row in models or row["mean"] >= reach]
    low, high = min(row["low"] for row in shown), max(row["high"] for row in shown)
    margin = 0.06 * (high - low) or 0.01
    # A share has no score below 0 or above 1, so no axis goes on there.
    least, most = (0.0 if low >= 0 else -math.inf), (1.0 if high <= 1 else math.inf)
    return max(least, low - margin), min(most, high + margin)


def _marks(row: Row, place: Scale, lowest: float) -> dict[str, Any]:
    """Return the pixels of mean and interval, and whether the mean is below the range."""
    marks = {key: place(row[key]) for key in ("low", "high", "mean")}
    return {**marks, "outside": row["mean"] < lowest}


def _bars(rows: Sequence[Row]) -> list[tuple[Row, dict[str, Any]]]:
    low, high = _score_range(rows)
    place = scale(low, high, 4, _BAR_WIDTH - 4)
    return [(row, _marks(row, place, low)) for row in rows]


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
