from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from domainbert import CorpusStep, DataError
from domainbert.errors import PluginError, RunFailed
from domainbert.plugin import calls
from domainbert.plugin.registry import calling, stream

STEP = CorpusStep("drop", lambda documents, _counts: documents)


@pytest.mark.parametrize(
    ("error", "path", "kind", "message"),
    [
        (ValueError("no\nluck"), None, RunFailed, "CorpusStep 'drop' failed: ValueError: no luck"),
        (ValueError("x"), Path("a.md"), DataError, "a.md: CorpusStep 'drop' failed: ValueError: x"),
        (SystemExit(3), None, RunFailed, "CorpusStep 'drop' called `sys.exit(3)`; raise DataError"),
    ],
)
def test_what_a_component_raises_becomes_an_error_with_its_name(
    error: BaseException, path: Path | None, kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind) as caught, calling(STEP, path):
        raise error
    assert str(caught.value).startswith(message)
    assert caught.value.__cause__ is error


class OutOfMemoryError(RuntimeError):
    """As torch raises it."""


@pytest.mark.parametrize("error", [DataError("x"), KeyboardInterrupt(), OutOfMemoryError("x")])
def test_errors_that_are_no_fault_of_the_component_pass_through(
    error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As if the user had pressed Ctrl-C; without it the exception would be the component's.
    monkeypatch.setattr("domainbert.plugin.guard.INTERRUPTS", [2])
    with pytest.raises(type(error)) as caught, calling(STEP):
        raise error
    assert caught.value is error


def failing() -> Iterator[int]:
    yield 1
    raise ValueError("x")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (failing, "CorpusStep 'drop' failed: ValueError: x"),
        (lambda: [1, "2"], "CorpusStep 'drop' failed: TypeError: yielded str, expected int"),
    ],
)
def test_a_stream_names_its_component_and_keeps_what_came_before(make: Any, message: str) -> None:
    items = []
    with pytest.raises(RunFailed) as caught:
        for item in stream(STEP, make, int):
            items.append(item)  # what came before the error is kept
    assert (str(caught.value), items) == (message, [1])


@pytest.mark.parametrize("text", ["abc", "0", "nan"])
def test_a_malformed_number_of_seconds(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(calls.SLOW_VARIABLE, text)
    monkeypatch.setattr(calls, "_watchers", [])
    expected = f"^{calls.SLOW_VARIABLE}='{text}': expected a number of"
    with pytest.raises(PluginError, match=expected), calling(STEP):
        pass


HANG = """
import signal
import time
from domainbert import CorpusStep
from domainbert.plugin.registry import calling, stream

# A parent that runs in the background may have left it ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)

def outer():
    yield from stream(CorpusStep("inner", len), inner)

def inner():
    yield 1
    time.sleep(60)

with calling(CorpusStep("quick", len)):
    pass
list(stream(CorpusStep("outer", len), outer))
"""


def test_a_call_that_hangs_is_named_once_and_ctrl_c_ends_it(bare_environment: None) -> None:
    env = {**os.environ, calls.SLOW_VARIABLE: "0.2"}
    command = [sys.executable, "-c", HANG]
    process = subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True)
    notice = "notice: CorpusStep 'inner' has not returned for 0.2 seconds.\n"
    assert process.stderr is not None and process.stderr.readline() == notice
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    rest = process.communicate(timeout=10)[1]
    assert "notice" not in rest
    assert rest.rstrip().endswith("KeyboardInterrupt")
