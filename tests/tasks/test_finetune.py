from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from domainbert.errors import BaseModelError, RunFailed, Stopped
from domainbert.model.classifier import load_classifier
from domainbert.plugin.domain import Sentence
from domainbert.recipe.sections import EvaluateSection
from domainbert.run.progress import Bar, Reporter
from domainbert.tasks.finetune import (
    _epoch,
    finetune,
    steps_per_epoch,
)
from domainbert.tasks.load import LoadedTask
from domainbert.tasks.metrics.score import Scoring, score
from domainbert.tasks.predict import Device, Tuned, predict, tag_words
from domainbert.tasks.window import Window
from domainbert.testing import FAMILIES, tiny_checkpoint

Folder = Callable[[str], Path]
PEOPLE = ["baker", "clerk", "miller", "painter"]
PLACES = ["barn", "garden", "market", "valley"]
DEEDS = ["moved", "counted", "found", "opened"]
SETTINGS = EvaluateSection(epochs=2, batch_size=4, learning_rate=1e-3, max_seq_length=16)


class CountingBar(Bar):
    """Remembers what it was shown."""

    def __init__(self) -> None:
        super().__init__(Reporter(enabled=False), None, 0)
        object.__setattr__(self, "shown", [])

    def update(
        self, done: int, note: str = "", line: str | None = None, total: int | None = None
    ) -> None:
        self.shown.append(done)  # type: ignore[attr-defined]


def cpu(check_stop: Callable[[], None] = lambda: None) -> Device:
    return Device(torch.device("cpu"), bf16=False, check_stop=check_stop)


def bar() -> Bar:
    return Bar(Reporter(enabled=False), None, 0)


