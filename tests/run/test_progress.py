"""Words that nobody hears change nothing."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


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
