"""The point that is handed over: chosen by a rule, exact at the ends, continued after a stop."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers.runs import digests, times
from helpers.town import HELD_OUT, PEOPLE, task
from safetensors.torch import load_file

import domainbert.stages.validation
from domainbert.errors import RunFailed, Stopped
from domainbert.recipe.blend import BlendSection
from domainbert.run.folder import RunFolder
from domainbert.run.session import Session
from domainbert.stages.blend import Point, choose
from domainbert.training.held_out import HeldOutScore

Adapt = Callable[..., Any]
TRAIN = {"steps": 6, "head_steps": 2, "save_steps": 2, "save_total_limit": 3}
SECTIONS: dict[str, Any] = {
    HELD_OUT: {"fraction": 0.2, "general": "letters.txt"},
    "blend": {"points": [0.25, 0.5]},
}


@pytest.fixture(scope="module")
def town(make_town: Callable[[], Any]) -> Any:
    made = make_town()
    made.write(with_head=False, sections=SECTIONS, learning_rate=5e-3, **TRAIN)
    return made


@pytest.fixture(scope="module")
def whole(town: Any, adapt: Adapt) -> RunFolder:
    adapt(town, "town.yaml", "--out", "whole")
    return RunFolder(town.folder / "whole")


def copy(whole: RunFolder, name: str) -> RunFolder:
    run = RunFolder(whole.path.with_name(name))
    shutil.copytree(whole.path, run.path)
    return run


def stage(run: RunFolder) -> dict[str, Any]:
    content = json.loads((run.path / "blend" / "stage.json").read_text(encoding="utf-8"))
    return dict(content["result"])


@pytest.mark.slow
def test_the_choice_is_the_best_of_validation_and_a_function_of_the_run(
    town: Any, whole: RunFolder, adapt: Adapt
) -> None:
    result = stage(whole)
    curve = {point["alpha"]: point for point in result["curve"]}
    assert list(curve) == [0.0, 0.25, 0.5, 1.0]
    means = {alpha: sum(point["validation"]) for alpha, point in curve.items() if alpha}
    assert result["alpha"] == max(means, key=lambda alpha: (means[alpha], alpha))
    assert all(point["general"] > 0 for point in curve.values())
    adapt(town, "town.yaml", "--out", "again")
    again = RunFolder(town.folder / "again")
    assert stage(again) == result
    assert digests(again.model) == digests(whole.model)
    # Models that were not chosen are gone; the end of training stays.
    assert not whole.points.exists()
    assert (whole.adapted / "model.safetensors").is_file()
    card = whole.card.read_text(encoding="utf-8")
    assert "## Between base and end of training" in card
    assert "![The curve over α](blend.svg)" in card
    assert (whole.path / "blend.svg").read_text(encoding="utf-8").startswith("<svg ")


@pytest.mark.parametrize("alpha", [0, 0.25, 1])
def test_a_number_takes_that_point(town: Any, whole: RunFolder, adapt: Adapt, alpha: float) -> None:
    run = copy(whole, f"fixed-{alpha}")
    before = times(run.path)
    adapt(town, run.path.name, "--set", f"blend.choose={alpha}")
    base, end, made = (
        load_file(folder / "model.safetensors")
        for folder in (town.folder / "base", run.adapted, run.model)
    )
    assert stage(run)["reason"] == "set by the recipe"
    head = made.keys() - {f"bert.{name}" for name in base} - base.keys()
    for name, value in made.items():
        if name not in head:
            first = base.get(name, base.get(name.removeprefix("bert.")))
            assert first is not None
            expected = first if alpha == 0 else (1 - alpha) * first + alpha * end[name]
            assert value.equal(expected), name
        else:
            assert value.equal(end[name])
    if alpha == 1:
        assert digests(run.model) == digests(run.adapted)
    # Training is not touched, and test is scored for the chosen point alone.
    assert all(times(run.path)[n] == at for n, at in before.items() if n.startswith("pretrain"))
    names = {path.name.split("-seed")[0] for path in run.results.glob("*/*.json")}
    assert ("blend" in names) == (alpha != 1)


@pytest.mark.slow
def test_the_command_does_it_for_a_finished_run(
    town: Any, cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(town.folder)
    assert cli("adapt", "town.yaml", "--out", "plain", "--set", "blend=").code == 0
    run = RunFolder(town.folder / "plain")
    assert digests(run.model) == digests(run.adapted)
    assert stage(run) == {"alpha": 1.0, "average": "none", "reason": "", "curve": []}
    done = cli("blend", "plain", "--points", "0.4", "--choose", "0.4", "--json")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert found["blend"]["alpha"] == 0.4
    assert {point["alpha"] for point in found["blend"]["curve"]} == {0, 0.4, 1}
    assert list(found["tasks"][0]["comparisons"]) == ["adapted", "blend"]
    assert found["tasks"][0]["comparison"] == found["tasks"][0]["comparisons"]["blend"]
    (report,) = json.loads(cli("evaluate", "plain", "--seeds", "1", "--json").out)
    assert list(report["models"])[:3] == ["base", "adapted", "blend"]
    board = cli("leaderboard", "plain", "-o", "site")
    assert board.code == 0, board.err
    page = (town.folder / "site" / "leaderboard.md").read_text(encoding="utf-8")
    assert "town, α = 0.4" in page
    # Another choice replaces its results.
    again = cli("blend", "plain", "--choose", "1")
    assert "is of another blend and was removed" in again.err
    assert not list(run.results.glob("*/blend-seed-*"))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["none"], "none: no run folder"),
        (["half"], "half: training is not done. Continue with: domainbert adapt half"),
        (["bare", "--points", "0.5,1.5"], "blend.points.1: input should be less than or equal"),
        (["bare", "--points", "0.5,-0.1"], "blend.points.1: input should be greater than"),
        (["bare", "--points", "0.5,0.5"], "0.5: twice; give each once"),
        (["bare", "--points", ""], "blend.points=[]: tuple should have at least 1 item"),
        (["bare", "--points", "half"], "blend.points.0: input should be a valid number"),
        (["bare", "--points", "true"], "blend.points.0: expected a number, found true"),
        (
            ["bare", "--choose", "best"],
            "blend.choose=best: expected `validation`, `bits` or a number from",
        ),
        (["bare", "--choose", "2"], "blend.choose"),
        (["bare", "--choose", "bits"], "blend.choose: `bits` needs a general text"),
        (["bare", "--average", "last-0"], "expected `none`, `ema`, or `last-K`"),
        (["bare", "--average", "last-9"], "last-9 needs 9 checkpoints; `train.save_total_limit`"),
        (["bare", "--average", "last-1"], "`last-K` with K from 2"),
        (["bare", "--average", "[last-3]"], "expected `none`, `ema`, or `last-K`"),
        (["bare", "--points", "0.33333"], "four decimals at most"),
        (["bare", "--points", "-0.0,0.0"], "0.0: twice"),
        (["bare", "--points", ".nan"], "blend.points.0: input should be"),
        (["bare", "--budget", "-1"], "blend.budget"),
    ],
)
def test_bad_values_are_refused_before_any_work(
    town: Any, cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, words: list[str],
    message: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(town.folder)
    if not (town.folder / "bare").exists():
        plain = ["--set", "blend=", "--set", f"{HELD_OUT}.general="]
        assert cli("adapt", "town.yaml", "--out", "bare", *plain).code == 0
    if not (town.folder / "half").exists():
        assert cli("adapt", "town.yaml", "--out", "half", "--until", "corpus").code == 0
    before = digests(town.folder)
    done = cli("blend", *words)
    assert (done.code, done.out) == (2, ""), done.err
    assert message in done.err
    assert digests(town.folder) == before


def test_validation_without_tasks_is_refused(town: Any, adapt: Adapt) -> None:
    err = adapt(town, "town.yaml", "--out", "none", "--set", "tasks=[]", code=2).err
    assert "blend.choose: `validation` needs `tasks`" in err
    adapt(town, "town.yaml", "--out", "none", "--set", "tasks=[]", "--set", "blend.choose=0.5")
    assert stage(RunFolder(town.folder / "none"))["alpha"] == 0.5


def test_a_general_text_that_is_missing_is_named(town: Any, adapt: Adapt) -> None:
    err = adapt(town, "town.yaml", "--set", f"{HELD_OUT}.general=nowhere/*.txt", code=2).err
    assert "held_out.general.path: no file matches" in err


CURVE = (
    Point(0.0, 3.0, 2.0, (0.5, 0.5)), Point(0.25, 2.6, 2.05, (0.6, 0.7)),
    Point(0.5, 2.4, 2.2, (0.7, 0.6)), Point(1.0, 2.0, 2.9, (0.6, 0.6)),
)  # fmt: skip


def test_rules_of_choice() -> None:
    section = BlendSection(points=(0.25, 0.5))
    # Equal means: the larger share of the field.
    assert choose(section, CURVE) == (0.5, "best on the validation splits of the tasks")
    better = replace(CURVE[0], validation=(0.7, 0.7))
    why = "best after the base on the validation splits of the tasks"
    assert choose(section, (better, *CURVE[1:])) == (0.5, why)
    base = HeldOutScore(2.0, 0.5, 1, 1, 1, 1)
    for budget, alpha in ((0.05001, 0.25), (0.2001, 0.5), (5.0, 1.0)):
        bits = BlendSection(points=(0.25, 0.5), choose="bits", budget=budget)
        assert choose(bits, CURVE, base)[0] == alpha
    none = BlendSection(points=(0.25, 0.5), choose="bits", budget=0.01)
    with pytest.raises(RunFailed, match=r"nearest, α = 0\.25, costs 0\.050\. Raise the budget"):
        choose(none, CURVE, base)
    assert choose(BlendSection(points=(0.25,), choose=0.3), CURVE)[0] == 0.3


def test_a_budget_that_no_point_keeps_loses_no_training(
    town: Any, whole: RunFolder, adapt: Adapt
) -> None:
    run = copy(whole, "strict")
    words = ["--set", "blend.choose=bits", "--set", "blend.budget=0"]
    result = stage(whole)
    costs = [p["general"] - result["curve"][0]["general"] for p in result["curve"][1:]]
    code = 0 if min(costs) <= 0 else 1
    adapt(town, run.path.name, *words, code=code)
    assert (run.adapted / "model.safetensors").is_file()


@pytest.mark.slow
@pytest.mark.parametrize("average", ["last-3", "ema"])
def test_averages_of_checkpoints_are_the_far_end(town: Any, adapt: Adapt, average: str) -> None:
    words = ["--set", f"blend.average={average}", "--set", "blend.choose=1"]
    adapt(town, "town.yaml", "--out", average, *words)
    run = RunFolder(town.folder / average)
    kept = [load_file(p / "model.safetensors") for p in sorted(run.checkpoints.glob("step-*"))]
    assert len(kept) == 3
    shares = [1, 1, 1] if average == "last-3" else [1, 2, 4]
    made, end = load_file(run.model / "model.safetensors"), kept[-1]
    assert not all(value.equal(end[name]) for name, value in made.items() if name in end)
    for name, value in made.items():
        if name in end:
            mean = sum(s * k[name].double() for s, k in zip(shares, kept, strict=True)) / sum(
                shares
            )
            assert value.sub(mean.float()).abs().max() < 1e-6, name


@pytest.mark.slow
def test_an_interrupted_run_averages_the_same_checkpoints(
    town: Any, adapt: Adapt, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["--set", "blend.average=last-3", "--set", "blend.choose=1"]
    adapt(town, "town.yaml", "--out", "at-once", *words, "--until", "pretrain")
    whole = RunFolder(town.folder / "at-once")
    import domainbert.training.loop as loop

    real, raised = loop._finish_step, []

    def stop(job: Any, phase: Any, state: Any, *rest: Any) -> None:
        if state.step == 5 and not raised:
            raised.append(state.step)
            job.session.stop.append(15)
        real(job, phase, state, *rest)

    monkeypatch.setattr(loop, "_finish_step", stop)
    adapt(town, "town.yaml", "--out", "cut", *words, code=75)
    adapt(town, "cut")
    names = {path.name for path in RunFolder(town.folder / "cut").checkpoints.iterdir()}
    assert names == {path.name for path in whole.checkpoints.iterdir()} | {"step-00000005"}
    adapt(town, "at-once")
    assert digests(RunFolder(town.folder / "cut").model) == digests(whole.model)


def test_a_stage_that_was_stopped_keeps_its_trials(
    town: Any, whole: RunFolder, adapt: Adapt, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = copy(whole, "stopped")
    for name in ("validation", "blend", "model"):
        shutil.rmtree(run.path / name)
    real, made = domainbert.stages.validation.score, []

    def score(*given: Any) -> Any:
        made.append(given)
        if len(made) == 3:
            raise Stopped("SIGTERM", "enough")
        return real(*given)

    monkeypatch.setattr(domainbert.stages.validation, "score", score)
    adapt(town, "stopped", code=75)
    kept = times(run.validation)
    assert len(kept) == 2
    adapt(town, "stopped")
    assert {name: at for name, at in times(run.validation).items() if name in kept} == kept
    assert stage(run) == stage(whole)
    assert digests(run.model) == digests(whole.model)


def test_a_base_that_changed_since_the_run_is_refused(
    town: Any, whole: RunFolder, adapt: Adapt
) -> None:
    run = copy(whole, "moved")
    path = town.folder / "base" / "model.safetensors"
    content = path.read_bytes()
    try:
        path.write_bytes(content[:-20] + bytes([content[-20] ^ 1]) + content[-19:])
        err = adapt(town, "moved", "--set", "blend.points=[0.3]", code=2).err
    finally:
        path.write_bytes(content)
    assert "was made from something else" in err
    assert digests(run.model) == digests(whole.model)


@pytest.mark.parametrize("begun", [False, True])
def test_the_model_of_an_older_run_is_taken_for_the_end_of_training(
    town: Any, whole: RunFolder, adapt: Adapt, begun: bool
) -> None:
    shutil.rmtree(whole.path.with_name("older"), ignore_errors=True)
    run = copy(whole, "older")
    for name in ("model", "blend", "validation"):
        shutil.rmtree(run.path / name)
    shutil.copytree(run.adapted, run.model)
    shutil.rmtree(run.adapted)
    from domainbert.run.stage import Stage, finish, read_stage

    kept = read_stage(run.path / "pretrain")
    assert kept is not None
    old = Stage("pretrain", run.path / "pretrain", kept["facts"])
    outputs = [Path("..", "model", path.name) for path in run.model.iterdir()]
    finish(old, kept["result"], outputs)
    if begun:  # killed after the copy, before it was written down
        shutil.copytree(run.model, run.adapted)
    before = times(run.path)
    adapt(town, "older")
    assert stage(run) == stage(whole)
    assert digests(run.adapted) == digests(whole.adapted)
    changed = {name for name, at in times(run.path).items() if before.get(name) != at}
    assert not {name for name in changed if "checkpoints" in name}


def test_nan_in_the_adapted_model_is_refused_by_name(
    town: Any, whole: RunFolder, adapt: Adapt, session: Session
) -> None:
    from safetensors.torch import save_file

    from domainbert.run.stage import Stage, finish, read_stage

    run = copy(whole, "nan")
    path = run.adapted / "model.safetensors"
    tensors = load_file(path)
    name = sorted(tensors)[0]
    tensors[name].view(-1)[0] = float("nan")
    save_file(tensors, path, {"format": "pt"})
    (run.adapted / "MANIFEST.json").unlink()
    kept = read_stage(run.path / "pretrain")
    assert kept is not None
    outputs = [Path("..", "adapted", item.name) for item in run.adapted.iterdir()]
    finish(Stage("pretrain", run.path / "pretrain", kept["facts"]), kept["result"], outputs)
    err = adapt(town, "nan", "--set", "blend.points=[0.3]", "--set", "blend.choose=0.3", code=2).err
    assert "holds values that are not finite" in err
    assert name.removeprefix("bert.") in err


def test_a_run_with_validation_scores_can_be_ranked_and_compared(
    town: Any, whole: RunFolder, cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(town.folder)
    assert list(whole.validation.rglob("*.json"))
    for words in (["leaderboard", "whole", "-o", "board"], ["compare", "whole", "whole"]):
        done = cli(*words)
        assert done.code == 0, done.err


def test_the_general_text_is_part_of_what_was_measured(
    town: Any, whole: RunFolder, adapt: Adapt
) -> None:
    run = copy(whole, "lines")
    before = stage(run)["curve"][0]["general"]
    lines = f"{HELD_OUT}.general={{path: letters.txt, text_unit: line}}"
    adapt(town, run.path.name, "--set", lines)
    assert stage(run)["curve"][0]["general"] != before


def test_a_general_text_without_text_is_refused_before_training(town: Any, adapt: Adapt) -> None:
    (town.folder / "blank.txt").write_text(" \n")
    (town.folder / "strange.txt").write_text("\u5317\u4eac " * 9, encoding="utf-8")
    for name in ("blank.txt", "strange.txt"):
        err = adapt(town, "town.yaml", "--out", "no", "--set", f"{HELD_OUT}.general={name}", code=2)
        assert "held_out.general: the tokenizer of the base finds nothing in this text" in err.err
        assert not (town.folder / "no").exists()
    # Files of the run itself are no text outside the field.
    adapt(town, "town.yaml", "--out", "own", "--until", "corpus")
    (town.folder / "own" / "notes.txt").write_text("The baker found the barn.")
    words = ["--set", f"{HELD_OUT}.general=own/notes.txt"]
    assert "outside the run folder" in adapt(town, "town.yaml", "--out", "own", *words, code=2).err


def test_an_average_that_the_run_lacks_is_refused_before_the_recipe_is_written(
    town: Any, whole: RunFolder, cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(town.folder)
    run = copy(whole, "pruned")
    shutil.rmtree(sorted(run.checkpoints.iterdir())[1])
    before = digests(run.path)
    done = cli("blend", "pruned", "--average", "last-3")
    assert (done.code, done.out) == (2, ""), done.err
    assert re.search(r"blend.average: \S+step-\d+: is missing. Average fewer", done.err), done.err
    assert digests(run.path) == before


@pytest.mark.slow
def test_a_floor_of_steps_that_decides_nothing_makes_no_other_trial(
    town: Any, whole: RunFolder, adapt: Adapt
) -> None:
    run = copy(whole, "floor")
    before = times(run.results)
    adapt(town, "floor", "--set", "evaluate.min_steps=2")
    assert times(run.results) == before
    adapt(town, "floor", "--set", "evaluate.min_steps=60")
    assert times(run.results) != before


@pytest.mark.slow
def test_a_task_without_seeds_counts_in_each_mean_of_seeds(
    make_town: Callable[[], Any], adapt: Adapt
) -> None:
    made = make_town()
    files = {split: f"{split}.jsonl" for split in ("validation", "test")}
    tasks = [task("town-names", "tagging"), {"name": "find", "kind": "retrieval", **files}]
    made.write(sections={**SECTIONS, "tasks": tasks}, learning_rate=5e-3, steps=4, head_steps=2)
    for number, name in enumerate(files.values()):
        rows = [{"query": f"the {who}", "document": f"{number} {who}"} for who in PEOPLE]
        (made.folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    said = adapt(made, "town.yaml", "--out", "run").err
    assert "notice: find: nothing is fine-tuned, so this is ignored there: `evaluate.b" in said
    run = RunFolder(made.folder / "run")
    assert [len(point["validation"]) for point in stage(run)["curve"]] == [2] * 4
    assert [path.name for path in run.kept.iterdir()] == ["town-names"]
    assert "\nNothing is fine-tuned here: each encoder" in run.card.read_text(encoding="utf-8")
