"""An encoder with a new head on top, which starts alike for every checkpoint of a size.

Words are scored by transformers' own head for tokens: in all families but ModernBERT one linear
layer. Texts are scored by one linear layer on the mean of their token vectors, or by transformers'
own head for sequences, which differs between families.

Legend: B windows, L length, H hidden size, W scored words, C outputs.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from domainbert.errors import BaseModelError
from domainbert.keyed_random import derive_key
from domainbert.model.masked_lm import first_non_finite
from domainbert.model.opening import from_folder

Head = Literal["linear", "tokens", "sequences", "answers"]
"""One linear layer, or the head of transformers' class for tokens, sequences or answers."""
AUTO_CLASSES = {
    "tokens": "AutoModelForTokenClassification", "sequences": "AutoModelForSequenceClassification",
    "answers": "AutoModelForQuestionAnswering",
}  # fmt: skip
_STD = 0.02


class Classifier(nn.Module):
    """Scores words by their first piece, or texts by the mean of their token vectors.

    Args:
        encoder: A transformers model that gives `last_hidden_state`.
        n_outputs: Number of classes or tags.
        head: What transformers puts between encoder and classifier; None for nothing.
    """

    def __init__(self, encoder: Any, n_outputs: int, head: nn.Module | None = None) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = head
        self.dropout = nn.Dropout(0.1)
        self.classifier = nn.Linear(encoder.config.hidden_size, n_outputs)

    @property
    def n_outputs(self) -> int:
        """Number of classes or tags."""
        return self.classifier.out_features

    def score_words(
        self, input_ids_BL: Tensor, mask_BL: Tensor, rows_W: Tensor, columns_W: Tensor
    ) -> Tensor:
        """Return float32 scores of the words at given places, shape (W, C)."""
        hidden_BLH = self.encoder(input_ids_BL, attention_mask=mask_BL).last_hidden_state
        if self.head is not None:
            hidden_BLH = self.head(hidden_BLH)
        scores_WC: Tensor = self.classifier(self.dropout(hidden_BLH)[rows_W, columns_W])
        return scores_WC.float()

    def score_texts(
        self, input_ids_BL: Tensor, mask_BL: Tensor, types_BL: Tensor | None = None
    ) -> Tensor:
        """Return float32 scores of texts, or of pairs with the types of their tokens; (B, C)."""
        mean_BH = self.mean_texts(input_ids_BL, mask_BL, types_BL)
        scores_BC: Tensor = self.classifier(self.dropout(mean_BH))
        return scores_BC.float()

    def mean_texts(
        self, input_ids_BL: Tensor, mask_BL: Tensor, types_BL: Tensor | None = None
    ) -> Tensor:
        """Return the mean token vector of texts, without the head, shape (B, H)."""
        inputs = _inputs(mask_BL, types_BL)
        hidden_BLH = self.encoder(input_ids_BL, **inputs).last_hidden_state
        weight_BL1 = mask_BL.unsqueeze(-1).to(hidden_BLH.dtype)
        mean_BH: Tensor = (hidden_BLH * weight_BL1).sum(dim=1) / weight_BL1.sum(dim=1)
        return mean_BH


