from __future__ import annotations

import re
from statistics import mean
from xml.etree import ElementTree

import pytest

from domainbert.report.curve import render_curve, render_scores
from domainbert.stages.blend import Blend, Point

SVG = "{http://www.w3.org/2000/svg}"
FULL = (
    Point(0.0, 3.0, 2.0, (0.5, 0.52)), Point(0.5, 2.4, 2.2, (0.7, 0.6)),
    Point(1.0, 2.0, 2.9, (0.6, 0.6)),
)  # fmt: skip


@pytest.mark.parametrize(
    ("curve", "panels", "lines"),
    [
        (FULL, 2, 3),
        (tuple(Point(p.alpha, p.bits, None, p.validation) for p in FULL), 2, 2),
        (tuple(Point(p.alpha, p.bits) for p in FULL), 1, 1),
        (tuple(Point(p.alpha, 2.0) for p in FULL), 1, 1),
    ],
)
def test_every_point_is_drawn_in_its_place(
    curve: tuple[Point, ...], panels: int, lines: int
) -> None:
    root = ElementTree.fromstring(render_curve(Blend(0.5, "none", "", curve)))
    groups = root.findall(f"{SVG}g")
    assert len(groups) == panels
    assert len(list(root.iter(f"{SVG}polyline"))) == lines
    circles = [(float(c.get("cx", 0)), float(c.get("cy", 0))) for c in root.iter(f"{SVG}circle")]
    assert len(circles) == lines * len(curve)
    # Left to right, the middle between the ends; larger values stand higher.
    first = circles[: len(curve)]
    assert first[1][0] == pytest.approx((first[0][0] + first[2][0]) / 2)
    if curve[0].bits > curve[-1].bits:
        assert first[0][1] < first[1][1] < first[2][1]
    width = float(root.get("width", 0))
    assert all(0 < x < width and 0 < y < float(root.get("height", 0)) for x, y in circles)


def test_scores_are_drawn_over_the_logarithm_of_the_records() -> None:
    rows = [(30.0, 40.0, 2.0), (300.0, 60.0, 2.0), (3000.0, 70.0, 2.0)]
    picture = render_scores({"base": rows, "frozen": rows[:2]}, "f1_strict", "Learning curves")
    circles = re.findall(r'cx="([\d.]+)"', picture)
    first, middle, last = map(float, circles[:3])
    assert middle - first == pytest.approx(last - middle, abs=0.2)
    assert len(circles) == 5
    assert all(f">{label}<" in picture for label in ("30", "300", "3000", "base", "frozen"))


def test_a_single_number_of_records_is_in_the_middle() -> None:
    rows = [(30.0, 40.0, 2.0)]
    picture = render_scores({"base": rows, "frozen": rows}, "f1_strict", "Learning curves")
    (place,) = set(re.findall(r'cx="([\d.]+)"', picture))
    wide = render_scores({"base": [*rows, (300.0, 60.0, 2.0)]}, "f1_strict", "Learning curves")
    assert float(place) == pytest.approx(mean(map(float, re.findall(r'cx="([\d.]+)"', wide))), 0.1)
