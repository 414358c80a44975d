"""Masked language modelling: cross-entropy of every masked token, in nats.

Source: Devlin et al. 2019, section 3.1 (arXiv 1810.04805).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domainbert.plugin.components import Objective

if TYPE_CHECKING:
    from torch import Tensor

    from domainbert.training.data.batch import MicroBatch
    from domainbert.training.losses import Forward


def _count(batch: MicroBatch) -> int:
    return len(batch.targets_N)


def _loss(forward: Forward) -> Tensor:
    from torch.nn import functional

    return functional.cross_entropy(forward.logits_NV, forward.batch.targets_N, reduction="sum")


MASKED_LM = Objective("masked-lm", _count, _loss, metric="loss")
