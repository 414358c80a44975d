"""The outcome of a check, and the line that shows it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

SHOWN = 3
"""Problems of one check that are shown in full."""

Problem = tuple[str, str]
"""One thing that is wrong, and what to do about it."""


@dataclass(frozen=True)
class Outcome:
    """The outcome of one check.

    Args:
        name: Of the check.
        ok: Whether nothing was wrong.
        what: What was looked at, or what is wrong with it; one line.
        fix: What to do, or an empty string.
    """

    name: str
    ok: bool
    what: str
    fix: str = ""

    @property
    def line(self) -> str:
        """The outcome as it is printed."""
        if self.ok:
            return f"ok    {self.name}: {self.what}"
        return f"FAIL  {self.name}: {self.what}  → {self.fix}"


def outcome(name: str, summary: str, problems: Iterable[Problem] = ()) -> Outcome:
    """Return one outcome for any number of problems; `summary` is shown where there are none."""
    wrong = list(problems)
    if not wrong:
        return Outcome(name, True, _joined_lines(summary))
    whats = [what for what, _ in wrong[:SHOWN]]
    if len(wrong) > SHOWN:
        whats.append(f"and {len(wrong) - SHOWN} more")
    fixes = dict.fromkeys(fix for _, fix in wrong[:SHOWN])
    return Outcome(name, False, _joined_lines("; ".join(whats)), _joined_lines("; ".join(fixes)))


def count(number: int, noun: str) -> str:
    """Return a number with its noun, in the plural where it has to be."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def some(items: Iterable[str]) -> str:
    """Return the first of some items, and the number of the rest."""
    names = list(items)
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _joined_lines(text: str) -> str:
    # Blanks inside of a line can be what is wrong, so they stay.
    return " ".join(line.strip() for line in text.splitlines() if line.strip())
