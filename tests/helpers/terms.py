"""What the lists of terms of all plugins have in common."""

from __future__ import annotations

from collections import Counter

from domainbert import Terms


def doubled(terms: Terms) -> list[str]:
    """Return the terms that stand twice, whatever their case."""
    found = Counter(map(str.casefold, terms.read()))
    return [term for term, number in found.items() if number > 1]


def check_lines(terms: Terms, comments: int = 20) -> None:
    """Check that lines are terms, or comments of which there are more, and what the header says."""
    lines = terms.path.read_text(encoding="utf-8").splitlines()
    assert len(terms.read()) == sum(not line.startswith("#") for line in lines)
    assert all(line == line.strip() != "" for line in lines)
    header = " ".join(lines[:5])
    assert "Written by hand for this project" in header
    assert "CC0-1.0" in header
    assert terms.licence == "CC0-1.0"
    assert sum(line.startswith("# ") for line in lines) > comments
