"""The Python way, as of a notebook."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from helpers.runs import weights

import domainbert
from domainbert.api import _yaml
from domainbert.recipe.resolve import _parse_setting
from domainbert.run.folder import RunFolder

pytestmark = pytest.mark.usefixtures("bare_environment", "fresh_accelerator")
HEAVY = {"torch", "transformers", "pydantic", "yaml"}


@pytest.fixture
def town(make_town: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> Any:
    made = make_town()
    made.write(steps=2, save_steps=2)
    monkeypatch.chdir(made.folder)
    return made


def test_a_run_and_more_seeds(town: Any, capsys: pytest.CaptureFixture[str]) -> None:
    settings = {"train.steps": 3, "title": "a: b # [c]", "evaluate.seeds": [0]}
    run = domainbert.adapt("town.yaml", settings=settings, out=Path("mine"))
    assert isinstance(run, domainbert.RunSummary)
    assert (run.recipe.train.steps, run.recipe.title) == (3, "a: b # [c]")
    assert run.model == Path("mine/model") and (run.model / "model.safetensors").is_file()
    assert run._repr_markdown_().encode() == Path("mine/README.md").read_bytes()
    assert "recipe town → mine" in capsys.readouterr().err
    again = domainbert.adapt("mine")
    assert again is not None and again.adaptation.after == run.adaptation.after
    done = domainbert.evaluate("mine", seeds=2)
    assert done.results == Path("mine/results")
    with pytest.raises(domainbert.UserError, match="mine: is a run, whose scores of its base"):
        domainbert.evaluate("mine", against="base", out="mine")
    (report,) = done.reports
    assert len(report.scores["adapted"][report.metric].values) == 2


def test_finished_trials_of_a_run_are_not_repeated_beside_another_model(
    town: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    domainbert.adapt("town.yaml", settings={"evaluate.seeds": [0]}, out="mine")
    shutil.copytree("base", "other")
    stored = {path.name: path.read_bytes() for path in Path("mine/results").glob("*/*")}
    capsys.readouterr()
    done = domainbert.evaluate("mine", "other", seeds=2)
    said = capsys.readouterr().err
    assert f"trials of mine that are finished and copied: {len(stored) // 2}" in said
    ran = {line.split(": f1")[0] for line in said.splitlines() if ": f1_strict" in line}
    assert ran == {"town-names: base, seed 1", "town-names: adapted, seed 1",
                   "town-names: other, seed 0", "town-names: other, seed 1"}  # fmt: skip
    assert stored.items() <= {p.name: p.read_bytes() for p in done.results.glob("*/*")}.items()
    (kept,) = Path("mine/tasks/town-names").iterdir()
    apart = Path("evaluations/mine-and-other")
    assert len(list((apart / "tasks/town-names").iterdir())) == 1
    domainbert.evaluate("mine", "other", seeds=2)
    assert "f1_strict" not in capsys.readouterr().err
    assert kept.is_dir()
    # Other settings make other trials: only the baselines, which know none, are the same.
    domainbert.evaluate("mine", settings={"evaluate.epochs": 2}, seeds=1)
    said = capsys.readouterr().err
    assert "town-names: base, seed 0: f1_strict" in said and "majority-type, seed 0" not in said


def test_the_bits_are_those_of_the_command(town: Any, cli: Callable[..., Any]) -> None:
    settings = {"tasks": [], "train.precision": "fp32"}
    domainbert.adapt("town.yaml", settings=settings, out="a")
    assert cli("adapt", "town.yaml", "--set", "tasks=[]", "--out", "b").code == 0
    assert weights(RunFolder(Path("a"))) == weights(RunFolder(Path("b")))


def test_one_process_runs_with_several_precisions_and_outside_the_main_thread(town: Any) -> None:
    for precision in ("bf16", "fp32"):
        settings = {"tasks": [], "train.precision": precision}
        with ThreadPoolExecutor(1) as pool:
            call = pool.submit(domainbert.adapt, "town.yaml", settings=settings, out=precision)
            run = call.result()
        assert run is not None and run.hardware["precision"] == precision


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({"recipe": "none.yaml"}, "none.yaml"),
        ({}, "Give a recipe or --domain"),
        ({"recipe": "town.yaml", "settings": {"train.step": 3}}, "Did you mean 'steps'"),
        ({"recipe": "town.yaml", "plugins": ["none.py"]}, "none.py"),
    ],
)
def test_what_a_user_can_put_right_is_a_user_error(
    town: Any, words: dict[str, Any], told: str
) -> None:
    with pytest.raises(domainbert.UserError, match=told):
        domainbert.adapt(**words)


def test_a_stage_is_the_last(town: Any) -> None:
    assert domainbert.adapt("town.yaml", until="corpus", out="run") is None
    assert not Path("run/pretrain").exists()


@pytest.mark.parametrize(
    "value",
    [3, 1e-5, "text", "a: b", "- x", None, True, [1, {"a": "b"}], "1:30", "x" * 500, "", "ä"],
)
def test_a_setting_is_read_as_it_was_given(value: Any) -> None:
    assert _parse_setting(f"title={_yaml(value)}") == [(("title",), value)]


def test_all_that_is_public_is_there_and_costs_nothing_before(python: Callable[..., Any]) -> None:
    assert all(getattr(domainbert, name) for name in domainbert.__all__)
    check = f"import sys, domainbert; sys.exit(len({HEAVY!r} & set(sys.modules)))"
    assert python("-c", check).code == 0
