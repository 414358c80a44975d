"""A fine-tuned model in its folder gives, by libraries alone, the scores that it gave here."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from domainbert.errors import BaseModelError
from domainbert.model.classifier import draw_head, load_classifier
from domainbert.model.task_model import open_task_model, save_task_model
from domainbert.tokenizer.load import load_tokenizer

Folder = Callable[[str], Path]
FAMILIES = [
    "bert", "roberta", "distilbert", "electra", "deberta-v2", "modernbert", "xlm-roberta", "mpnet",
]  # fmt: skip
LABELS = ("O", "B-ROLE", "I-ROLE")
TEXTS = ["the captain of the harbour moved it", "a boat", "the old mill was counted by the baker"]


def saved(family_folder: Folder, family: str, head: Any, folder: Path, seed: int = 3) -> Any:
    source = family_folder(family)
    labels = ("start", "end") if head == "answers" else LABELS
    model = load_classifier(source, len(labels), head).eval()
    draw_head(model, seed)
    # As fine-tuning does, so that no part of the head is at its start.
    generator = torch.Generator().manual_seed(5)
    for parameter in model.parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        parameter.data.add_(0.05 * noise)
    save_task_model(model, load_tokenizer(source), labels, folder, {"head": head})
    return model


def batch(folder: Path) -> dict[str, torch.Tensor]:
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    encoded = tokenizer(TEXTS, return_tensors="pt", padding=True)
    return {key: encoded[key] for key in ("input_ids", "attention_mask")}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("head", ["tokens", "sequences"])
def test_plain_transformers_gives_the_same_scores(
    family_folder: Folder, tmp_path: Path, family: str, head: str
) -> None:
    model = saved(family_folder, family, head, tmp_path / "model")
    inputs = batch(tmp_path / "model")
    name = {"tokens": "AutoModelForTokenClassification"}.get(
        head, "AutoModelForSequenceClassification"
    )
    plain, info = getattr(transformers, name).from_pretrained(
        tmp_path / "model", output_loading_info=True
    )
    assert not info["missing_keys"] and not info["unexpected_keys"]
    opened = open_task_model(tmp_path / "model")
    assert (plain.config.id2label, opened.labels) == (dict(enumerate(LABELS)), LABELS)
    mask = inputs["attention_mask"] > 0
    with torch.inference_mode():
        logits = plain.eval()(**inputs).logits
        for ours in (model, opened.model):
            if head == "tokens":
                rows, columns = mask.nonzero(as_tuple=True)
                scores = ours.score_words(*inputs.values(), rows, columns)
                torch.testing.assert_close(scores, logits[rows, columns], atol=1e-5, rtol=0)
            else:
                scores = ours.score_texts(*inputs.values())
                torch.testing.assert_close(scores, logits, atol=1e-5, rtol=0)


@pytest.mark.parametrize("family", FAMILIES)
def test_plain_transformers_finds_the_same_answers(
    family_folder: Folder, tmp_path: Path, family: str
) -> None:
    model = saved(family_folder, family, "answers", tmp_path / "model")
    plain, info = transformers.AutoModelForQuestionAnswering.from_pretrained(
        tmp_path / "model", output_loading_info=True
    )
    assert not info["missing_keys"] and not info["unexpected_keys"]
    opened = open_task_model(tmp_path / "model")
    assert (plain.config.id2label, opened.labels) == ({0: "start", 1: "end"}, ("start", "end"))
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "model")
    inputs = dict(tokenizer(TEXTS, TEXTS[::-1], return_tensors="pt", padding=True))
    types = inputs.get("token_type_ids")
    if not getattr(plain.config, "type_vocab_size", 0):
        inputs.pop("token_type_ids", None)
    mask = inputs["attention_mask"] > 0
    with torch.inference_mode():
        found = plain.eval()(**inputs)
        logits = torch.stack((found.start_logits, found.end_logits), dim=-1)
        for ours in (model, opened.model):
            scores = ours.score_tokens(inputs["input_ids"], inputs["attention_mask"], types)
            torch.testing.assert_close(scores[mask], logits[mask], atol=1e-5, rtol=0)


@pytest.mark.parametrize("family", FAMILIES)
def test_sentence_transformers_gives_the_same_scores(
    family_folder: Folder, tmp_path: Path, family: str
) -> None:
    import sentence_transformers as library  # takes seconds

    model = saved(family_folder, family, "linear", tmp_path / "model")
    inputs = batch(tmp_path / "model")
    found = library.SentenceTransformer(str(tmp_path / "model"), device="cpu").encode(
        TEXTS, convert_to_tensor=True
    )
    opened = open_task_model(tmp_path / "model")
    with torch.inference_mode():
        for ours in (model, opened.model):
            scores = ours.score_texts(*inputs.values())
            torch.testing.assert_close(found, scores, atol=1e-5, rtol=0)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("head", ["linear", "tokens", "sequences", "answers"])
def test_heads_start_alike_whatever_the_checkpoint_holds(
    family_folder: Folder, tmp_path: Path, family: str, head: Any
) -> None:
    other = tmp_path / "model"
    saved(family_folder, family, "sequences", other)  # a checkpoint with pooler and head
    n_outputs = 2 if head == "answers" else 3  # DistilBERT takes no other number for answers
    models = [load_classifier(f, n_outputs, head) for f in (family_folder(family), other)]
    for model in models:
        draw_head(model, 7)
    own = [
        {
            name: value
            for name, value in model.state_dict().items()
            if "pooler" in name or not name.startswith(("encoder.", f"model.{prefix}"))
        }
        for model in models
        for prefix in [model.encoder.base_model_prefix]
    ]
    assert own[0].keys() == own[1].keys() and own[0]
    for name in own[0]:
        torch.testing.assert_close(own[0][name], own[1][name], atol=0, rtol=0)
    before = {name: value.clone() for name, value in own[0].items()}
    draw_head(models[0], 8)
    assert any(not torch.equal(before[name], own[0][name]) for name in before)


def test_what_is_no_fine_tuned_model_is_named(family_folder: Folder, tmp_path: Path) -> None:
    with pytest.raises(BaseModelError, match=r"no fine-tuned model: its class is BertForMaskedLM"):
        open_task_model(family_folder("bert"))
    with pytest.raises(BaseModelError, match=r"config\.json is missing or damaged"):
        open_task_model(tmp_path)
    saved(family_folder, "bert", "tokens", tmp_path / "model")
    config = json.loads((tmp_path / "model/config.json").read_text())
    assert config["architectures"] == ["BertForTokenClassification"]
