"""Pairs, multiple choice and regression from files to results, kept models and a leaderboard."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from helpers.pairs import pairs, questions, ratings
from helpers.tasks import SETTINGS

from domainbert.pipeline.evaluate import ModelUnderTest, evaluate
from domainbert.pipeline.kept import kept_models
from domainbert.plugin.components import LoadedTask
from domainbert.report.leaderboard import make_leaderboard, write_leaderboard
from domainbert.run.session import Session
from domainbert.storage.files import sha256_file

TASKS: dict[str, Callable[[], LoadedTask]] = {
    "pairs": pairs, "choices": questions, "texts": ratings, "rated pairs": lambda: ratings(True),
}  # fmt: skip
Run = Callable[..., Any]


@pytest.fixture
def run(family_folder: Callable[[str], Path], session: Session) -> Run:
    """Evaluate two tiny models, which are the same, on a task."""

    def run(loaded: LoadedTask, family: str = "bert", **changes: Any) -> Any:
        folder = family_folder(family)
        digest = sha256_file(folder / "model.safetensors")
        models = [ModelUnderTest(name, folder, digest) for name in ("base", "adapted")]
        settings = SETTINGS.model_copy(update={"seeds": (0, 1), "epochs": 1, **changes})
        return evaluate(models, [loaded], settings, session)[0]

    return run


def stored(session: Session, model: str = "base", seed: int = 0) -> list[dict[str, Any]]:
    lines = (session.run.results / f"town/{model}-seed-{seed}.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


@pytest.mark.parametrize(
    ("name", "metrics", "baselines"),
    [
        ("pairs", ["accuracy", "f1_macro", "mcc"], ["majority", "tfidf-svm"]),
        ("choices", ["choice_accuracy"], ["majority"]),
        ("texts", ["pearson", "spearman", "r2", "mse"], ["mean", "tfidf-ridge"]),
        ("rated pairs", ["pearson", "spearman", "r2", "mse"], ["mean", "tfidf-ridge"]),
    ],
)
def test_models_and_baselines_are_scored_and_compared(
    run: Run, session: Session, tmp_path: Path, name: str, metrics: list[str], baselines: list[str]
) -> None:
    loaded = TASKS[name]()
    report = run(loaded)
    assert list(report.scores) == ["base", "adapted", *baselines]
    assert (report.metric, list(report.scores["base"])) == (metrics[0], metrics)
    assert (report.comparison.difference, report.comparison.records) == (0.0, 16)
    assert len(stored(session)) == len(loaded.splits["test"])
    tables, _ = make_leaderboard([str(session.run.results)])
    write_leaderboard(tables, (), tmp_path / "board")
    page = (tmp_path / "board/index.html").read_text("utf-8")
    if "mse" in metrics:
        mean = report.scores["mean"]["mse"].mean
        assert mean > 100
        assert f"<td>{mean:.4g}</td>" in page


@pytest.mark.parametrize(
    ("family", "method"),
    [("bert", "full"), ("roberta", "full"), ("modernbert", "full"), ("bert", "lora")],
)
@pytest.mark.parametrize("name", ["pairs", "choices", "texts", "rated pairs"])
def test_plain_transformers_gives_the_stored_predictions(
    run: Run, session: Session, family: str, name: str, method: str
) -> None:
    loaded = TASKS[name]()
    run(loaded, family, seeds=(0,), baselines=False, pooling="head", method=method)
    folder = next(kept_models(session.run))[0]
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)

    def scores(*texts: str) -> Any:
        made = tokenizer(*filter(None, texts), truncation="longest_first", max_length=16,
                         return_tensors="pt")  # fmt: skip
        with torch.inference_mode():
            return model(**made).logits[0]

    kind = "regression" if name in ("texts", "rated pairs") else "single_label_classification"
    assert model.config.problem_type == kind
    for record, line in zip(loaded.splits["test"], stored(session), strict=True):
        if name == "pairs":
            best = scores(record.text, record.second).argmax()
            assert [model.config.id2label[int(best)]] == line["predicted"]
        elif name == "choices":
            margins = [
                scores(record.text, choice) @ torch.tensor([-1.0, 1.0]) for choice in record.choices
            ]
            assert ["ABC"[int(torch.stack(margins).argmax())]] == line["predicted"]
        else:
            number = float(scores(record.text, record.second))
            assert number == pytest.approx(float(line["predicted"][0]), rel=1e-4)
