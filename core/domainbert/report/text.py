"""Numbers and foreign text in Markdown, HTML, CSV and terminals.

Jinja's autoescape covers HTML; Markdown and CSV have no such thing.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

from domainbert.plugin.metric import Metric
from domainbert.plugin.registry import components
from domainbert.visible import visible

TEMPLATES = Path(__file__).parent / "templates"
# Spreadsheets read these as the start of a formula, wide forms included (OWASP, CSV injection).
_FORMULA = tuple("=+-@＝＋－＠")


def plain(text: object) -> str:
    """Return text on one line, invisible characters replaced by `U+FFFD`."""
    return visible(" ".join(str(text).split()))


def cell(text: object) -> str:
    """Return text that is inert in Markdown and in a table."""
    escaped = plain(text).replace("\\", "\\\\")
    for mark in "|<>[]`*_":
        escaped = escaped.replace(mark, "\\" + mark)
    # At the start of a paragraph these would make a heading, a list or a rule.
    return re.sub(r"^(\d+(?=[.)])|(?=[#+=~-]))", r"\1\\", escaped)


def csv_value(value: object) -> object:
    """Return a value that no spreadsheet computes; numbers stay numbers, to six digits."""
    if not isinstance(value, str):
        return round(value, 6) if isinstance(value, float) else value
    shown = plain(value)
    return "'" + shown if shown.startswith(_FORMULA) else shown


def percent(value: float) -> str:
    """Return a score from 0 to 1 in percent."""
    return f"{100 * value:.2f}"


def signed(value: float) -> str:
    """Return a difference of scores in points."""
    return f"{100 * value:+.2f}"


def spread(summary: Any) -> str:
    """Return mean and standard deviation of a `Summary` or `Row` in percent."""
    sd = "" if summary.sd is None else f" ± {percent(summary.sd)}"
    return percent(summary.mean) + sd


def shown(summary: Any, name: str) -> str:
    """Return `spread`, or the plain numbers of a metric that is no share, such as `mse`."""
    if is_share(name):
        return spread(summary)
    return f"{summary.mean:.4g}" + ("" if summary.sd is None else f" ± {summary.sd:.4g}")


def is_share(name: str) -> bool:
    """Return whether tables show a metric in percent; those of unknown metrics are."""
    metric = components(Metric).get(name.partition("@")[0])
    return metric is None or math.isfinite(metric.high)


def difference(compared: Any) -> str:
    """Return difference, interval, verdict and notes of a `Comparison`, in points."""
    centre, low, high = map(signed, (compared.difference, compared.low, compared.high))
    notes = f" ({'; '.join(compared.notes)})" if compared.notes else ""
    shown = f"{centre} points, 95 % interval {low} to {high}: {compared.verdict}{notes}"
    return ". ".join(filter(None, (shown, in_reach(compared))))


def in_reach(compared: Any) -> str:
    """Return what a test could have shown that shows nothing; empty for other verdicts."""
    if compared.verdict != "not shown" or not compared.visible:
        return ""
    seeds, records = min(map(len, compared.seeds)), compared.records
    tested = f"{seeds} seeds and {records:,} test records" if seeds > 1 else f"{records:,} records"
    shown = f"{tested} show {percent(compared.visible)} points or more, with 80 % power"
    # One seed shows nothing, and what Holm's correction took back was large enough alone.
    if seeds < 2 or abs(compared.difference) >= compared.visible:
        return shown
    needed = [
        f"{number:,} {noun}"
        for number, noun in ((compared.seeds_for, "seeds"), (compared.records_for, "test records"))
        if number
    ]
    cure = f"this one would need {' or '.join(needed)}" if needed else "this one is out of reach"
    return f"{shown}; {cure}"


def sign(verdict: str) -> str:
    """Return the sign of a verdict in tables over several tasks."""
    return {"better": "▲", "worse": "▼", "not shown": "="}.get(verdict, "?")


def templates(**options: Any) -> Any:
    """Return the Jinja environment of all templates, with the filters of this module."""
    import jinja2

    options |= {"trim_blocks": True, "lstrip_blocks": True, "keep_trailing_newline": True}
    options |= {"loader": jinja2.FileSystemLoader(TEMPLATES), "undefined": jinja2.StrictUndefined}
    environment = jinja2.Environment(**options)  # noqa: S701  # HTML sets `autoescape`
    filters = (percent, spread, shown, cell, plain, signed, sign, in_reach)
    environment.filters.update({function.__name__: function for function in filters})
    return environment
