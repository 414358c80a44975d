"""Retrieval from files to results, verdicts and a leaderboard: one trial per model, none kept."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers.pairs import queries
from helpers.tasks import SETTINGS, classification
from safetensors.torch import load_file, save_file

from domainbert.errors import BaseModelError, DataError, RunFailed
from domainbert.model.classifier import Classifier
from domainbert.pipeline.evaluate import ModelUnderTest, evaluate
from domainbert.pipeline.kept import kept_models
from domainbert.pipeline.predict import find_task_model
from domainbert.report.card import side_notes
from domainbert.report.compare_results import compare_results
from domainbert.report.leaderboard import make_leaderboard
from domainbert.run.session import Session
from domainbert.storage.files import sha256_file, write_json
from domainbert.tasks.trials import section_of, unused_settings

SEEDS = SETTINGS.model_copy(update={"seeds": (0, 1, 2), "epochs": 1})


@pytest.fixture
def models(family_folder: Callable[[str], Path], tmp_path: Path) -> list[ModelUnderTest]:
    """Return a tiny model, and one whose vectors are all the same."""
    base, other = family_folder("bert"), tmp_path / "constant"
    other.mkdir()
    for file in base.iterdir():
        (other / file.name).write_bytes(file.read_bytes())
    weights = load_file(other / "model.safetensors")
    last = sorted(name for name in weights if name.endswith("output.LayerNorm.weight"))[-1]
    weights[last] = torch.zeros_like(weights[last])
    bias = last.replace("weight", "bias")
    weights[bias] = torch.ones_like(weights[bias])
    save_file(weights, other / "model.safetensors", {"format": "pt"})
    folders = {"adapted": base, "base": other}
    names = ("base", "adapted")
    return [
        ModelUnderTest(name, folders[name], sha256_file(folders[name] / "model.safetensors"))
        for name in names
    ]


def files(session: Session) -> list[str]:
    return sorted(path.name for path in session.run.results.rglob("*.json"))


def test_one_trial_per_model_is_compared_over_queries_alone(
    models: list[ModelUnderTest], session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = queries()
    (report,) = evaluate(models, [loaded], SEEDS, session)
    assert list(report.scores) == ["base", "adapted", "bm25"]
    assert list(report.scores["base"]) == ["ndcg_at_10", "mrr", "recall_at_1", "recall_at_10"]
    assert files(session) == ["adapted-seed-0.json", "base-seed-0.json", "bm25-seed-0.json"]
    # Equal vectors tie, which counts against them: 24 candidates, 8 queries with one document
    # behind the other 23, and 8 with two behind 22.
    assert report.scores["base"]["mrr"].mean == pytest.approx((1 / 24 + 1 / 23) / 2)
    compared = report.comparison
    assert compared is not None
    assert (compared.verdict, compared.seeds, compared.records) == ("better", ((0,), (0,)), 16)
    assert 0 < compared.low < compared.difference < compared.high
    assert list(kept_models(session.run)) == []
    assert "learned_nothing" not in report.counts
    assert side_notes(report) == [
        "Nothing is fine-tuned here: each encoder is scored once, as it is."
    ]
    stored = json.loads((session.run.results / "town/base-seed-0.json").read_text())
    assert {k: stored["settings"][k] for k in ("steps", "method")} == {
        "steps": 0, "method": "frozen",
    }  # fmt: skip
    monkeypatch.setattr(Classifier, "mean_texts", lambda *_: pytest.fail("scored again"))
    other = SEEDS.model_copy(update={"seeds": (5, 6), "epochs": 9, "keep": "all"})
    (again,) = evaluate(models, [loaded], other, session)
    assert again.scores["adapted"] == report.scores["adapted"]


def test_ranks_in_a_leaderboard_need_no_second_seed(
    models: list[ModelUnderTest], session: Session
) -> None:
    evaluate(models, [queries()], SEEDS, session)
    ((table,), _) = make_leaderboard([str(session.run.results)])
    ranks = {row["title"]: (row["rank"], row["unranked"]) for row in table["rows"]}
    assert sorted(ranks.values(), key=str) == [(1, None), (2, None), (None, "baseline")]


def test_settings_of_fine_tuning_are_said_to_be_ignored() -> None:
    tasks = [queries(), classification()]
    (said,) = unused_settings(tasks, SETTINGS.model_copy(update={"baselines": "all"}))
    assert said == (
        "notice: town: nothing is fine-tuned, so this is ignored there: `evaluate.batch_size`, "
        "`evaluate.epochs`, `evaluate.learning_rate`, `evaluate.min_steps`"
    )
    assert unused_settings(tasks[1:], SETTINGS) == []
    changes = {"grid": {"epochs": [1, 2]}, "class_weights": "balanced", "long_texts": "window"}
    changed = type(SETTINGS).model_validate(changes)
    (said,) = unused_settings(tasks, changed)
    assert said.endswith(": `evaluate.class_weights`, `evaluate.grid`")
    made = section_of(tasks[0], changed)
    assert (made.grid, made.long_texts, made.seeds, made.keep) == (None, "window", (0,), "none")
    assert section_of(tasks[1], changed) == changed


def test_results_of_other_data_are_not_compared(
    models: list[ModelUnderTest], session: Session
) -> None:
    evaluate(models, [queries()], SEEDS, session)
    folder = session.run.results / "town"
    path = folder / "adapted-seed-0.json"
    stored = json.loads(path.read_text())
    stored["task"]["data"]["test"] = "1" * 64
    write_json(path, stored)
    with pytest.raises(DataError, match=r"its task differs from that of .*base.* in data"):
        compare_results(str(folder / "base-seed-0.json"), str(path))


def test_an_encoder_without_finite_vectors_is_refused(
    models: list[ModelUnderTest], session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(model: Any, ids_BL: Any, mask_BL: Any) -> Any:
        return torch.full((len(ids_BL), 4), float("nan"))

    monkeypatch.setattr(Classifier, "mean_texts", broken)
    with pytest.raises(RunFailed, match=r"task 'town': scores that are not finite\.$"):
        evaluate(models, [queries()], SEEDS, session)


def test_predict_points_to_embed(models: list[ModelUnderTest], session: Session) -> None:
    evaluate(models, [queries()], SEEDS, session)
    run = session.run.path
    session.run.lock.write_text("{}")
    for task in (None, "town"):
        with pytest.raises(BaseModelError) as caught:
            find_task_model(str(run), task)
        assert str(caught.value) == (
            f"{run}: nothing is fine-tuned for town, a task of retrieval, so there is nothing to "
            f"predict with. Vectors of texts: `domainbert embed {run} FILE -o vectors.parquet`."
        )
    with pytest.raises(BaseModelError, match="no fine-tuned model of other"):
        find_task_model(str(run), "other")


def test_a_training_split_changes_no_score(models: list[ModelUnderTest], session: Session) -> None:
    scores = []
    for loaded in (queries(), queries(train=True)):
        scores.append(evaluate(models, [loaded], SEEDS, session)[0].scores)
        shutil.rmtree(session.run.results)
    assert scores[0] == scores[1]
