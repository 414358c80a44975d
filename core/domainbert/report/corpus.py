"""A corpus as a picture: lengths, sources and drops."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from domainbert.report.text import templates

_WIDTH, _LEFT, _RIGHT, _ROW, _GAP = 640, 190, 560, 17, 34


def render_corpus(stats: Mapping[str, Any]) -> str:
    """Return the picture as SVG, from what `corpus_stats` returns."""
    drops = {
        f"{step}: {reason.replace('_', ' ')}": number
        for step, reasons in stats["steps"].items()
        for reason, number in reasons.items()
    }
    lengths = {f"< {int(end):,} tokens": number for end, number in stats["lengths"].items()}
    sources = {item["corpus"]: item["tokens"] for item in stats["sources"]}
    panels = [
        ("documents by length", lengths, "#1f5fa8"),
        ("tokens by source", sources, "#3a7d44"),
        ("read and not kept, or changed", drops or {"nothing": 0}, "#c2571a"),
    ]
    y, shown = 22, []
    for title, values, colour in panels:
        most = max(values.values(), default=0) or 1
        bars = [
            {
                "label": label[:34],
                "value": f"{value:,}",
                "width": round((_RIGHT - _LEFT) * value / most, 1),
                "y": y + 10 + number * _ROW,
            }
            for number, (label, value) in enumerate(values.items())
        ]
        shown.append({"title": title, "bars": bars, "colour": colour, "y": y})
        y += len(bars) * _ROW + _GAP
    template = templates(autoescape=True).get_template("corpus.svg.j2")
    return str(template.render(panels=shown, width=_WIDTH, left=_LEFT, height=y))
