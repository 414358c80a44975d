from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.tasks import classification, sentences, tagging, tune

from domainbert.plugin.domain import Example, Sentence
from domainbert.run.session import Session
from domainbert.tasks.kinds.classification import average_windows
from domainbert.tasks.predict import predict, score_records

Folder = Callable[[str], Path]


def test_tags_do_not_depend_on_the_other_sentences_or_on_gold_tags(
    family_folder: Folder, session: Session
) -> None:
    tuned = tune(family_folder("bert"), tagging(), session)
    # Some sentences are longer than a window of 14 tokens.
    test = [
        Sentence(s.words * (1 + n % 3), ("O",) * 7 * (1 + n % 3))
        for n, s in enumerate(sentences(40, 16))
    ]
    together = predict(tuned, {"test": test})["test"]
    assert list(together) == [predict(tuned, {"test": [s]})["test"][0] for s in test]
    assert [p.words for p in together] == [s.words for s in test]
    assert [len(p.predicted) for p in together] == [len(s.words) for s in test]


def test_a_word_without_a_token_is_tagged_o(family_folder: Folder, session: Session) -> None:
    tuned = tune(family_folder("bert"), tagging(), session)
    tuned.model.classifier.bias.data.copy_(torch.tensor([0.0, 0.0, 0.0, 99.0, 0.0]))
    odd = [Sentence(("the", "\u200b", "boat"), ("O",) * 3), Sentence(("\u200b",), ("O",))]
    tags = [p.predicted for p in predict(tuned, {"test": odd})["test"]]
    assert tags == [("B-ROLE", "O", "B-ROLE"), ("O",)]


def test_scores_do_not_depend_on_the_other_texts(family_folder: Folder, session: Session) -> None:
    loaded = classification()
    tuned = tune(family_folder("bert"), loaded, session)
    texts = [Example(e.text + " and it" * (n % 4), e.labels)
             for n, e in enumerate(loaded.splits["test"])]  # fmt: skip
    together = average_windows(*score_records(tuned, texts), len(texts))
    alone = np.concatenate([score_records(tuned, [text])[1] for text in texts])
    assert together == pytest.approx(alone, abs=1e-5)
