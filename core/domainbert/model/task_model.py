"""A fine-tuned model as a folder that others load without this package, and how it is opened.

    linear       an encoder, mean pooling and a layer, for sentence-transformers
    tokens       transformers' class for token classification
    sequences    transformers' class for sequence classification
    answers      transformers' class for question answering

`labels` of a folder are the `id2label` of its config. `task.json` has what else a kind of
task needs; a model of somebody else has none.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from domainbert.errors import BaseModelError
from domainbert.model.check import check_ids
from domainbert.model.classifier import (
    AUTO_CLASSES,
    AnswerFinder,
    Classifier,
    SequenceClassifier,
    TaskModel,
    without_pooler,
)
from domainbert.model.export import ADAPTER_BASE, save_tokenizer
from domainbert.model.load import longest_sequence
from domainbert.model.lora import TakenAdapter, write_task_adapter
from domainbert.model.opening import from_folder, quiet_transformers
from domainbert.storage.files import folder_in_place, read_json, write_json, write_manifest
from domainbert.tokenizer.load import load_tokenizer

ABOUT = "task.json"
_POOLING, _DENSE = "1_Pooling", "2_Dense"
_WEIGHTS = "model.safetensors"
_ST = "sentence_transformers.models"


@dataclass(frozen=True)
class OpenTaskModel:
    """A fine-tuned model with its tokenizer.

    Args:
        model: In evaluation mode.
        tokenizer: A fast tokenizer.
        labels: Names of its outputs, in order.
        about: Content of `task.json`; empty for a model of somebody else.
    """

    model: TaskModel
    tokenizer: Any
    labels: tuple[str, ...]
    about: Mapping[str, Any] = field(default_factory=dict)


def save_task_model(
    model: TaskModel,
    tokenizer: Any,
    labels: Sequence[str],
    folder: Path,
    about: Mapping[str, Any],
    adapter: TakenAdapter | None = None,
) -> None:
    """Write a fine-tuned model.

    Args:
        model: From `load_classifier`, fine-tuned.
        tokenizer: Of its checkpoint.
        labels: Names of its outputs, in order.
        folder: Written in one rename.
        about: For `task.json`; `several` says whether a text may have any number of labels, and
            `problem` names what is no classification as transformers does.
        adapter: Of its encoder; written to `adapter/` where transformers has a class for the head.
    """
    with folder_in_place(folder) as beside, quiet_transformers():
        if isinstance(model, SequenceClassifier | AnswerFinder):
            whole = model.model
        elif about["head"] == "tokens":
            whole = _token_classifier(model)
        else:
            whole = model.encoder
            _write_modules(model, beside)
        several = "multi" if about.get("several") else "single"
        kind = about.get("problem") or f"{several}_label_classification"
        whole.config.update(
            {
                "id2label": dict(enumerate(labels)),
                "label2id": {label: number for number, label in enumerate(labels)},
                "problem_type": None if about["head"] in {"tokens", "answers"} else kind,
            }
        )
        with _on_any_rank(whole):
            whole.save_pretrained(beside)
        if adapter is not None and about["head"] in AUTO_CLASSES:
            (beside / "adapter").mkdir()
            write_task_adapter(adapter, whole, beside / "adapter", str(about["model"]))
            of_base = {"name": about["model"], "revision": None, "sha256": about["encoder"]}
            write_json(beside / "adapter" / ADAPTER_BASE, of_base)
        save_tokenizer(tokenizer, beside)
        write_json(beside / ABOUT, dict(about))
        write_manifest(beside)


@contextmanager
def _on_any_rank(model: Any) -> Iterator[None]:
    """Let every process save: transformers leaves it to the first, here each has its own model."""
    model.should_save_on_this_rank = lambda is_main_process: is_main_process
    try:
        yield
    finally:
        del model.should_save_on_this_rank


def _token_classifier(model: Classifier) -> Any:
    """Return transformers' class with the weights of a model."""
    import transformers

    config = copy.deepcopy(model.encoder.config)
    config.num_labels = model.n_outputs
    whole = transformers.AutoModelForTokenClassification.from_config(config).float()
    without_pooler(whole.base_model)
    whole.base_model.load_state_dict(model.encoder.state_dict())
    whole.classifier.load_state_dict(model.classifier.state_dict())
    if model.head is not None:
        whole.head.load_state_dict(model.head.state_dict())
    return whole


