from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from helpers.tasks import classification, sentences, tagging
from torch import Tensor

from domainbert.plugin.components import LoadedTask
from domainbert.plugin.records import Sentence
from domainbert.tasks.baselines.bilstm import BiLstm, check_crf, predict_pieces, predict_words
from domainbert.tasks.baselines.chain import LinearChain
from domainbert.tasks.metrics.score import score

TASKS = {
    "tagging": tagging,
    "one label": classification,
    "labels": lambda: classification(several=True),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", TASKS)
def test_words_are_learned_and_a_seed_means_the_same_again(name: str) -> None:
    loaded: LoadedTask = TASKS[name]()
    before = torch.random.get_rng_state()
    made, again, other = (predict_words(loaded, seed) for seed in (0, 0, 1))
    assert torch.equal(before, torch.random.get_rng_state())
    assert made == again
    for each in (made, other):
        assert next(iter(score(loaded.task, each["test"]).values())) == 1.0
    assert {split: len(rows) for split, rows in made.items()} == {
        split: len(loaded.splits[split]) for split in ("validation", "test")
    }


def test_tags_of_sentences_of_several_lengths_are_learned_by_a_crf() -> None:
    whole = tagging()
    splits = {
        split: tuple(
            Sentence(s.words[number % 4 :], s.tags[number % 4 :]) for number, s in enumerate(rows)
        )
        for split, rows in whole.splits.items()
    }
    made = predict_words(replace(whole, splits=splits), 0, crf=True)
    assert made == predict_words(replace(whole, splits=splits), 0, crf=True)
    assert score(whole.task, made["test"])["f1_strict"] == 1.0


def test_tags_are_the_best_path_of_a_chain_that_learns(monkeypatch: pytest.MonkeyPatch) -> None:
    learned = []

    def best_path(chain: LinearChain, _scores_BLC: Tensor, mask_BL: Tensor) -> Tensor:
        learned.append(bool(chain.moves_CC.any()))
        return torch.full(mask_BL.shape, 3)

    monkeypatch.setattr(LinearChain, "best_path", best_path)
    (first,) = sentences(0, 1)
    long = Sentence(first.words * 60, first.tags * 60)  # two windows, each with its path
    made = predict_words(tagging(test=(first, long)), 0, crf=True)["test"]
    assert [{*row.predicted} for row in made] == [{"B-ROLE"}, {"B-ROLE"}]
    assert all(learned)


def test_a_crf_needs_words_to_tag() -> None:
    assert check_crf(tagging()) == ""
    assert "no words to tag" in check_crf(classification())


@pytest.mark.slow
@pytest.mark.parametrize("family", ["bert", "modernbert", "roberta"])
def test_pieces_of_the_base_are_learned(family: str, family_folder: Callable[[str], Path]) -> None:
    loaded, folder = tagging(), family_folder(family)
    made = predict_pieces(loaded, 0, folder)
    assert made == predict_pieces(loaded, 0, folder)
    assert score(loaded.task, made["test"])["f1_strict"] > 0.9


def test_words_that_training_lacks_share_one_vector() -> None:
    (first,) = sentences(0, 1)
    rows = [replace(first, words=(*first.words[:5], word, "it")) for word in ("Xy", "z", "[UNK]")]
    made = predict_words(tagging(test=tuple(rows)), 0)["test"]
    assert len({row.predicted for row in made}) == 1


def test_a_sentence_that_is_longer_than_a_window_is_tagged_in_full() -> None:
    train = tuple(Sentence(s.words * 6, s.tags * 6) for s in sentences(0, 4))
    long = Sentence(train[0].words * 10, train[0].tags * 10)
    loaded = tagging(train=train, validation=train[:1], test=(long,))
    (row,) = predict_words(loaded, 0)["test"]
    assert len(row.predicted) == 420
    assert row.predicted == long.tags  # what no window reads would be O


def test_padding_changes_no_score() -> None:
    torch.manual_seed(0)
    model = BiLstm(torch.randn(9, 4), 3, torch.zeros(9)).eval()
    ids_BL = torch.tensor([[3, 4, 5, 0, 0], [6, 7, 8, 3, 4]])
    mask_BL = torch.tensor([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]])
    alone = ids_BL[:1, :3], mask_BL[:1, :3]
    with torch.no_grad():
        texts = model.score_texts(ids_BL, mask_BL)[0], model.score_texts(*alone)[0]
        places = torch.zeros(3, dtype=torch.long), torch.arange(3)
        words = model.score_words(ids_BL, mask_BL, *places), model.score_words(*alone, *places)
    for both in (texts, words):
        assert torch.allclose(*both, atol=1e-6)


def test_an_entry_that_is_dropped_is_read_as_unknown() -> None:
    torch.manual_seed(0)
    model = BiLstm(torch.randn(4, 4), 2, torch.tensor([0.0, 0.0, 1.0, 0.0]))
    model.dropout.p = 0.0
    mask_BL = torch.ones(1, 2, dtype=torch.long)
    dropped, unknown, kept = (
        model.score_texts(torch.tensor([[3, number]]), mask_BL) for number in (2, 1, 3)
    )
    assert torch.equal(dropped, unknown)
    assert not torch.equal(kept, unknown)
