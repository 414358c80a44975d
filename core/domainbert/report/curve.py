"""Curves of a run as pictures: bits and scores over α, losses over steps."""

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
# Room for names beside a panel, where lines that rise would cross them.
_NAMES = 90
# A line with more points is drawn without dots.
_DOTTED = 30
Series = Sequence[tuple[float, float, float]]
"""α, value and half the height of its bar."""


def render_curve(blend: Blend) -> str:
    """Return the picture as SVG: a panel of bits per character, and one of validation scores."""
    general = [(p.alpha, p.general, 0.0) for p in blend.curve if p.general is not None]
    bits = {"held-out text": [(p.alpha, p.bits, 0.0) for p in blend.curve], "general text": general}
    about: dict[str, Any] = {
        "quarters": True, "chosen": blend.alpha, "below": "α (dashed: chosen)",
    }  # fmt: skip
    panels = [_panel("bits per character", bits, **about)]
    spread = [(p.alpha, summarise(p.validation)) for p in blend.curve if p.validation]
    if spread:
        series = [(a, 100 * one.mean, 100 * (one.sd or 0.0)) for a, one in spread]
        panels.append(_panel("validation, % (± sd over seeds)", {"": series}, **about))
    title = "Scores of the models between base (α = 0) and end of training (α = 1)"
    return _render(panels, title)


def render_losses(losses: Mapping[str, Sequence[tuple[int, float]]]) -> str:
    """Return the losses of training as SVG: a line per phase, by its name.

    Args:
        losses: Step and mean loss since the point before, in nats per masked token.
    """
    series = {name: [(step, loss, 0.0) for step, loss in rows] for name, rows in losses.items()}
    return _render([_panel("loss", series, below="step")], "Loss while training")


def render_scores(series: Mapping[str, Series], metric: str, title: str) -> str:
    """Return scores over numbers of labelled records as SVG, on a logarithmic axis.

    Args:
        series: Records, score in percent and half of its interval, by the name of the model.
        metric: Name of the metric.
        title: Of the picture.
    """
    panel = _panel(f"{metric}, %", series, below="labelled records", logarithmic=True)
    return _render([panel], title, _WIDTH + _NAMES)


def _render(panels: list[dict[str, Any]], title: str, width: int = _WIDTH) -> str:
    template = templates(autoescape=True).get_template("curve.svg.j2")
    return str(template.render(panels=panels, title=title, width=width, height=_HEIGHT))


def _panel(
    title: str,
    series: Mapping[str, Series],
    below: str,
    chosen: float | None = None,
    quarters: bool = False,
    logarithmic: bool = False,
) -> dict[str, Any]:
    """Return the marks of one panel, in pixels.

    Args:
        title: Above it.
        series: Place, value and half the height of a bar, by the name of the line.
        below: What the places are.
        chosen: Place of a dashed line.
        quarters: Whether the axis goes from 0 to 1 in quarters.
        logarithmic: Whether it is logarithmic, with a mark at each place and names beside it.
    """
    given = {name: rows for name, rows in series.items() if rows}
    ends = [value + s * half for rows in given.values() for _, value, half in rows for s in (-1, 1)]
    margin = 0.08 * (max(ends) - min(ends)) or 0.01
    low, high = min(ends) - margin, max(ends) + margin
    places = sorted({place for rows in given.values() for place, *_ in rows})
    last = 1.0 if quarters else places[-1] or 1.0
    first = places[0] if logarithmic else 0.0
    x = scale(first, last, _LEFT, _RIGHT, logarithmic)
    y = scale(low, high, _BOTTOM, _TOP)
    marked = [tick / 4 for tick in range(5)] if quarters else ticks(0.0, last, 4)
    marked = places if logarithmic else marked
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
        "below": below,
        "chosen": None if chosen is None else x(chosen),
        "dots": len(next(iter(given.values()), ())) < _DOTTED,
        "x_ticks": [{"place": x(value), "label": f"{value:g}"} for value in marked],
        "y_ticks": [{"place": y(value), "label": f"{value:g}"} for value in ticks(low, high)],
        "beside": logarithmic,
        "box": {"left": _LEFT, "right": _RIGHT, "top": _TOP, "bottom": _BOTTOM},
    }
