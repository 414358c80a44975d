"""Next sentence (BERT) and sentence order (ALBERT): two classes of pairs of texts.

The head is a pooled first token and two classes, as BERT and ALBERT have it. How pairs are made is
in `training.data.pairs`. Legend: P pairs of a micro-batch, H hidden size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from domainbert.errors import RecipeError
from domainbert.plugin.components import Objective

if TYPE_CHECKING:
    from torch import Tensor

    from domainbert.training.data.batch import MicroBatch
    from domainbert.training.data.frame import Frame
    from domainbert.training.data.order import SequenceKey
    from domainbert.training.losses import Forward
    from domainbert.training.step import Job

_ROUND = 8


def _count(batch: MicroBatch) -> int:
    return len(batch.labels_P)


def _loss(forward: Forward) -> Tensor:
    from torch.nn import functional

    batch, hidden_TH = forward.batch, forward.hidden_TH
    # One ignored row at least, so that the head has a gradient in a batch without pairs too.
    extra = _ROUND - len(batch.labels_P) % _ROUND
    firsts_P = functional.pad(batch.firsts_P, (0, extra))
    labels_P = functional.pad(batch.labels_P, (0, extra), value=-100)
    logits_P2 = forward.head(hidden_TH.index_select(0, firsts_P)).float()
    return functional.cross_entropy(logits_P2, labels_P, reduction="sum")


def _prepare(job: Job) -> None:
    kind = job.settings.sentence_pairs
    if kind == "none":
        raise RecipeError(
            "train.objectives: `sentence-pairs` needs `train.sentence_pairs: next` or `order`."
        )
    if job.masking.specials.between is None:
        raise RecipeError(
            "train.sentence_pairs: the tokenizer frames two texts in an unusual way. Use `none`."
        )
    if kind == "next" and len(job.index.documents_T) < 2:
        raise RecipeError(
            "train.sentence_pairs: `next` needs two documents, and the training slice has one. "
            "Use `order`, or split the text into documents with `text_unit`."
        )


def _head(job: Job) -> Any:
    import torch
    from torch import nn

    from domainbert.keyed_random import derive_key

    config = job.model.config
    torch.manual_seed(derive_key("pair head", job.settings.seed))
    dense = nn.Linear(config.hidden_size, config.hidden_size)
    classifier = nn.Linear(config.hidden_size, 2)
    for layer in (dense, classifier):
        nn.init.normal_(layer.weight, std=getattr(config, "initializer_range", 0.02))
        nn.init.zeros_(layer.bias)
    return nn.Sequential(dense, nn.Tanh(), classifier)


def _frame(key: SequenceKey, job: Job) -> Frame:
    from domainbert.training.data.pairs import frame_pair

    return frame_pair(key, job)


SENTENCE_PAIRS = Objective(
    "sentence-pairs", _count, _loss, _prepare, _head, _frame, metric="pair_loss"
)
