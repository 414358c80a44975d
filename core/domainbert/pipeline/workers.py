"""Texts or rows annotated here, or in several processes: the order stays, and memory is bounded."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from domainbert.batching import batched
from domainbert.errors import RunFailed
from domainbert.model.load import BaseFolder
from domainbert.pipeline.annotate import Annotator, open_annotator
from domainbert.pipeline.choose import load_registry
from domainbert.plugin.components import Annotation
from domainbert.plugin.domain import Document
from domainbert.run.folder import RunFolder
from domainbert.run.progress import Reporter
from domainbert.run.session import Session
from domainbert.run.signals import StopFlag
from domainbert.system import PARENT, end_with_parent
from domainbert.tasks.read import Asked

CHUNK = 256
"""Documents that are annotated together, sorted by length."""
Annotate = Callable[[Iterable[Any]], Iterator[tuple[Any, Annotation]]]
"""Documents, or rows (`Asked`), to each with what the model says of it."""
_LOOK = 0.5
# Of a worker: what it opened.
_opened: list[Annotator] = []
_failed: list[Exception] = []


def in_turn(annotator: Annotator) -> Annotate:
    """Return a function that annotates documents in this process."""

    def annotate(items: Iterable[Any]) -> Iterator[tuple[Any, Annotation]]:
        for chunk in batched(items, CHUNK):
            found = annotator.annotate([_content(item) for item in chunk])
            yield from zip(chunk, found, strict=True)

    return annotate


def _content(item: Document | Asked) -> Any:
    """Return what a model reads of an item: its text, or its record."""
    return item.text if isinstance(item, Document) else item.record


@contextmanager
def side_by_side(
    place: BaseFolder, plugins: Sequence[Path], processes: int, session: Session
) -> Iterator[Annotate | None]:
    """Open a model in several processes while the block runs, on as many GPUs as there are.

    Args:
        place: The model.
        plugins: Files of `--plugin`, for its kind of task.
        processes: With one, nothing is opened, and None is yielded.
        session: Its stop signal and precision.
    """
    if processes == 1:
        yield None
        return
    context = multiprocessing.get_context("spawn")
    turns = context.Value("i", 0)
    precision = "bf16" if session.bf16 else "fp32"
    worker = partial(_start, place, tuple(plugins), precision, os.getpid(), processes)
    pool = ProcessPoolExecutor(processes, context, worker, (turns,))
    try:
        yield partial(_annotate, pool, 2 * processes, session)
    except BaseException:
        # Otherwise the pool waits for chunks that nobody wants any more.
        for child in multiprocessing.active_children():
            child.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _annotate(
    pool: ProcessPoolExecutor, ahead: int, session: Session, items: Iterable[Any]
) -> Iterator[tuple[Any, Annotation]]:
    waiting: deque[tuple[list[Any], Future[list[Annotation]]]] = deque()
    for chunk in batched(items, CHUNK):
        try:
            waiting.append((chunk, pool.submit(_work, [_content(item) for item in chunk])))
        except BrokenProcessPool:
            raise _died() from None
        if len(waiting) > ahead:
            yield from _first(waiting, session)
    while waiting:
        yield from _first(waiting, session)


def _first(
    waiting: deque[tuple[list[Any], Future[list[Annotation]]]], session: Session
) -> Iterator[tuple[Any, Annotation]]:
    chunk, future = waiting.popleft()
    while True:
        session.check_stop("predicting")
        try:
            found = future.result(_LOOK)
        except NotYet:
            continue
        except BrokenProcessPool:
            raise _died() from None
        yield from zip(chunk, found, strict=True)
        return


def _died() -> RunFailed:
    return RunFailed(
        "a process of --processes died; often the system killed it for its memory. Repeat the "
        "command with fewer processes; with --out it goes on where it was."
    )


def _start(*given: Any) -> None:
    """Open the model; what goes wrong is raised by the first chunk, where the parent hears it."""
    try:
        _open(*given)
    except Exception as error:
        _failed.append(error)


def _open(
    place: BaseFolder,
    plugins: tuple[Path, ...],
    precision: str,
    parent: int,
    processes: int,
    turns: Any,
) -> None:
    """Prepare a worker: it ends with its parent, which alone minds Ctrl-C."""
    import torch

    os.environ[PARENT] = str(parent)
    end_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with turns.get_lock():
        turn, turns.value = turns.value, turns.value + 1
    if torch.cuda.is_available():
        torch.cuda.set_device(turn % torch.cuda.device_count())
    torch.set_num_threads(max(1, torch.get_num_threads() // processes))
    load_registry(plugins)
    session = Session(None, RunFolder(Path()), Reporter(enabled=False), StopFlag())
    _opened.append(open_annotator(place, session.with_processes(precision)))


def _work(items: list[Any]) -> list[Annotation]:
    if _failed:
        raise _failed[0]
    return _opened[0].annotate(items)