class _OwnClass(nn.Module):
    """Scores as transformers' own class of the family does.

    Args:
        model: A `*ForSequenceClassification` or `*ForQuestionAnswering`.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    @property
    def encoder(self) -> Any:
        """The encoder in it, with its pooler where the family has one."""
        return self.model.base_model

    @property
    def n_outputs(self) -> int:
        """Number of outputs."""
        return int(self.model.config.num_labels)


class SequenceClassifier(_OwnClass):
    """Scores texts; `model` is a `*ForSequenceClassification`."""

    def score_texts(
        self, input_ids_BL: Tensor, mask_BL: Tensor, types_BL: Tensor | None = None
    ) -> Tensor:
        """Return float32 scores of texts, or of pairs with the types of their tokens; (B, C)."""
        scores_BC: Tensor = self.model(input_ids_BL, **_inputs(mask_BL, types_BL)).logits
        return scores_BC.float()


class AnswerFinder(_OwnClass):
    """Scores tokens as start and end of an answer; `model` is a `*ForQuestionAnswering`."""

    def score_tokens(
        self, input_ids_BL: Tensor, mask_BL: Tensor, types_BL: Tensor | None = None
    ) -> Tensor:
        """Return float32 scores of all tokens, start and end, shape (B, L, 2).

        Args:
            input_ids_BL: Token ids.
            mask_BL: Attention mask.
            types_BL: Token type ids; None where the family has none.
        """
        found = self.model(input_ids_BL, **_inputs(mask_BL, types_BL))
        scores_BLC: Tensor = torch.stack((found.start_logits, found.end_logits), dim=-1)
        return scores_BLC.float()


TaskModel = Classifier | SequenceClassifier | AnswerFinder


def _inputs(mask_BL: Tensor, types_BL: Tensor | None) -> dict[str, Tensor]:
    typed = {} if types_BL is None else {"token_type_ids": types_BL}
    return {"attention_mask": mask_BL, **typed}


def in_units(model: TaskModel, mean: float, spread: float) -> TaskModel:
    """Return a copy whose scores are `score * spread + mean`, by the weights of its last layer."""
    made = copy.deepcopy(model)
    if isinstance(made, Classifier):
        last = made.classifier
    else:
        heads = [part for part in made.model.children() if part is not made.encoder]
        layers = [layer for head in heads for layer in head.modules()]
        last = [layer for layer in layers if isinstance(layer, nn.Linear)][-1]
    with torch.no_grad():
        last.weight.mul_(spread)
        last.bias.mul_(spread).add_(mean)
    return made


def load_classifier(folder: Path, n_outputs: int, head: Head = "linear") -> TaskModel:
    """Load an encoder and put a head on it, which `draw_head` has to draw.

    Raises:
        BaseModelError: The folder holds no encoder that can be fine-tuned, or one with NaN.
    """
    import transformers

    problem = f"{folder}: cannot be fine-tuned"
    if head in {"sequences", "answers"}:
        options = {"num_labels": n_outputs, "ignore_mismatched_sizes": True}
        whole = from_folder(getattr(transformers, AUTO_CLASSES[head]), folder, problem, **options)
        model: TaskModel = SequenceClassifier(whole) if head == "sequences" else AnswerFinder(whole)
    else:
        encoder = from_folder(transformers.AutoModel, folder, problem)
        without_pooler(encoder)
        model = Classifier(encoder, n_outputs, _token_head(encoder) if head == "tokens" else None)
    if broken := first_non_finite(model.encoder):
        raise BaseModelError(f"{folder}: {broken} holds values that are not finite.")
    return model


def without_pooler(encoder: Any) -> None:
    """Take the pooler off an encoder: not used, and random where a checkpoint has none."""
    if getattr(encoder, "pooler", None) is not None:
        encoder.pooler = None


def _token_head(encoder: Any) -> nn.Module | None:
    """Return what the family's class for tokens has between encoder and classifier, if anything."""
    import transformers

    with torch.device("meta"):
        whole = transformers.AutoModelForTokenClassification.from_config(encoder.config)
    head = getattr(whole, "head", None)
    return None if head is None else head.to_empty(device="cpu")


def draw_head(model: TaskModel, seed: int) -> None:
    """Draw the head, equal for every encoder of one size; a pooler in the checkpoint goes, too."""
    torch.manual_seed(derive_key("classifier", seed))
    with torch.no_grad():
        if isinstance(model, Classifier):
            # The last layer first, as it was drawn when there was nothing else.
            _draw(model.classifier)
            if model.head is not None:
                _draw(model.head)
        else:
            for module in model.model.children():
                own = module if module is not model.encoder else getattr(module, "pooler", None)
                if own is not None:
                    _draw(own)


def _draw(module: nn.Module) -> None:
    for name, parameter in module.named_parameters():
        if parameter.ndim > 1:
            # On the CPU, so that a seed means the same on every device.
            parameter.copy_(nn.init.normal_(torch.empty(parameter.shape), std=_STD))
        else:
            # Of vectors, those named `weight` are scales of a norm.
            parameter.fill_(1.0 if name.endswith("weight") else 0.0)
