from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from domainbert.errors import DataError
from domainbert.report.collect import collect, find_results

Write = Callable[..., Path]


def refused(*sources: object) -> str:
    with pytest.raises(DataError) as caught:
        collect([str(source) for source in sources])
    return str(caught.value)


def edit(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    entry = json.loads(path.read_text(encoding="utf-8"))
    change(entry)
    path.write_text(json.dumps(entry), encoding="utf-8")


def names(source: object) -> list[str]:
    return [path.name for path in find_results(str(source))]


def test_what_a_word_of_the_command_line_means(tmp_path: Path, write_result: Write) -> None:
    run = tmp_path / "runs" / "one"
    files = [write_result(run / "results", seed=seed) for seed in (0, 1)]
    (run / "checkpoints").mkdir()
    (run / "checkpoints" / "manifest.json").write_text("{}", encoding="utf-8")
    hidden = run / "results" / ".old" / "base-seed-0.json"
    hidden.parent.mkdir()
    hidden.write_text("{}", encoding="utf-8")
    both = ["adapted-seed-0.json", "adapted-seed-1.json"]
    assert names(run) == names(run / "results") == names(tmp_path / "runs") == both
    assert names(run / "results" / "*" / "*-0.json") == both[:1]
    assert names(tmp_path / "**" / "adapted-seed-*.json") == both
    assert names(files[1]) == both[1:]


def test_a_file_that_is_named_twice_is_read_once(tmp_path: Path, write_result: Write) -> None:
    path = write_result(tmp_path)
    results, notices = collect([str(path), str(tmp_path), str(path.parent / ".." / "tone")])
    assert (len(results), notices) == (1, ())


def test_nothing_there(tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    assert refused(folder) == (
        f"{folder}: no result in this folder: no file is named like `base-seed-0.json`. "
        "`domainbert evaluate` writes them."
    )
    missing = "no such file or folder, and no result matches it as a glob."
    assert refused(tmp_path / "none") == f"{tmp_path / 'none'}: {missing}"
    assert refused(tmp_path / "*" / "*.json") == f"{tmp_path}/*/*.json: {missing}"


def test_all_bad_files_are_told_at_once(tmp_path: Path, write_result: Write) -> None:
    whole, edited, cut, strange, alone = (
        write_result(tmp_path, seed=seed) for seed in (0, 1, 2, 3, 4)
    )
    edit(edited, lambda entry: entry["test"].update(accuracy=0.999))
    cut.write_bytes(cut.read_bytes()[:-40])
    edit(strange, lambda entry: entry.update(schema=7))
    alone.with_suffix(".jsonl").unlink()
    lines = refused(tmp_path).splitlines()
    assert len(lines) == 4
    assert f"{edited}: test.accuracy: 0.999 is not what its predictions give, 0." in lines[0]
    assert lines[1].startswith(f"{cut}: no readable JSON: ")
    assert lines[2].startswith(f"{strange}: schema: 7; this version reads schema 2.")
    assert lines[3] == (
        f"{alone}: predictions.file: no file 'adapted-seed-4.jsonl' beside it. "
        "Keep the two together."
    )
    assert not any(str(whole) in line for line in lines)


def test_a_result_that_was_copied_is_counted_once(tmp_path: Path, write_result: Write) -> None:
    for folder in ("a", "b"):
        write_result(tmp_path / folder)
        write_result(tmp_path / folder, model={"name": "base"})
    results, notices = collect([str(tmp_path)])
    assert sorted(scored.path.parts[-3] for scored in results) == ["a", "a"]
    assert notices == (
        "tone, adapted, seed 0: given twice with equal predictions, counted once.",
        "tone, base, seed 0: given twice with equal predictions, counted once.",
    )


def test_two_results_of_one_cell_that_differ_are_refused(
    tmp_path: Path, write_result: Write
) -> None:
    first = write_result(tmp_path / "a", right=0.7)
    second = write_result(tmp_path / "b", right=0.8)
    assert refused(tmp_path) == (
        f"{second}: tone, adapted, seed 0: differs from {first}, which is of the same model, task, "
        "seed and settings. Leave one of the two out."
    )


@pytest.mark.parametrize(
    "changes", [{"seed": 1}, {"settings": {"epochs": 8}}, {"model": {"sha256": "e" * 64}}]
)
def test_other_seeds_settings_and_weights_are_other_cells(
    tmp_path: Path, write_result: Write, changes: dict[str, Any]
) -> None:
    write_result(tmp_path / "a", right=0.7)
    write_result(tmp_path / "b", right=0.8, **changes)
    assert len(collect([str(tmp_path)])[0]) == 2


def test_predictions_made_gold_are_found_out(tmp_path: Path, write_result: Write) -> None:
    honest = write_result(tmp_path / "a", model={"name": "base"})
    forged = write_result(tmp_path / "b", records=60, seed=1)
    assert refused(honest, forged) == (
        f"{forged}: its gold labels are not those of {honest}, though both name the same test "
        "file. One of the two is not of this data: leave it out."
    )
