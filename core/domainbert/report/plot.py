"""Where the marks of a plot of score against cost stand; the template draws them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from domainbert.report.ranking import Row, Table

WIDTH, HEIGHT = 720, 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 176, 16, 52
_LINE = 15
# Costs that differ by more than this are told apart on a logarithmic axis only.
_LOG_FROM = 20


@dataclass(frozen=True)
class Tick:
    """A mark on an axis: its place in pixels and its label."""

    place: float
    label: str


@dataclass(frozen=True)
class Point:
    """One model: its place, the ends of its interval and the height of its label, in pixels.

    One that is `outside` is far below all others and stands at the lower edge.
    """

    row: Row
    number: int
    x: float
    y: float
    low: float
    high: float
    label_y: float
    outside: bool


@dataclass(frozen=True)
class Plot:
    """Everything that the template draws, in pixels of a picture of `WIDTH` × `HEIGHT`."""

    points: tuple[Point, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    logarithmic: bool
    left: float = _LEFT
    right: float = WIDTH - _RIGHT
    top: float = _TOP
    bottom: float = HEIGHT - _BOTTOM


@dataclass(frozen=True)
class Axis:
    """A scale from values to pixels.

    Args:
        low: Value at `start`.
        high: Value at `end`.
        start: Pixel of the low end.
        end: Pixel of the high end.
        logarithmic: Whether equal distances are equal ratios.
    """

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def place(self, value: float) -> float:
        """Return the pixel of a value; that of the nearer end where it is outside."""
        low, high, at = self.low, self.high, min(max(value, self.low), self.high)
        if self.logarithmic:
            low, high, at = math.log10(low), math.log10(high), math.log10(value)
        share = (at - low) / (high - low)
        return round(self.start + share * (self.end - self.start), 1)


def make_plot(table: Table) -> Plot | None:
    """Plot the headline against minutes; None for fewer than two models."""
    if len(table.rows) < 2:
        return None
    costs = [row.minutes for row in table.rows]
    logarithmic = min(costs) > 0 and max(costs) / min(costs) > _LOG_FROM
    x = _cost_axis(costs, logarithmic)
    y = score_axis(table.rows, table.metric, HEIGHT - _BOTTOM, _TOP)
    points = []
    for number, row in enumerate(table.rows):
        mean = row.scores[table.metric].mean
        points.append(
            Point(
                row=row,
                number=number,
                x=x.place(row.minutes),
                y=y.place(mean),
                low=y.place(row.interval.low),
                high=y.place(row.interval.high),
                label_y=y.place(mean),
                outside=mean < y.low,
            )
        )
    return Plot(
        points=_spread(points),
        x_ticks=tuple(Tick(x.place(v), f"{v:g}") for v in _cost_ticks(x)),
        y_ticks=tuple(Tick(y.place(v), f"{100 * v:.4g}") for v in ticks(y.low, y.high)),
        logarithmic=logarithmic,
    )


def score_axis(rows: Sequence[Row], metric: str, start: float, end: float) -> Axis:
    """Return a scale of scores for the models, and for baselines that are not far below them.

    Otherwise a trivial baseline would press all differences between models into one spot.
    """
    models = [row for row in rows if not row.is_baseline] or rows
    low = min(row.interval.low for row in models)
    high = max(row.interval.high for row in models)
    reach = low - (high - low)
    near = [row for row in rows if row.scores[metric].mean >= reach]
    low = min(low, *(row.interval.low for row in near))
    high = max(high, *(row.interval.high for row in near))
    margin = 0.06 * (high - low) or 0.01
    return Axis(low - margin, high + margin, start, end)


def ticks(low: float, high: float, wanted: int = 5) -> list[float]:
    """Return round values within a range, 1, 2 or 5 times a power of ten apart."""
    rough = (high - low) / wanted
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * f for f in (1, 2, 5, 10) if power * f >= rough * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(number * step, 12) for number in range(first, last + 1)]


def _cost_axis(costs: Sequence[float], logarithmic: bool) -> Axis:
    start, end = _LEFT, WIDTH - _RIGHT
    if logarithmic:
        return Axis(min(costs) / 1.5, max(costs) * 1.5, start, end, True)
    return Axis(0.0, max(costs) * 1.08 or 1.0, start, end)


def _cost_ticks(axis: Axis) -> list[float]:
    if not axis.logarithmic:
        return ticks(axis.low, axis.high)
    powers = range(math.floor(math.log10(axis.low)), math.ceil(math.log10(axis.high)) + 1)
    factors = (1, 3) if len(powers) < 4 else (1,)
    found = [round(f * 10.0**power, 12) for power in powers for f in factors]
    return [value for value in found if axis.low <= value <= axis.high]


def _spread(points: Sequence[Point]) -> tuple[Point, ...]:
    """Move labels down until none stands on another, then up from the lower edge."""
    ordered = sorted(points, key=lambda point: point.label_y)
    places: list[float] = []
    for point in ordered:
        places.append(max(point.label_y, places[-1] + _LINE if places else _TOP))
    floor = float(HEIGHT - _BOTTOM)
    for number in reversed(range(len(places))):
        places[number] = min(places[number], floor)
        floor = places[number] - _LINE
    moved = [
        replace(point, label_y=round(place, 1))
        for point, place in zip(ordered, places, strict=True)
    ]
    return tuple(sorted(moved, key=lambda point: point.number))