def _write_modules(model: Classifier, folder: Path) -> None:
    """Write what sentence-transformers reads beside an encoder."""
    size = model.encoder.config.hidden_size
    places = {"Transformer": "", "Pooling": _POOLING, "Dense": _DENSE}
    modules = [
        {"idx": number, "name": str(number), "path": path, "type": f"{_ST}.{name}"}
        for number, (name, path) in enumerate(places.items())
    ]
    dense = {
        "in_features": size, "out_features": model.n_outputs, "bias": True,
        "activation_function": "torch.nn.modules.linear.Identity",
    }  # fmt: skip
    longest = {"max_seq_length": longest_sequence(model.encoder), "do_lower_case": False}
    pooling = {"word_embedding_dimension": size, "pooling_mode_mean_tokens": True}
    contents = {
        "modules.json": modules, "sentence_bert_config.json": longest,
        f"{_POOLING}/config.json": pooling, f"{_DENSE}/config.json": dense,
    }  # fmt: skip
    for name, content in contents.items():
        write_json(folder / name, content)
    weights = {f"linear.{key}": value for key, value in model.classifier.state_dict().items()}
    save_file({k: v.contiguous().cpu() for k, v in weights.items()}, folder / _DENSE / _WEIGHTS)


def open_task_model(folder: Path) -> OpenTaskModel:
    """Open a fine-tuned model: of a run, or of anybody.

    Raises:
        BaseModelError: It has no head for tokens, sequences or answers, no names of its outputs, a
            tokenizer that does not fit, or it cannot be loaded.
    """
    about = read_json(folder / ABOUT) if (folder / ABOUT).is_file() else {}
    head = about.get("head") or _head_of(folder)
    model = _open(folder, head).eval()
    tokenizer = load_tokenizer(folder)
    check_ids(tokenizer, model.encoder.config.vocab_size, str(folder))
    names = {int(number): name for number, name in model.encoder.config.id2label.items()}
    labels = tuple(names.get(number, "") for number in range(model.n_outputs))
    if not all(labels):
        raise BaseModelError(f"{folder}: config.json names {len(names)} labels of {len(labels)}.")
    return OpenTaskModel(model, tokenizer, labels, about)


def _head_of(folder: Path) -> str:
    """Return the head that a config speaks of."""
    try:
        architectures = read_json(folder / "config.json").get("architectures") or []
    except (OSError, ValueError):
        raise BaseModelError(f"{folder}: no model: config.json is missing or damaged.") from None
    for head, auto_class in AUTO_CLASSES.items():
        ending = auto_class.removeprefix("AutoModel")
        if any(str(name).endswith(ending) for name in architectures):
            return head
    found = ", ".join(map(str, architectures)) or "none"
    raise BaseModelError(
        f"{folder}: no fine-tuned model: its class is {found}. Expected one for token or sequence "
        "classification or for question answering, such as those in `tasks/` of a run."
    )


def _open(folder: Path, head: str) -> TaskModel:
    import transformers

    problem = f"{folder}: cannot be opened"
    if head not in AUTO_CLASSES:
        encoder = from_folder(transformers.AutoModel, folder, problem)
        without_pooler(encoder)
        weights = load_file(folder / _DENSE / _WEIGHTS)
        model = Classifier(encoder, len(weights["linear.bias"]))
        with torch.no_grad():
            model.classifier.weight.copy_(weights["linear.weight"])
            model.classifier.bias.copy_(weights["linear.bias"])
        return model
    whole = from_folder(getattr(transformers, AUTO_CLASSES[head]), folder, problem)
    if head == "sequences":
        return SequenceClassifier(whole)
    if head == "answers":
        return AnswerFinder(whole)
    model = Classifier(whole.base_model, whole.config.num_labels, getattr(whole, "head", None))
    model.classifier = whole.classifier
    return model
