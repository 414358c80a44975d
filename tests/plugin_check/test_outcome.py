from __future__ import annotations

from domainbert.plugin_check.outcome import Outcome, count, outcome, some


def test_problems_become_one_line_and_each_fix_is_shown_once() -> None:
    problems = [(f"p{n}\nx", "fix a" if n < 2 else "fix b") for n in range(5)]
    wrong = outcome("x", "fine", problems)
    assert wrong == Outcome("x", False, "p0 x; p1 x; p2 x; and 2 more", "fix a; fix b")
    assert wrong.line == "FAIL  x: p0 x; p1 x; p2 x; and 2 more  → fix a; fix b"
    assert outcome("x", "fine").line == "ok    x: fine"


def test_counts_and_lists() -> None:
    assert [count(n, "task") for n in (0, 1, 2000)] == ["0 tasks", "1 task", "2,000 tasks"]
    assert [some("abcde"[:n]) for n in (0, 3, 5)] == ["", "a, b, c", "a, b, c and 2 more"]
