"""A stage is done when its `stage.json` has its key and its outputs are whole."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from domainbert.errors import RunFolderError
from domainbert.run import stage as module
from domainbert.run.stage import Stage, begin, building, check_stage, is_done, read_stage

FACTS = {"schema": 2, "train": {"steps": 5, "tasks": ["a", "b"]}, "corpus": "abc"}


def stage(folder: Path, facts: Mapping[str, Any] = FACTS, replaceable: bool = False) -> Stage:
    return Stage("brew", folder / "brew", facts, replaceable)


def build(made: Stage, text: str = "tea", outputs: list[str] | None = None) -> None:
    with building(made, outputs) as (folder, result):
        (folder / "cups").mkdir()
        (folder / "cups" / "one.txt").write_text(text, encoding="utf-8")
        (folder / "two.txt").write_text("more", encoding="utf-8")
        result["cups"] = len(text)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def refusal(made: Stage) -> str:
    with pytest.raises(RunFolderError) as caught:
        check_stage(made)
    return str(caught.value)


def test_the_key_is_one_of_facts_and_not_of_their_order_or_place(tmp_path: Path) -> None:
    key = stage(tmp_path).key
    assert key == "44db1a9ecc24c5127e0b5a2f7b7601050f8618fbe5cb8a3bfb39e589a4720ef4"
    assert stage(tmp_path / "b", dict(reversed(FACTS.items())), replaceable=True).key == key
    assert stage(tmp_path, {**FACTS, "corpus": "abd"}).key != key
    assert stage(tmp_path, {**FACTS, "more": None}).key != key


def test_what_is_built_is_done_with_its_result_until_an_output_changes(tmp_path: Path) -> None:
    made = stage(tmp_path)
    assert read_stage(made.folder) is None
    assert not is_done(made)
    build(made)
    assert is_done(made)
    assert module.result_of(made) == {"cups": 3}
    written = read_stage(made.folder)
    assert written is not None
    assert sorted(written["outputs"]) == ["cups/one.txt", "two.txt"]
    assert not is_done(stage(tmp_path, {**FACTS, "corpus": "abd"}))
    (made.folder / "two.txt").write_text("less", encoding="utf-8")
    assert not is_done(made)
    build(made, outputs=["cups/one.txt"])
    (made.folder / "two.txt").unlink()
    assert is_done(made)
    (made.folder / "cups" / "one.txt").unlink()
    assert not is_done(made)


def test_long_work_is_marked_at_once_and_kept_under_its_key_alone(tmp_path: Path) -> None:
    made = stage(tmp_path)
    begin(made)
    assert not is_done(made)
    (made.folder / "step-1").touch()
    begin(made)
    assert names(made.folder) == ["stage.json", "step-1"]
    (tmp_path / "model.txt").write_text("weights", encoding="utf-8")
    module.finish(made, {"steps": 1}, [Path("step-1"), Path("../model.txt")])
    assert is_done(made)
    assert module.result_of(made) == {"steps": 1}
    (tmp_path / "model.txt").unlink()
    assert not is_done(made)
    other = stage(tmp_path, {**FACTS, "corpus": "abd"}, replaceable=True)
    begin(other)
    assert names(made.folder) == ["stage.json"]


def test_work_of_other_facts_is_refused_by_name_before_and_after_it_is_done(
    tmp_path: Path,
) -> None:
    made = stage(tmp_path)
    train = {"steps": 6, "tasks": ["a", "c"], "seed": 1}
    other = stage(tmp_path, {**FACTS, "train": train})
    for work in (begin, build):
        work(made)
        check_stage(made)
        assert refusal(other) == (
            f"{made.folder}: stage 'brew' was made from something else: train.steps: 5 → 6, "
            "train.tasks.1: 'b' → 'c', train.seed: None → 1. Restore it, delete the folder "
            f"{made.folder} to redo the stage, or name another with --out."
        )
        check_stage(stage(tmp_path, {**FACTS, "train": train}, replaceable=True))


@pytest.mark.parametrize("replaceable", [False, True])
def test_work_of_a_newer_schema_is_refused_by_name(tmp_path: Path, replaceable: bool) -> None:
    build(stage(tmp_path, {**FACTS, "schema": 3}))
    made = stage(tmp_path, replaceable=replaceable)
    assert refusal(made) == (
        f"{made.folder}: stage 'brew' has schema 3; this version writes 2. "
        "Continue with the version that wrote it, or name another folder with --out."
    )


@pytest.mark.parametrize("content", [b"", b"\xff", b"[]", b"{}", b"[" * 100_000, None])
def test_a_damaged_record_is_named_with_what_to_do(tmp_path: Path, content: bytes | None) -> None:
    made = stage(tmp_path)
    build(made)
    path = made.folder / "stage.json"
    if content is None:  # edited by hand
        content = path.read_bytes().replace(b'"cups": 3', b'"cups": 4')
    path.write_bytes(content)
    for ask in (check_stage, is_done):
        with pytest.raises(RunFolderError) as caught:
            ask(made)
        assert str(caught.value) == (
            f"{path}: damaged. Delete the folder {made.folder} and run again to rebuild it."
        )
