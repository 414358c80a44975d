"""A sentence-pair kind, a metric and a baseline of single-file plugins, used together."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers.tasks import PEOPLE, SETTINGS, classification
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import matthews_corrcoef

from domainbert.errors import DataError
from domainbert.pipeline.evaluate import evaluate
from domainbert.pipeline.trial import ModelUnderTest
from domainbert.plugin.components import Baseline
from domainbert.plugin.domain import Prediction
from domainbert.plugin.metric import Metric
from domainbert.plugin.registry import component
from domainbert.recipe.tasks import TaskSection
from domainbert.run.session import Session
from domainbert.storage.files import sha256_file
from domainbert.tasks.load import SPLITS, load_task


def pairs(first: int, count: int) -> str:
    """Return lines of pairs; the same person is named twice, or two are."""
    lines = []
    for n in range(first, first + count):
        who, other = PEOPLE[n % 4], PEOPLE[(n + n // 4) % 4]
        lines.append(f"the {who} moved\tthe {other} rested\t{'same' if who == other else 'other'}")
    return "\n".join(lines) + "\n"


def write(folder: Path) -> TaskSection:
    files = {split: f"{split}.tsv" for split in SPLITS}
    for split, part in zip(SPLITS, ((0, 32), (32, 16), (40, 16)), strict=True):
        (folder / files[split]).write_text(pairs(*part), encoding="utf-8")
    return TaskSection(
        name="pairs", kind="sentence-pair", metrics=("matthews",),
        baselines=("nearest-neighbour",), **files,
    )  # fmt: skip


def test_a_sentence_pair_task_is_fine_tuned_scored_and_compared(
    tmp_path: Path, family_folder: Callable[[str], Path], session: Session
) -> None:
    section = write(tmp_path).model_copy(update={"baselines": ()})
    loaded = load_task(section, None, tmp_path)
    assert (loaded.task.labels, len(loaded.splits["train"])) == (("other", "same"), 32)
    folder = family_folder("bert")
    digest = sha256_file(folder / "model.safetensors")
    models = [ModelUnderTest(name, folder, digest) for name in ("base", "adapted")]
    settings = SETTINGS.model_copy(update={"seeds": (0, 1), "epochs": 1})
    (report,) = evaluate(models, [loaded], settings, session)
    assert list(report.scores) == ["base", "adapted", "majority"]
    assert report.metric == "f1_macro"
    assert report.comparison is not None
    assert (report.comparison.difference, report.comparison.verdict) == (0.0, "not shown")
    assert report.scores["base"]["matthews"].values == report.scores["base"]["mcc"].values
    stored = json.loads((session.run.results / "pairs" / "base-seed-0.json").read_text("utf-8"))
    assert stored["task"]["kind"] == "sentence-pair"


def test_a_line_without_three_columns_is_named(tmp_path: Path) -> None:
    section = write(tmp_path)
    (tmp_path / "test.tsv").write_text("one\ttwo\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"test.tsv:1: expected first, second and label"):
        load_task(section, None, tmp_path)


CLASS = st.sampled_from("abc")


@given(st.lists(st.tuples(CLASS, CLASS), min_size=1, max_size=9))
def test_the_metric_is_that_of_scikit_learn(labels: list[tuple[str, str]]) -> None:
    gold = {gold for gold, _ in labels}
    labels = [(g, p if p in gold else "z") for g, p in labels]  # one class that is never gold
    metric: Any = component(Metric, "matthews")
    counts = metric.counts([Prediction((g,), (p,)) for g, p in labels])
    expected = matthews_corrcoef(*map(list, zip(*labels, strict=True)))
    assert float(metric.aggregate(counts.sum(axis=0))) == pytest.approx(expected)


@pytest.mark.parametrize("several", [False, True])
def test_the_baseline_knows_texts_of_train(several: bool) -> None:
    loaded = classification(several)
    test = loaded.splits["train"][:9]
    loaded = classification(several, test=test)
    made = component(Baseline, "nearest-neighbour").predict(loaded, 0)["test"]
    assert [p.predicted for p in made] == [example.labels for example in test]
