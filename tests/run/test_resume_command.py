from __future__ import annotations

import sys
from pathlib import Path

import pytest

from domainbert.run.folder import RunFolder
from domainbert.run.resume_command import next_command

SHORT = "domainbert adapt mine"


@pytest.mark.parametrize(
    ("started", "short", "words", "expected"),
    [
        (True, SHORT, ["/bin/domainbert", "adapt", "r.yaml"], SHORT),
        (False, SHORT, ["/bin/domainbert", "adapt", "my r.yaml"], "domainbert adapt 'my r.yaml'"),
        (False, SHORT, ["/domainbert/teach.py", "adapt"], "the same command"),
        (
            True, SHORT, ["domainbert", "adapt", "x", "--plugin=p.py"],
            "domainbert adapt x --plugin=p.py",
        ),
    ],
)  # fmt: skip
def test_the_next_command_is_one_that_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    started: bool, short: str, words: list[str], expected: str,
) -> None:  # fmt: skip
    run = RunFolder(tmp_path)
    if started:
        run.lock.touch()
    monkeypatch.setattr(sys, "argv", words)
    assert next_command(run, short) == expected
