"""What a check found, and the line that tells it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

SHOWN = 3
"""Problems of one check that are told in full."""


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


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, and what to do about it."""

    what: str
    fix: str


def outcome(name: str, summary: str, problems: Iterable[Problem]) -> Outcome:
    """Return one outcome for any number of problems; `summary` is told where there are none."""
    found = list(problems)
    if not found:
        return Outcome(name, True, one_line(summary))
    told = [problem.what for problem in found[:SHOWN]]
    if len(found) > SHOWN:
        told.append(f"and {len(found) - SHOWN} more")
    fixes = dict.fromkeys(problem.fix for problem in found[:SHOWN])
    return Outcome(name, False, one_line("; ".join(told)), one_line("; ".join(fixes)))


def one_line(text: str) -> str:
    """Return a text with its lines joined by blanks; blanks inside of them stay to be seen."""
    return " ".join(line.strip() for line in text.splitlines() if line.strip())


def reason(error: BaseException) -> str:
    """Return type and message of an error on one line."""
    from domainbert.errors import UserError

    text = one_line(str(error)) or "no message"
    return text if isinstance(error, UserError) else f"{type(error).__name__}: {text}"


def count(number: int, noun: str) -> str:
    """Return a number with its noun, in the plural where it has to be."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def some(items: Iterable[str], shown: int = SHOWN) -> str:
    """Return the first of some items, and how many there are beyond."""
    found = list(items)
    more = f" and {len(found) - shown} more" if len(found) > shown else ""
    return ", ".join(found[:shown]) + more
