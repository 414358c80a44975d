"""Fine-tuned models that a run keeps: those that were scored, and of each task the best."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from helpers.runs import digests, times
from helpers.tasks import SETTINGS, classification, tagging

from domainbert.errors import StorageFullError
from domainbert.model.classifier import AUTO_CLASSES
from domainbert.model.task_model import open_task_model
from domainbert.pipeline import kept
from domainbert.pipeline.evaluate import evaluate
from domainbert.pipeline.kept import best_model, kept_models
from domainbert.pipeline.trial import ModelUnderTest
from domainbert.plugin.components import LoadedTask
from domainbert.run.session import Session
from domainbert.storage.files import sha256_file

FAMILIES = [
    "bert", "roberta", "distilbert", "electra", "deberta-v2", "modernbert", "xlm-roberta", "mpnet",
]  # fmt: skip
Run = Callable[..., Any]


@pytest.fixture
def run(family_folder: Any, session: Session) -> Run:
    """Evaluate a tiny model of a family on a task."""

    def run(loaded: LoadedTask, family: str = "bert", **changes: Any) -> Any:
        folder = family_folder(family)
        model = ModelUnderTest("base", folder, sha256_file(folder / "model.safetensors"))
        about = {"seeds": (0, 1, 2), "epochs": 1, "baselines": False, **changes}
        return evaluate([model], [loaded], SETTINGS.model_copy(update=about), session)

    return run


def names(session: Session) -> list[str]:
    return [
        folder.relative_to(session.run.kept).as_posix() for folder, _ in kept_models(session.run)
    ]


def result(session: Session, seed: int) -> dict[str, Any]:
    path = session.run.results / f"town/base-seed-{seed}.json"
    return dict(json.loads(path.read_text()))


def test_the_best_on_validation_is_kept_and_a_later_one_only_if_it_is_better(
    run: Run, session: Session
) -> None:
    run(tagging(), epochs=4)
    scores = [result(session, seed)["validation"]["f1_strict"] for seed in range(3)]
    assert len(set(scores)) > 1
    assert names(session) == [f"town/base-seed-{int(np.argmax(scores))}"]
    ((folder, about),) = kept_models(session.run)
    assert about["validation"]["f1_strict"] == max(scores)
    assert best_model(session.run, "town") == best_model(session.run, None) == (folder, about)
    assert best_model(session.run, "other") is None


@pytest.mark.parametrize(("rule", "expected"), [("all", 3), ("none", 0)])
def test_all_or_none(run: Run, session: Session, rule: str, expected: int) -> None:
    run(tagging(), keep=rule)
    assert names(session) == [f"town/base-seed-{seed}" for seed in range(expected)]


def test_a_model_whose_result_is_another_by_now_goes(run: Run, session: Session) -> None:
    run(tagging(), keep="all", seeds=(0, 1))
    run(tagging(), keep="all", seeds=(0,), epochs=2)
    assert [about["settings"]["epochs"] for _, about in kept_models(session.run)] == [2, 1]
    (session.run.results / "town/base-seed-1.json").unlink()
    run(tagging(), keep="all", seeds=(0,), epochs=2)
    assert names(session) == ["town/base-seed-0"]


@pytest.mark.parametrize("rule", ["best", "all", "none"])
def test_a_model_that_was_deleted_comes_back_with_the_same_bits(
    run: Run, session: Session, rule: str
) -> None:
    run(tagging(), keep=rule)
    before = {folder: digests(folder) for folder, _ in kept_models(session.run)}
    shutil.rmtree(session.run.kept, ignore_errors=True)
    stamps = times(session.run.results)
    run(tagging(), keep=rule)
    assert {folder: digests(folder) for folder, _ in kept_models(session.run)} == before
    changed = {path for path, at in times(session.run.results).items() if stamps[path] != at}
    assert len(changed) == 2 * len(before)  # each with its predictions


@pytest.mark.parametrize("family", FAMILIES)
def test_plain_transformers_scores_what_the_result_says(
    run: Run, session: Session, family: str
) -> None:
    loaded = tagging()
    run(loaded, family, seeds=(0,), epochs=3)
    ((folder, _),) = kept_models(session.run)
    model = transformers.AutoModelForTokenClassification.from_pretrained(folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    stored = [
        tuple(json.loads(line)["predicted"])
        for line in (session.run.results / "town/base-seed-0.jsonl").read_text().splitlines()
    ]
    for sentence, tags in zip(loaded.splits["test"], stored, strict=True):
        text, place, found = " ".join(sentence.words), 0, []
        encoded = tokenizer(text, return_tensors="pt", return_offsets_mapping=True)
        offsets = encoded.pop("offset_mapping")[0].tolist()
        keys = ("input_ids", "attention_mask")
        with torch.inference_mode():
            best = model(**{key: encoded[key] for key in keys}).logits[0].argmax(-1).tolist()
        for word in sentence.words:
            first = next(t for t, (a, b) in enumerate(offsets) if a < b and b > place)
            found.append(model.config.id2label[best[first]])
            place += len(word) + 1
        assert tuple(found) == tags


@pytest.mark.parametrize("family", FAMILIES)
def test_plain_transformers_classifies_as_the_result_says(
    run: Run, session: Session, family: str
) -> None:
    loaded = classification()
    run(loaded, family, seeds=(0,), epochs=3, pooling="head")
    ((folder, _),) = kept_models(session.run)
    classify = transformers.pipeline("text-classification", str(folder), device="cpu")
    stored = [
        tuple(json.loads(line)["predicted"])
        for line in (session.run.results / "town/base-seed-0.jsonl").read_text().splitlines()
    ]
    assert [(classify(e.text)[0]["label"],) for e in loaded.splits["test"]] == stored


def test_a_threshold_is_kept_where_there_are_several_labels(run: Run, session: Session) -> None:
    run(classification(several=True), seeds=(0,), epochs=3)
    ((folder, about),) = kept_models(session.run)
    assert isinstance(about["threshold"], float)
    config = json.loads((folder / "config.json").read_text())
    assert config["problem_type"] == "multi_label_classification"
    assert open_task_model(folder).labels == ("person", "place")


def test_a_full_disk_costs_the_model_and_not_the_result(
    run: Run, session: Session, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    def full(*_arguments: Any) -> None:
        raise StorageFullError("no space left")

    monkeypatch.setattr(kept, "save_task_model", full)
    said: list[str] = []
    monkeypatch.setattr(type(session.reporter), "say", lambda _self, text: said.append(text))
    (report,) = run(tagging(), seeds=(0,))
    assert names(session) == []
    assert report.scores["base"]["f1_strict"].values == (result(session, 0)["test"]["f1_strict"],)
    assert any("the fine-tuned model is missing: no space left" in text for text in said)


@pytest.mark.parametrize("kind", ["tokens", "sequences"])
@pytest.mark.parametrize("family", FAMILIES)
def test_the_adapter_of_a_task_on_its_encoder_is_the_kept_model(
    run: Run, session: Session, family_folder: Any, family: str, kind: str
) -> None:
    from peft import PeftModel

    loaded = tagging() if kind == "tokens" else classification()
    run(loaded, family, seeds=(0,), pooling="head", method="lora", learning_rate=1e-2)
    ((folder, _),) = kept_models(session.run)
    auto = getattr(transformers, AUTO_CLASSES[kind])
    whole = auto.from_pretrained(folder).eval()
    plain = auto.from_pretrained(family_folder(family), num_labels=whole.config.num_labels)
    on_base = PeftModel.from_pretrained(plain, folder / "adapter").eval()
    ids = torch.tensor([[2, 9, 14, 20, 7, 3]])
    with torch.no_grad():
        found, expected = on_base(input_ids=ids).logits, whole(input_ids=ids).logits
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)
