from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from domainbert.run.signals import StopFlag, watch_signals
from domainbert.system import WATCHED


@pytest.fixture
def handlers() -> Iterator[None]:
    """Ctrl-C as on a terminal, even where the tests run in the background; all as before after."""
    before = {number: signal.getsignal(number) for number in WATCHED}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_signals_that_are_to_be_ignored_stay_so(handlers: None) -> None:
    for number in WATCHED:
        signal.signal(number, signal.SIG_IGN)
    with watch_signals() as stop:
        for number in WATCHED:
            signal.raise_signal(number)
    assert stop == StopFlag([signal.SIGTERM, signal.SIGUSR1])


def test_only_a_second_ctrl_c_acts_at_once(handlers: None) -> None:
    with watch_signals() as stop:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGTERM):
            signal.raise_signal(number)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert stop == StopFlag([15, 2, 10, 15])
