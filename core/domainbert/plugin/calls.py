"""Calls of plugin code: what fails or hangs gets a name."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from domainbert.errors import DataError, DomainBertError, RunFailed, one_line
from domainbert.plugin.guard import contained, is_users_interrupt, seconds_of

SLOW_VARIABLE = "DOMAINBERT_SLOW_CALL_SECONDS"
OWNERS: dict[int, str] = {}
"""Plugin of each record by its identity; the registry fills it."""
_running: dict[object, tuple[Any, float]] = {}  # the newest call is the last
_last_end = [0.0]
_watchers: list[threading.Thread] = []
_END = object()


@contextmanager
def calling(record: Any, path: Path | None = None) -> Iterator[None]:
    """Turn what a component raises into an error that names component and plugin.

    A call that does not return within `DOMAINBERT_SLOW_CALL_SECONDS` (60) is named on stderr. The
    block is one call; for a generator use `stream`. Errors of core and lack of memory pass through.

    Args:
        record: A component, or another record with a name.
        path: The file that it reads.

    Raises:
        DataError: It failed while it read `path`.
        RunFailed: It failed otherwise, or called `sys.exit`.
    """
    _watch()
    call = object()
    _running[call] = (record, time.monotonic())
    try:
        with contained():
            yield
    except (DomainBertError, MemoryError):
        raise
    except BaseException as error:
        # OutOfMemoryError is of torch, which is not imported here.
        if type(error).__name__ == "OutOfMemoryError" or is_users_interrupt(error):
            raise
        what = f"{title_of(record)} failed: {one_line(error)}"
        if isinstance(error, SystemExit):
            what = f"{title_of(record)} called `sys.exit({error.code!r})`; raise DataError instead."
        raise (RunFailed(what) if path is None else DataError(f"{path}: {what}")) from error
    finally:
        del _running[call]
        _last_end[:] = [time.monotonic()]  # a call that this one was made for is alive


def stream(
    record: Any, make: Callable[[], Iterable[Any]], kind: type = object, path: Path | None = None
) -> Iterator[Any]:
    """Yield the items that a component yields; each item is one call.

    Args:
        record: The component.
        make: Calls it.
        kind: Expected type of the items.
        path: The file that it reads.

    Raises:
        DataError: It failed while it read `path`, or yields something else.
        RunFailed: The same without a path.
    """
    with calling(record, path):
        items = iter(make())
    while True:
        with calling(record, path):
            item = next(items, _END)
            if item is _END:
                return
            if not isinstance(item, kind):
                raise TypeError(f"yielded {type(item).__name__}, expected {kind.__name__}")
        yield item


def title_of(record: Any) -> str:
    """Return type, name and plugin of a record, for messages."""
    owner = OWNERS.get(id(record))
    return f"{type(record).__name__} {record.name!r}" + (f" of plugin {owner}" if owner else "")


def _watch() -> None:
    # A forked process has no threads of its parent: `is_alive` is false there.
    if _watchers and _watchers[0].is_alive():
        return
    seconds = seconds_of(SLOW_VARIABLE, 60)
    _watchers[:] = [threading.Thread(target=_name_slow_calls, args=(seconds,), daemon=True)]
    _watchers[0].start()


def _name_slow_calls(seconds: float) -> None:
    named = None
    while True:
        time.sleep(seconds / 4)
        call, (record, start) = next(reversed(_running.copy().items()), (None, (None, 0.0)))
        since = max(start, _last_end[0])
        if call is not None and call is not named and time.monotonic() - since >= seconds:
            named = call
            said = f"notice: {title_of(record)} has not returned for {seconds:g} seconds."
            print(said, file=sys.stderr, flush=True)  # noqa: T201  # from a thread
