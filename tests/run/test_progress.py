"""Words that nobody hears change nothing."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import time

import pytest
from rich.console import Console

from domainbert.run.progress import Reporter, duration


def test_an_error_that_nobody_reads_has_its_exit_code_and_is_said_nowhere_else() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    words = [sys.executable, "-m", "domainbert", "adapt", "none.yaml"]
    closed = ["sh", "-c", 'exec "$@" 2>&-', "sh", *words]
    try:
        for command in (words, closed):
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=writer, check=False)
            assert (done.returncode, done.stdout) == (2, b"")
    finally:
        os.close(writer)


SIGNS = """
from domainbert.cli import app
from domainbert.cli.common import print_line, print_table

app.app = lambda prog_name: (print_table(["a"], [["1.0 ± 0.1 🙂"]]), print_line("2 − 1"))
app.main()
"""


@pytest.mark.parametrize(
    ("encoding", "table", "line"),
    [
        # Click takes ASCII for a mistake, and writes UTF-8 of itself.
        ("ascii", b"1.0 \\xb1 0.1 \\U0001f642", "2 − 1".encode()),
        ("latin-1", b"1.0 \xb1 0.1 \\U0001f642", b"2 \\u2212 1"),
    ],
)
def test_results_are_printed_where_their_signs_do_not_exist(
    encoding: str, table: bytes, line: bytes
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SIGNS], stdout=subprocess.PIPE, check=True,
        env={**os.environ, "PYTHONIOENCODING": encoding, "DOMAINBERT_PLUGINS": ""},
    )  # fmt: skip
    lines = [found.strip(b" |") for found in done.stdout.splitlines()]
    assert (lines.count(table), lines.count(line)) == (1, 1)


def terminal() -> tuple[Reporter, io.StringIO]:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=100, highlight=False)
    return Reporter(console=console), stream


def test_a_bar_moves_by_itself_says_the_time_left_and_leaves_its_last_line() -> None:
    reporter, stream = terminal()
    with reporter.bar("training [b]", 10) as bar:
        bar.update(4)  # of an earlier run, so it says nothing of the speed
        while len(set(re.findall("[\u2800-\u28ff]", stream.getvalue()))) < 3:
            time.sleep(0.05)
        assert "left" not in stream.getvalue()
        bar.update(5, "loss [2.0]", "full 5/10 \u00b7 loss 2.0")
        while "left" not in stream.getvalue():
            time.sleep(0.05)
    assert "training [b]" in stream.getvalue()
    assert "loss [2.0] \u00b7 " in stream.getvalue()
    assert stream.getvalue().splitlines()[-1].endswith("full 5/10 \u00b7 loss 2.0")


def test_a_download_that_is_not_needed_shows_nothing() -> None:
    reporter, stream = terminal()
    with reporter.bar("download", hidden=True):
        time.sleep(0.3)
    assert "download" not in stream.getvalue()


def test_without_a_terminal_only_lines_are_said_and_each_once() -> None:
    stream = io.StringIO()
    reporter = Reporter(console=Console(file=stream, width=100))
    with reporter.bar("training", 10) as bar:
        bar.update(1, "loss 2.0")
        for _ in range(2):
            bar.update(2, "loss 1.0", "2/10 \u00b7 loss 1.0")
    assert stream.getvalue() == "2/10 \u00b7 loss 1.0\n"


@pytest.mark.parametrize(("seconds", "text"), [(40, "40 s"), (720, "12 min"), (9000, "2.5 h")])
def test_a_time_has_its_unit(seconds: float, text: str) -> None:
    assert duration(seconds) == text
