from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers.tasks import SETTINGS, classification, sentences, tagging, tune
from hypothesis import given
from hypothesis import strategies as st

from domainbert.errors import BaseModelError, RunFailed, Stopped
from domainbert.model.classifier import load_classifier
from domainbert.model.layers import depths
from domainbert.plugin.domain import Sentence, Window
from domainbert.run.progress import Bar, Reporter
from domainbert.run.session import Session
from domainbert.tasks.finetune import _epoch, finetune, unfreeze
from domainbert.tasks.metrics.score import score
from domainbert.tasks.predict import predict
from domainbert.testing import FAMILIES, tiny_checkpoint

Folder = Callable[[str], Path]
TASKS = {"tagging": tagging, "one": classification, "several": lambda: classification(True)}


class CountingBar(Bar):
    """Remembers the steps that it showed."""

    def __init__(self) -> None:
        super().__init__(Reporter(enabled=False), None, 0)
        object.__setattr__(self, "shown", [])

    def update(
        self, done: int, note: str = "", line: str | None = None, total: int | None = None
    ) -> None:
        self.shown.append(done)  # type: ignore[attr-defined]


def same(first: Any, second: Any) -> bool:
    return first.keys() == second.keys() and all(map(torch.equal, first.values(), second.values()))


@pytest.mark.parametrize("name", TASKS)
def test_a_trivial_task_is_learned_without_a_mistake(
    family_folder: Folder, session: Session, name: str
) -> None:
    loaded = TASKS[name]()
    tuned = tune(family_folder("bert"), loaded, session, epochs=12, learning_rate=1e-2)
    predictions = predict(tuned)
    assert [len(predictions[s]) for s in ("validation", "test")] == [
        len(loaded.splits[s]) for s in ("validation", "test")
    ]
    assert next(iter(score(loaded.task, predictions["test"]).values())) == 1.0


def test_the_same_seed_gives_the_same_model_and_predictions(
    family_folder: Folder, session: Session
) -> None:
    models = []
    for noise, seed in ((1, 3), (2, 3), (1, 4)):
        torch.manual_seed(noise)
        models.append(tune(family_folder("bert"), tagging(), session, seed))
    weights = [dict(tuned.model.state_dict()) for tuned in models]
    assert same(weights[0], weights[1])
    assert not same(weights[0], weights[2])
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
        heads.append(load_classifier(folder, 5, seed).classifier.state_dict())
    assert [same(heads[0], head) for head in heads] == [True, True, True, False]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", ["tagging", "one"])
def test_every_family_predicts_every_record(
    family_folder: Folder, session: Session, family: str, name: str
) -> None:
    loaded = TASKS[name]()
    loaded = replace(loaded, splits={**loaded.splits, "train": loaded.splits["train"][:4]})
    tuned = tune(family_folder(family), loaded, session, epochs=1)
    assert not tuned.model.training
    test = predict(tuned)["test"]
    names = tuned.kind.outputs(loaded.task)
    assert [len(p.predicted) for p in test] == [len(p.gold) for p in test]
    assert {label for p in test for label in p.predicted} <= set(names)
    assert all(p.ranking[:1] == p.predicted for p in test if p.ranking)
    assert {frozenset(p.ranking) for p in test} <= {frozenset(), frozenset(names)}


def test_a_sentence_without_a_token_does_not_end_fine_tuning(
    family_folder: Folder, session: Session
) -> None:
    loaded = tagging(train=(*sentences(0, 4), Sentence(("\u200b",), ("O",))))
    tuned = tune(family_folder("bert"), loaded, session, batch_size=1)
    assert all(torch.isfinite(value).all() for value in tuned.model.state_dict().values())


LENGTHS = st.lists(st.integers(3, 60), min_size=1, max_size=120)


