from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from domainbert.errors import DataError
from domainbert.report.collect import collect, find_results

Write = Callable[..., Path]


def refused(*sources: object) -> str:
    with pytest.raises(DataError) as caught:
        collect([str(source) for source in sources])
    return str(caught.value)


def names(source: object) -> list[str]:
    return [path.name for path in find_results(str(source))]


def test_files_folders_and_globs(tmp_path: Path, write_result: Write) -> None:
    run = tmp_path / "runs" / "one"
    files = [write_result(run / "results", seed=seed) for seed in (0, 1)]
    for other in ("checkpoints/manifest.json", "results/.old/base-seed-0.json"):
        (run / other).parent.mkdir()
        (run / other).write_text("{}", encoding="utf-8")
    both = ["adapted-seed-0.json", "adapted-seed-1.json"]
    assert names(run) == names(run / "results") == names(tmp_path / "runs") == both
    assert names(run / "results" / "*" / "*-0.json") == both[:1]
    assert names(tmp_path / "**" / "adapted-seed-*.json") == both
    assert names(files[1]) == both[1:]
    twice = collect([str(files[0]), str(run), str(files[0].parent / ".." / "tone")])
    assert (len(twice[0]), twice[1]) == (2, ())


def test_all_bad_files_are_told_at_once(tmp_path: Path, write_result: Write) -> None:
    edited, cut, alone = (write_result(tmp_path, seed=seed) for seed in (0, 1, 2))
    entry = json.loads(edited.read_text(encoding="utf-8"))
    entry["test"]["accuracy"] = 0.999
    edited.write_text(json.dumps(entry), encoding="utf-8")
    cut.write_bytes(cut.read_bytes()[:-40])
    alone.with_suffix(".jsonl").unlink()
    pipe = alone.with_name("base-seed-7.json")  # reading it would never end
    os.mkfifo(pipe)
    lines = refused(tmp_path).splitlines()
    assert len(lines) == 4
    assert f"{edited}: test.accuracy: 0.999 is not the score of its predictions, 0." in lines[0]
    assert lines[1].startswith(f"{cut}: no readable JSON: ")
    assert lines[2].startswith(f"{alone}: predictions.file: no file 'adapted-seed-2.jsonl' beside")
    assert lines[3] == f"{pipe}: no such file."


def test_a_result_that_was_copied_is_counted_once(tmp_path: Path, write_result: Write) -> None:
    for folder in ("a", "b"):
        write_result(tmp_path / folder)
    write_result(tmp_path / "c", environment={"python": "3.12"}, test={"charm": 0.5})
    results, notices = collect([str(tmp_path)])
    assert [scored.path.parts[-3] for scored in results] == ["a"]
    assert notices == (
        "tone, adapted, seed 0: given twice with equal predictions, counted once.",
        f"tone, adapted, seed 0: given from two environments, {results[0].path} counted.",
        "charm: no installed plugin provides this metric; shown as stored, not checked.",
    )


def test_results_at_odds_are_refused(tmp_path: Path, write_result: Write) -> None:
    first = write_result(tmp_path / "a", right=0.7)
    second = write_result(tmp_path / "b", right=0.8)
    assert refused(tmp_path).startswith(f"{second}: tone, adapted, seed 0: differs from {first}, ")
    others = [{"seed": 1}, {"settings": {"epochs": 8}}, {"model": {"sha256": "e" * 64}}]
    more = [write_result(tmp_path / str(n), **entry) for n, entry in enumerate(others)]
    assert len(collect([str(path) for path in (first, *more)])[0]) == 4
    forged = write_result(tmp_path / "f", records=60, seed=1)
    assert refused(first, forged).startswith(f"{forged}: its gold labels are not those of {first}")