def sentences(first: int, count: int) -> tuple[Sentence, ...]:
    """`the baker of the barn moved it`: a role and a place, recognised by their words."""
    found = []
    for n in range(first, first + count):
        role, place, deed = PEOPLE[n % 4], PLACES[n // 4 % 4], DEEDS[n // 16 % 4]
        words = ("the", role, "of", "the", place, deed, "it")
        found.append(Sentence(words, ("O", "B-ROLE", "O", "B-PLACE", "I-PLACE", "O", "O")))
    return tuple(found)


def task(**splits: tuple[Sentence, ...]) -> LoadedTask:
    default = {"train": sentences(0, 32), "validation": sentences(32, 8), "test": sentences(40, 16)}
    return LoadedTask(
        name="town",
        title="",
        version="1",
        licence="",
        sample=True,
        scoring=Scoring("tagging", ("PLACE", "ROLE")),
        splits={**default, **splits},
        sha256={},
    )


def weights(tuned: Tuned) -> dict[str, torch.Tensor]:
    return dict(tuned.model.state_dict())


def same(first: Any, second: Any) -> bool:
    return first.keys() == second.keys() and all(map(torch.equal, first.values(), second.values()))


def test_a_trivial_task_is_learned_without_a_mistake(family_folder: Folder) -> None:
    known, folder = task(), family_folder("bert")
    settings = SETTINGS.model_copy(update={"epochs": 12, "learning_rate": 1e-2})
    tuned = finetune(folder, known, settings, 0, cpu(), bar())
    predictions = predict(tuned)
    assert [len(predictions[split]) for split in ("validation", "test")] == [8, 16]
    assert score(known.scoring, predictions["test"])["f1_strict"] == 1.0
    assert [p.words for p in predictions["test"]] == [s.words for s in known.splits["test"]]
    # Windows of six tokens cut every sentence in two; no word is lost.
    short = replace(tuned, settings=settings.model_copy(update={"max_seq_length": 8}))
    assert [len(tags) for tags in tag_words(short, known.splits["test"])] == [7] * 16


def test_the_same_seed_gives_the_same_model_and_predictions(family_folder: Folder) -> None:
    known, folder = task(), family_folder("bert")
    models = []
    for noise, seed in ((1, 3), (2, 3), (1, 4)):
        torch.manual_seed(noise)
        models.append(finetune(folder, known, SETTINGS, seed, cpu(), bar()))
    assert same(weights(models[0]), weights(models[1]))
    assert not same(weights(models[0]), weights(models[2]))
    assert predict(models[0]) == predict(models[1])


@pytest.mark.parametrize("family", FAMILIES)
def test_the_new_classifier_is_the_same_for_every_encoder_of_a_size(
    family_folder: Folder, tmp_path: Path, family: str
) -> None:
    bare = tiny_checkpoint(tmp_path / "bare", family, with_head=False)
    larger = tiny_checkpoint(tmp_path / "larger", family, words=["quokka", "dingo"])
    heads = []
    for folder, seed in ((family_folder(family), 5), (bare, 5), (larger, 5), (bare, 6)):
        torch.manual_seed(99)
        model = load_classifier(folder, 5, seed)
        head = {n: p.detach() for n, p in model.named_parameters() if n.startswith("classifier")}
        heads.append(head)
    assert sorted(heads[0])[-1] == "classifier.weight"
    assert same(heads[0], heads[1])
    assert same(heads[0], heads[2])
    assert not same(heads[0], heads[3])


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_is_fine_tuned_and_tags_every_word(family_folder: Folder, family: str) -> None:
    known, folder = task(train=sentences(0, 4)), family_folder(family)
    settings = SETTINGS.model_copy(update={"epochs": 1})
    tuned = finetune(folder, known, settings, 0, cpu(), bar())
    assert not tuned.model.training
    guess = tag_words(tuned, known.splits["test"])
    assert [len(tags) for tags in guess] == [7] * 16
    assert {tag for tags in guess for tag in tags} <= set(known.outputs)


def test_predictions_do_not_depend_on_the_other_sentences_or_on_gold_tags(
    family_folder: Folder,
) -> None:
    known, folder = task(), family_folder("bert")
    tuned = finetune(folder, known, SETTINGS, 0, cpu(), bar())
    test = [
        Sentence(sentence.words * (1 + number % 3), ("O",) * 7 * (1 + number % 3))
        for number, sentence in enumerate(known.splits["test"])
    ]
    together = tag_words(tuned, test)
    alone = [tag_words(tuned, [sentence])[0] for sentence in test]
    assert together == alone


def test_a_word_without_a_token_is_tagged_o(family_folder: Folder) -> None:
    known, folder = task(), family_folder("bert")
    tuned = finetune(folder, known, SETTINGS, 0, cpu(), bar())
    with torch.no_grad():
        tuned.model.classifier.bias.copy_(torch.tensor([0.0, 0.0, 0.0, 99.0, 0.0]))
    odd = [Sentence(("the", "\u200b", "boat"), ("O",) * 3), Sentence(("\u200b",), ("O",))]
    assert tag_words(tuned, odd) == [["B-ROLE", "O", "B-ROLE"], ["O"]]


def test_a_sentence_without_a_token_does_not_end_fine_tuning(family_folder: Folder) -> None:
    known = task(train=(*sentences(0, 4), Sentence(("\u200b",), ("O",))))
    settings = SETTINGS.model_copy(update={"batch_size": 1})
    model = finetune(family_folder("bert"), known, settings, 0, cpu(), bar())
    assert all(torch.isfinite(value).all() for value in weights(model).values())


def windows(lengths: list[int]) -> list[Window]:
    return [Window(number, (1,) * n, (), ()) for number, n in enumerate(lengths)]


LENGTHS = st.lists(st.integers(3, 60), min_size=1, max_size=120)


@given(lengths=LENGTHS, size=st.integers(1, 6), seed=st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_an_epoch_reads_every_window_once_in_batches(
    lengths: list[int], size: int, seed: int
) -> None:
    batches = list(_epoch(windows(lengths), size, seed, 0))
    read = Counter(window.record for batch in batches for window in batch)
    assert read == Counter(range(len(lengths)))
    assert max(map(len, batches)) <= size
    assert len(batches) == steps_per_epoch(len(lengths), size)


@given(lengths=LENGTHS, size=st.integers(1, 6), seed=st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=20)
def test_the_order_of_batches_follows_from_seed_and_epoch(
    lengths: list[int], size: int, seed: int
) -> None:
    first, second = (list(_epoch(windows(lengths), size, seed, 1)) for _ in range(2))
    assert first == second


def test_epochs_and_seeds_have_orders_of_their_own() -> None:
    orders = {
        tuple(
            window.record for batch in _epoch(windows([9] * 40), 4, seed, epoch) for window in batch
        )
        for seed in range(4)
        for epoch in range(4)
    }
    assert len(orders) == 16


def test_progress_counts_every_step_of_every_epoch(family_folder: Folder) -> None:
    counting = CountingBar()
    known = task(train=sentences(0, 10))
    finetune(family_folder("bert"), known, SETTINGS, 0, cpu(), counting)
    assert counting.shown == [1, 2, 3, 4, 5, 6]  # type: ignore[attr-defined]


def test_a_stop_is_asked_for_before_every_step(family_folder: Folder) -> None:
    counting = CountingBar()

    def stop() -> None:
        if len(counting.shown) == 3:  # type: ignore[attr-defined]
            raise Stopped("SIGTERM", "enough")

    with pytest.raises(Stopped, match="enough"):
        finetune(family_folder("bert"), task(), SETTINGS, 0, cpu(stop), counting)
    assert counting.shown == [1, 2, 3]  # type: ignore[attr-defined]


def test_a_loss_that_is_not_finite_ends_the_run_with_a_way_out(family_folder: Folder) -> None:
    settings = SETTINGS.model_copy(update={"learning_rate": 1e30})
    with pytest.raises(RunFailed, match=r"task 'town', seed 7: the loss is not finite at step \d"):
        finetune(family_folder("bert"), task(), settings, 7, cpu(), bar())


def test_a_checkpoint_that_cannot_tag_is_named(family_folder: Folder, tmp_path: Path) -> None:
    for path in family_folder("bert").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "config.json").write_text('{"model_type": "nothing"}', encoding="utf-8")
    with pytest.raises(BaseModelError, match="cannot be fine-tuned"):
        load_classifier(tmp_path, 3, 0)