@given(lengths=LENGTHS, size=st.integers(1, 6), seed=st.integers(0, 2**32 - 1))
def test_an_epoch_reads_every_window_once_in_batches(
    lengths: list[int], size: int, seed: int
) -> None:
    windows = [Window(number, (1,) * n) for number, n in enumerate(lengths)]
    batches = _epoch(windows, size, seed, 0)
    assert Counter(w.record for b in batches for w in b) == Counter(range(len(lengths)))
    assert max(map(len, batches)) <= size
    assert len(batches) == -(-len(lengths) // size)
    assert batches == _epoch(windows, size, seed, 0)


def test_progress_counts_steps_and_a_stop_is_looked_for_before_each(
    family_folder: Folder, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    counting, loaded = CountingBar(), tagging(train=sentences(0, 10))
    finetune(family_folder("bert"), loaded, SETTINGS, 0, session, counting)
    assert counting.shown == [1, 2, 3, 4, 5, 6]  # type: ignore[attr-defined]

    def stop(_session: Session, _where: str = "") -> None:
        if len(counting.shown) == 9:  # type: ignore[attr-defined]
            raise Stopped("SIGTERM", "enough")

    monkeypatch.setattr(Session, "check_stop", stop)
    with pytest.raises(Stopped, match="enough"):
        finetune(family_folder("bert"), loaded, SETTINGS, 0, session, counting)
    assert counting.shown[6:] == [1, 2, 3]  # type: ignore[attr-defined]


def test_numbers_that_are_not_finite_end_the_run_with_a_way_out(
    family_folder: Folder, session: Session
) -> None:
    with pytest.raises(RunFailed, match=r"task 'town', seed 7: the loss is not finite at step \d"):
        tune(family_folder("bert"), tagging(), session, 7, learning_rate=1e30)
    tuned = tune(family_folder("bert"), classification(), session)
    tuned.model.classifier.bias.data.fill_(float("nan"))
    with pytest.raises(RunFailed, match="scores that are not finite"):
        predict(tuned)


def test_a_checkpoint_that_cannot_tag_is_named(family_folder: Folder, tmp_path: Path) -> None:
    for path in family_folder("bert").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "config.json").write_text('{"model_type": "nothing"}', encoding="utf-8")
    with pytest.raises(BaseModelError, match="cannot be fine-tuned"):
        load_classifier(tmp_path, 3, 0)


@pytest.mark.parametrize("family", FAMILIES)
def test_gradual_unfreezing_goes_from_the_top_to_the_embeddings(
    family_folder: Folder, family: str
) -> None:
    model = load_classifier(family_folder(family), 2, 0)
    depth = depths(model)
    top, learning = max(depth.values()), []
    for thirds in range(top + 1):
        unfreeze(model, depth, thirds)
        names = [n for n, p in model.named_parameters() if p.requires_grad]
        assert {depth[name] for name in names} <= set(range(top - thirds, top + 1))
        learning.append(len(names))
    assert learning == sorted(learning)
    assert (learning[0] >= 2, learning[-1]) == (True, len(depth))


def test_frozen_layers_do_not_change(family_folder: Folder, session: Session) -> None:
    before = load_classifier(family_folder("bert"), 2, 0).state_dict()
    changes = {"epochs": 1, "unfreeze": "gradual", "batch_size": 12}
    tuned = tune(family_folder("bert"), classification(), session, **changes)
    after, depth = tuned.model.state_dict(), depths(tuned.model)
    # Three steps are three thirds: the classifier alone, then the layers from the top.
    top = max(depth.values())
    changed = {depth[name] for name in depth if not torch.equal(before[name], after[name])}
    assert changed == {top, top - 1, top - 2}


def test_lower_layers_learn_more_slowly(family_folder: Folder, session: Session) -> None:
    name, moved = "embeddings.position_embeddings.weight", {}
    before = load_classifier(family_folder("bert"), 2, 0).encoder.state_dict()[name]
    for decay in (1.0, 0.01):
        changes = {"epochs": 1, "layerwise_lr_decay": decay}
        tuned = tune(family_folder("bert"), classification(), session, **changes)
        moved[decay] = float((tuned.model.encoder.state_dict()[name] - before).abs().max())
    assert moved[0.01] < 0.01 * moved[1.0]
