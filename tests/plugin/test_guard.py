from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from domainbert.plugin.guard import IMPORT_VARIABLE, contained, limited


def test_what_plugin_code_prints_goes_to_stderr_and_it_keeps_the_folder(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    before = Path.cwd()
    with contained():
        sys.stdout.write("noise\n")
        sys.stdout.close()
        os.chdir(tmp_path)
    sys.stdout.write("result\n")
    assert Path.cwd() == before
    assert capsys.readouterr() == ("result\n", "noise\n")


def test_the_end_of_the_process_is_an_exception_and_forks_may_end() -> None:
    with pytest.raises(SystemExit), contained():
        os._exit(0)
    with contained():
        pid = os.fork()
        if pid == 0:
            os._exit(7)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7


def test_an_import_without_end_is_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(IMPORT_VARIABLE, "0.2")
    with pytest.raises(BaseException, match=r"did not return within 0\.2 seconds"), limited():
        while True:
            try:
                time.sleep(30)
            except Exception:
                continue
