"""Unsupervised contrastive training of a sentence encoder, by the loss of sentence-transformers.

Gao et al. 2021, SimCSE (arXiv 2104.08821).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from itertools import count, islice
from typing import Any

import numpy as np
import torch

from domainbert.errors import RunFailed
from domainbert.keyed_random import derive_key, permute
from domainbert.recipe.sentences import SentencesSection
from domainbert.run.session import Session
from domainbert.tokenizer.load import unchanged
from domainbert.training.schedule import build_optimizer, descend, learning_rate_at, set_rate

_BETAS, _DECAY, _WARMUP = (0.9, 0.999), 0.01, 0.1
_END = re.compile(r"(?<=[.!?])\s+|\n+")
_LEAST_WORDS = 5


def train_simcse(
    model: Any,
    read: Callable[[int], str],
    n_documents: int,
    section: SentencesSection,
    session: Session,
) -> None:
    """Train a `SentenceTransformer` in place; equal seeds give equal weights.

    Args:
        model: On its device.
        read: Number of a document to its text.
        n_documents: How many there are.
        section: Steps, rate, seed.
        session: Progress and stop signal.

    Raises:
        RunFailed: The loss is not finite.
        Stopped: A signal.
    """
    from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

    loss_of = MultipleNegativesRankingLoss(model)
    optimizer = build_optimizer(model, _BETAS, _DECAY, model.device)
    sentences = _sentences(read, n_documents, section.seed)
    model.train()
    with (
        unchanged(model.tokenizer.backend_tokenizer),
        session.reporter.bar("sentences", section.steps) as bar,
    ):
        for step in range(section.steps):
            session.check_stop("training sentences")
            rate = section.learning_rate
            set_rate(optimizer, learning_rate_at(step, section.steps, rate, _WARMUP, "linear"))
            torch.manual_seed(derive_key("sentences", section.seed, step))
            batch = model.tokenizer(
                list(islice(sentences, section.batch_size)),
                padding=True, truncation=True, max_length=section.max_seq_length,
                return_tensors="pt",
            ).to(model.device)  # fmt: skip
            loss = loss_of([dict(batch), dict(batch)], None)
            if not math.isfinite(float(loss.detach())):
                raise RunFailed(
                    f"sentences: the loss is not finite at step {step + 1}. Lower "
                    "`sentences.learning_rate`."
                )
            descend(loss, model, optimizer)
            bar.update(step + 1, f"loss {float(loss.detach()):.3f}")
    model.eval()


def _sentences(read: Callable[[int], str], n_documents: int, seed: int) -> Iterator[str]:
    """Yield a sentence of each document, in another order in each pass, without end."""
    for epoch in count():
        order = permute(np.arange(n_documents), n_documents, derive_key("documents", seed, epoch))
        for number in order.tolist():
            parts = [part for part in _END.split(read(number)) if len(part.split()) >= _LEAST_WORDS]
            place = int(derive_key("sentence", seed, epoch, number)) % max(1, len(parts))
            yield parts[place] if parts else read(number)[:200]
