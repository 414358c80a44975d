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
from rich.progress import Progress, TaskID

from domainbert.visible import visible


class Bar:
    """Progress of one piece of work, on a terminal or in lines."""

    def __init__(self, reporter: Reporter, progress: Progress | None, task: int) -> None:
        self._reporter, self._progress, self._task = reporter, progress, TaskID(task)

    def update(
        self, done: int, note: str = "", line: str | None = None, total: int | None = None
    ) -> None:
        """Show how much is done, with a short note; without a terminal print the line."""
        if self._progress is not None:
            update = self._progress.update
            update(self._task, completed=done, total=total, note=note, visible=True)
        elif line is not None:
            self._reporter.say(line)


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
    def bar(self, title: str, total: int) -> Iterator[Bar]:
        """Show a progress bar while the block runs, if there is a terminal."""
        if not (self.enabled and self.console.is_terminal):
            yield Bar(self, None, 0)
            return
        *columns, left = Progress.get_default_columns()
        note, console = "{task.fields[note]}", self.console
        with Progress(*columns, note, left, console=console, transient=True) as progress:
            # Without a total nothing may ever happen, as with a file that need not be downloaded.
            task = progress.add_task(title, total=total, note="", visible=total > 0)
            yield Bar(self, progress, task)


@contextmanager
def download_bar(reporter: Reporter) -> Iterator[Callable[[int, int], None]]:
    """Yield a function that shows bytes so far and in all; a line a second without a terminal."""
    shown = 0.0
    with reporter.bar("download", 0) as bar:

        def show(done: int, total: int) -> None:
            nonlocal shown
            text = f"{done / 1e6:.1f} of {total / 1e6:.1f} MB"
            due = time.monotonic() - shown >= 1.0 or done >= total
            if due:
                shown = time.monotonic()
            bar.update(done, text, f"download: {text}" if due else None, total)

        yield show
