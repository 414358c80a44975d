from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Write = Callable[..., Path]
Made = dict[str, str]


def run(*arguments: object) -> tuple[int, str, str]:
    command = [sys.executable, "-m", "domainbert", "patents", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def examples(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_examples_of_a_weekly_file(made: Made, written: Write, tmp_path: Path) -> None:
    output = tmp_path / "train.jsonl"
    done = run(written(made["weekly"]), "-o", output, "--part", "first-claim", "--level", "class")
    # The application has IPC symbols only.
    counts = "2 examples; 1 patents without text or label"
    assert done == (0, f"{output}: {counts}\n", "")
    assert examples(output)[0] == {
        "id": "US-9000001-B2",
        "date": "2015-04-07",
        "text": "A pump comprising: a valve; and a 2 mm seat.",
        "labels": ["F04", "Y10"],
    }


def test_dates_and_scheme(made: Made, written: Write, tmp_path: Path) -> None:
    output = tmp_path / "old.jsonl"
    done = run(
        written(made["weekly"]), "-o", output, "--dates", "2005-01-01:2005-12-31", "--scheme", "IPC"
    )
    assert (done[0], done[2]) == (0, "")
    assert [(e["id"], e["labels"], e["text"]) for e in examples(output)] == [
        ("US-20050099999-A1", ["A61B", "G06F"], "A clip.")
    ]


@pytest.mark.parametrize(
    ("cut", "arguments", "said"),
    [
        (100, (), "record 4, at byte"),
        (0, ("--dates", "1990-01-01:1990-12-31"), "none of 0 patents has a text (abstract)"),
    ],
)
def test_nothing_is_written_after_an_error(
    made: Made, written: Write, tmp_path: Path, cut: int, arguments: tuple[str, ...], said: str
) -> None:
    path = written(made["weekly"][: len(made["weekly"]) - cut])
    code, out, error = run(path, "-o", tmp_path / "train.jsonl", *arguments)
    assert (code, out) == (2, "")
    assert said in error
    assert "Traceback" not in error
    assert [found.name for found in tmp_path.iterdir()] == ["a.xml"]


def test_a_file_that_exists_is_kept(made: Made, written: Write, tmp_path: Path) -> None:
    output = written("mine", "train.jsonl")
    code, _, error = run(written(made["grant"]), "-o", output)
    assert (code, output.read_text()) == (2, "mine")
    assert "exists already" in error
