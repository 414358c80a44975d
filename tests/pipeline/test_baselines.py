"""Baselines and predictions made elsewhere are rows like a model: trials, seeds, ranks."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from helpers.tasks import SETTINGS, classification, tagging

import domainbert.pipeline.evaluate
from domainbert.errors import Stopped
from domainbert.pipeline.evaluate import evaluate
from domainbert.pipeline.trial import ModelUnderTest
from domainbert.plugin.components import LoadedTask, OutsidePredictions
from domainbert.plugin.domain import Prediction
from domainbert.recipe.evaluate import GridSection
from domainbert.report.card import side_notes, task_json
from domainbert.report.compare import TaskReport
from domainbert.report.leaderboard import make_leaderboard, write_leaderboard
from domainbert.run.session import Session, open_session
from domainbert.storage.files import sha256_file
from domainbert.tasks.baselines import bilstm
from domainbert.tasks.metrics.score import score

Evaluate = Callable[..., TaskReport]
SEEDED = {
    "tagging": ("bilstm", "bilstm-crf", "bilstm-pieces", "frozen"),
    "classification": ("bilstm", "bilstm-pieces", "frozen"),
}
ALONE = {
    "tagging": ("majority-type", "mentions"),
    "classification": ("majority", "tfidf-svm", "tfidf-logreg"),
}


@pytest.fixture
def run(family_folder: Any, session: Session) -> Evaluate:
    """Evaluate a tiny base with two seeds on a task."""
    folder = family_folder("bert")
    model = ModelUnderTest("base", folder, sha256_file(folder / "model.safetensors"), "a-base")

    def call(loaded: LoadedTask, here: Session = session, **changes: Any) -> TaskReport:
        given = {"seeds": (0, 1), "epochs": 1, "keep": "all", **changes}
        (report,) = evaluate([model], [loaded], SETTINGS.model_copy(update=given), here)
        return report

    return call


def test_a_signal_ends_a_bilstm_in_the_middle_of_a_seed(
    run: Evaluate, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = count(1)

    def interrupted(_where: str) -> None:
        if next(steps) == 3:
            signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(bilstm, "heartbeat", interrupted)
    handler = signal.getsignal(signal.SIGTERM)
    with open_session(session.run.path, session.reporter) as watched:
        here = replace(watched, accelerator=session.accelerator)
        with pytest.raises(Stopped, match="Stopped by SIGTERM; finished work is kept"):
            run(classification(), here, baselines=("majority", "bilstm"))
    assert signal.getsignal(signal.SIGTERM) is handler
    assert next(steps) == 4
    kept = [path.name for path in session.run.results.rglob("*.json")]
    assert kept == ["majority-seed-0.json"]


def table(session: Session) -> dict[str, dict[str, Any]]:
    """The rows of the leaderboard by the name of the model."""
    (found,), _ = make_leaderboard([str(session.run.results)])
    return {row["model"].name: row for row in found["rows"]}


@pytest.mark.slow
@pytest.mark.parametrize(
    "loaded",
    [
        pytest.param(tagging(), id="tagging", marks=pytest.mark.slow),
        pytest.param(classification(), id="classification"),
    ],
)
def test_all_baselines_stand_in_the_table_with_seeds_and_ranks(
    run: Evaluate, session: Session, loaded: LoadedTask, tmp_path: Path
) -> None:
    report = run(loaded, baselines="all")
    alone, seeded = ALONE[loaded.task.kind], SEEDED[loaded.task.kind]
    assert tuple(report.scores) == ("base", *alone, *seeded)
    n_values = {name: len(rows[report.metric].values) for name, rows in report.scores.items()}
    assert n_values == dict.fromkeys(alone, 1) | dict.fromkeys((*seeded, "base"), 2)
    rows = table(session)
    assert {n: row["unranked"] for n, row in rows.items()} == (
        dict.fromkeys(alone, "baseline") | dict.fromkeys((*seeded, "base"))
    )
    assert {n for n, row in rows.items() if row["is_baseline"]} == {*alone, *seeded[:-1]}
    assert rows["frozen"]["settings"]["method"] == "frozen"
    assert len({row["title"] for row in rows.values()}) == len(rows)
    # The model was to be kept; those that it is compared with are not.
    assert {path.name for path in session.run.kept.glob("*/*")} == {"base-seed-0", "base-seed-1"}
    write_leaderboard(*make_leaderboard([str(session.run.results)]), tmp_path / "site")


@pytest.mark.slow
def test_finished_baselines_are_not_repeated_until_the_base_is_another(
    run: Evaluate, session: Session
) -> None:
    wanted = {"baselines": ("bilstm", "bilstm-pieces", "frozen")}
    first = run(classification(), **wanted)
    path = session.run.results / "town" / "bilstm-pieces-seed-1.json"
    entry = json.loads(path.read_text())
    base = json.loads((path.parent / "base-seed-0.json").read_text())["model"]["sha256"]
    assert (entry["model"]["starts_from"], entry["model"]["sha256"]) == (base, None)
    entry["model"]["starts_from"] = "0" * 64
    path.write_text(json.dumps(entry))
    times = {p.name: p.stat().st_mtime_ns for p in path.parent.glob("*.json")}
    assert run(classification(), **wanted).scores == first.scores
    changed = {p.name for p in path.parent.glob("*.json") if p.stat().st_mtime_ns != times[p.name]}
    assert changed == {path.name}


def test_the_frozen_row_is_left_out_where_the_model_is_frozen_alike(run: Evaluate) -> None:
    rates = GridSection(learning_rate=(1e-3, 1e-2, 1e-1))
    alike = {"method": "frozen", "grid": rates, "baselines": ("frozen",)}
    assert tuple(run(classification(), **alike).scores) == ("base",)
    one_rate = {**alike, "grid": None}
    assert tuple(run(classification(), **one_rate).scores) == ("base", "frozen")


def outside(loaded: LoadedTask, run: int = 0, name: str = "some-llm") -> OutsidePredictions:
    rows = [Prediction(one.labels, ("place",), ("place",)) for one in loaded.splits["test"]]
    rows[run] = replace(rows[run], predicted=("person",), ranking=("person",))
    return OutsidePredictions(name, run, "2026-05-01", "a prompt", str(run) * 64, tuple(rows))


def test_predictions_made_elsewhere_are_scored_and_named(
    run: Evaluate, session: Session, tmp_path: Path
) -> None:
    loaded = classification()
    made = outside(loaded)
    report = run(replace(loaded, outside=(made,)), baselines=False)
    expected = score(loaded.task, made.predictions)
    assert {n: s.values for n, s in report.scores["some-llm"].items()} == {
        name: (value,) for name, value in expected.items()
    }
    row = table(session)["some-llm"]
    assert (row["unranked"], row["rank"], row["is_baseline"]) == ("one run", None, False)
    assert (row["model"].date, row["model"].source) == ("2026-05-01", "a prompt")
    assert (row["model"].sha256, row["settings"]) == ("0" * 64, {})
    assert task_json(report)["outside"] == {"some-llm": "2026-05-01, a prompt"}
    assert side_notes(report) == ["some-llm: predictions made elsewhere (2026-05-01, a prompt)."]
    write_leaderboard(*make_leaderboard([str(session.run.results)]), tmp_path / "site")
    page = (tmp_path / "site" / "index.html").read_text()
    assert "made elsewhere: a prompt" in page
    assert "some-llm, 2026-05-01" in page
    # Another file of this name takes the place of the first.
    other = replace(made, sha256="f" * 64, predictions=outside(loaded, 1).predictions)
    changed = run(replace(loaded, outside=(other,)), baselines=False).scores["some-llm"]
    assert changed != report.scores["some-llm"]


def test_runs_of_one_name_are_one_row_with_a_rank(run: Evaluate, session: Session) -> None:
    loaded = classification()
    report = run(replace(loaded, outside=(outside(loaded), outside(loaded, 1))), baselines=False)
    assert len(report.scores["some-llm"]["accuracy"].values) == 2
    row = table(session)["some-llm"]
    assert (row["seeds"], row["unranked"], row["rank"] is None) == ((0, 1), None, False)


def test_records_that_are_in_train_are_left_out_of_a_second_score(
    run: Evaluate, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = classification()
    assert run(whole, baselines=True).clean == {}
    loaded = replace(whole, in_train=(0, 3, 4), outside=(outside(whole),))
    # Results from before the numbers were kept: none is computed again.
    monkeypatch.setattr(domainbert.pipeline.evaluate, "tuned_predictions", None)
    report = run(loaded, baselines=True)
    kept = [p for n, p in enumerate(loaded.outside[0].predictions) if n not in loaded.in_train]
    assert report.clean["some-llm"].values == (score(loaded.task, kept)[report.metric],)
    assert set(report.clean) == set(report.scores)
    assert len(report.clean["base"].values) == 2
    assert task_json(report)["clean"]["some-llm"]["mean"] == report.clean["some-llm"].mean
    assert side_notes(report)[-1].startswith(
        f"Without the test records that are in train, {report.metric}: base "
    )
    stored = json.loads((session.run.results / "town" / "some-llm-seed-0.json").read_text())
    assert stored["in_train"] == [0, 3, 4]
    # With nothing else in the test split there is no such score.
    every = replace(loaded, in_train=tuple(range(12)))
    assert "b-llm" not in run(replace(every, outside=(outside(whole, 0, "b-llm"),))).clean
