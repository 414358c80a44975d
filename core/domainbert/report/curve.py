"""The curve over α of a run as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from domainbert.report.page import scale, ticks
from domainbert.report.statistics import summarise
from domainbert.report.text import templates
from domainbert.stages.blend import Blend

FILE = "blend.svg"
"""Name of the picture in a run folder."""

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 340, 260, 52, 328, 34, 216
Series = Sequence[tuple[float, float, float]]
"""α, value and half the height of its bar."""


def render_curve(blend: Blend) -> str:
    """Return the picture as SVG: a panel of bits per character, and one of validation scores."""
    general = [(p.alpha, p.general, 0.0) for p in blend.curve if p.general is not None]
    bits = {"held-out text": [(p.alpha, p.bits, 0.0) for p in blend.curve], "general text": general}
    panels = [_panel("bits per character", bits, blend.alpha)]
    spread = [(p.alpha, summarise(p.validation)) for p in blend.curve if p.validation]
    if spread:
        series = [(a, 100 * one.mean, 100 * (one.sd or 0.0)) for a, one in spread]
        panels.append(_panel("validation, % (± sd over seeds)", {"": series}, blend.alpha))
    return str(
        templates(autoescape=True)
        .get_template("curve.svg.j2")
        .render(panels=panels, width=_WIDTH, height=_HEIGHT)
    )


def _panel(title: str, series: Mapping[str, Series], chosen: float) -> dict[str, Any]:
    """Return the marks of one panel, in pixels."""
    given = {name: rows for name, rows in series.items() if rows}
    ends = [value + s * half for rows in given.values() for _, value, half in rows for s in (-1, 1)]
    margin = 0.08 * (max(ends) - min(ends)) or 0.01
    low, high = min(ends) - margin, max(ends) + margin
    x, y = scale(0.0, 1.0, _LEFT, _RIGHT), scale(low, high, _BOTTOM, _TOP)
    lines = [
        {
            "name": name,
            "points": [
                {"x": x(a), "y": y(v), "low": y(v - half), "high": y(v + half), "bar": half > 0}
                for a, v, half in rows
            ],
        }
        for name, rows in given.items()
    ]
    return {
        "title": title,
        "lines": lines,
        "chosen": x(chosen),
        "x_ticks": [{"place": x(tick / 4), "label": f"{tick / 4:g}"} for tick in range(5)],
        "y_ticks": [{"place": y(value), "label": f"{value:g}"} for value in ticks(low, high)],
        "box": {"left": _LEFT, "right": _RIGHT, "top": _TOP, "bottom": _BOTTOM},
    }
