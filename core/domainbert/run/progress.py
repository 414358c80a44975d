"""What a run says while it works: bars on a terminal, single lines elsewhere, all on stderr."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TextIO, cast

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn

from domainbert.visible import visible


class Bar:
    """Progress of one piece of work, on a terminal or in lines."""

    def __init__(self, reporter: Reporter, progress: Progress | None, task: int) -> None:
        self._reporter, self._progress, self._task = reporter, progress, TaskID(task)
        self._began: tuple[float, int] | None = None
        self.last = self._said = ""

    def update(
        self, done: int, note: str = "", line: str | None = None, total: int | None = None
    ) -> None:
        """Show how much is done, with a short note and the time left.

        Args:
            done: So far; at the first call what was done before, as by a run that is continued.
            note: Behind the bar.
            line: Printed where there is no terminal; on one, the last of them stays at the end.
            total: If it was not known before.
        """
        if self._progress is not None:
            task = self._progress.tasks[0]
            self._began = self._began or (time.monotonic(), done)
            since, before = time.monotonic() - self._began[0], done - self._began[1]
            if (whole := total or task.total) and before > 0 and done < whole:
                note += f" · {duration(since * (whole - done) / before)} left"
            update = self._progress.update
            update(self._task, completed=done, total=total, note=visible(note), visible=True)
            self.last = line or self.last
        elif line is not None and line != self._said:
            self._reporter.say(line)
            self._said = line


def duration(seconds: float) -> str:
    """Return a time in its unit, as `40 s`, `12 min` or `2.5 h`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"


class _Stream:
    """A stream whose reader may go, as `… 2>&1 | head` or a terminal: the work goes on."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError:
            # What waits in the buffer has to go somewhere, or Python ends with another error.
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())
        return len(text)


def _voice() -> Console:
    if sys.stderr is None:  # it was closed before the start, as by `2>&-`
        return Console(quiet=True)
    return Console(file=cast(TextIO, _Stream(sys.stderr)), highlight=False, emoji=False)


@dataclass(frozen=True)
class Reporter:
    """Speaks for one process; others of the same run are silent.

    Args:
        enabled: False makes every call do nothing.
        console: Where it goes.
    """

    enabled: bool = True
    console: Console = field(default_factory=_voice)

    def say(self, text: str) -> None:
        """Print one line."""
        if self.enabled:
            self.console.print(visible(text), markup=False, soft_wrap=True)

    @contextmanager
    def bar(self, title: str, total: int | None = None, hidden: bool = False) -> Iterator[Bar]:
        """Show a progress bar while the block runs, if there is a terminal.

        Args:
            title: Before the bar.
            total: Of the work; None if it is not known yet.
            hidden: Wait for the first update, as of a file that may need no download.
        """
        if not (self.enabled and self.console.is_terminal):
            yield Bar(self, None, 0)
            return
        name, gauge, share, _ = Progress.get_default_columns()
        # The spinner moves without updates, also while a step takes long.
        columns = (
            SpinnerColumn(),
            name,
            gauge,
            share,
            TextColumn("{task.fields[note]}", markup=False),
        )
        with Progress(*columns, console=self.console, transient=True) as progress:
            title = escape(visible(title))
            task = progress.add_task(title, total=total, note="", visible=not hidden)
            bar = Bar(self, progress, task)
            yield bar
        if bar.last:
            self.say(bar.last)


@contextmanager
def download_bar(reporter: Reporter) -> Iterator[Callable[[int, int], None]]:
    """Yield a function that shows bytes so far and in all; a line a second without a terminal."""
    shown = 0.0
    with reporter.bar("download", hidden=True) as bar:

        def show(done: int, total: int) -> None:
            nonlocal shown
            text = f"{done / 1e6:.1f} of {total / 1e6:.1f} MB"
            due = time.monotonic() - shown >= 1.0 or done >= total
            if due:
                shown = time.monotonic()
            bar.update(done, text, f"download: {text}" if due else None, total)

        yield show
