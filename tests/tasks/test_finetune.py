from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers.tasks import SETTINGS, classification, sentences, tagging, tune
from safetensors.torch import load_file, save_file

from domainbert.errors import BaseModelError, RecipeError, RunFailed, Stopped
from domainbert.model.classifier import load_classifier
from domainbert.model.layers import depths
from domainbert.plugin.records import Sentence
from domainbert.recipe.lora import LoraSection
from domainbert.run.progress import Bar, Reporter
from domainbert.run.session import Session
from domainbert.tasks.candidate import Candidate, predict, prepare
from domainbert.tasks.finetune import finetune
from domainbert.tasks.metrics.score import score
from domainbert.testing import FAMILIES

Folder = Callable[[str], Path]
Fit = Callable[..., Any]
TASKS: dict[str, Any] = {
    "tagging": tagging,
    "one": classification,
    "several": lambda: classification(True),
}


@pytest.fixture
def fit(family_folder: Folder, session: Session) -> Fit:
    """Fine-tune the tiny BERT."""
    return lambda loaded, *seed, **changes: tune(
        family_folder("bert"), loaded, session, *seed, **changes
    )


def same(first: Any, second: Any) -> bool:
    return first.keys() == second.keys() and all(map(torch.equal, first.values(), second.values()))


@pytest.mark.parametrize("name", TASKS)
def test_a_trivial_task_is_learned_without_a_mistake(fit: Fit, name: str) -> None:
    loaded = TASKS[name]()
    test = predict(fit(loaded, epochs=12, learning_rate=1e-2))
    assert {split: len(made) for split, made in test.items()} == {
        split: len(loaded.splits[split]) for split in ("validation", "test")
    }
    assert next(iter(score(loaded.task, test["test"]).values())) == 1.0


def test_the_same_seed_gives_the_same_model_and_predictions(fit: Fit) -> None:
    models = []
    for noise, seed in ((1, 3), (2, 3), (1, 4)):
        torch.manual_seed(noise)
        models.append(fit(tagging(), seed))
    first, second, other = (dict(tuned.model.state_dict()) for tuned in models)
    assert (same(first, second), same(first, other)) == (True, False)
    assert predict(models[0]) == predict(models[1])


def tags_of(tuned: Candidate, sentences: Sequence[Sentence]) -> list[tuple[str, ...]]:
    windows = {"test": tuned.kind.encode(sentences, tuned.tokenizer, tuned.settings)}
    loaded = replace(tuned.loaded, splits={"test": tuple(sentences)})
    return [p.predicted for p in predict(replace(tuned, loaded=loaded, windows=windows))["test"]]


def test_a_sentence_without_a_token_does_not_end_fine_tuning(fit: Fit) -> None:
    loaded = tagging(train=(*sentences(0, 4), Sentence(("\u200b",), ("O",))))
    tuned = fit(loaded, batch_size=1)
    assert all(torch.isfinite(value).all() for value in tuned.model.state_dict().values())
    tuned.model.classifier.bias.data.copy_(torch.tensor([0.0, 0.0, 0.0, 99.0, 0.0]))
    odd = [Sentence(("the", "\u200b", "boat"), ("O",) * 3), Sentence(("\u200b",), ("O",))]
    assert tags_of(tuned, odd) == [("B-ROLE", "O", "B-ROLE"), ("O",)]


def test_tags_do_not_depend_on_the_other_sentences_or_on_gold_tags(fit: Fit) -> None:
    tuned = fit(tagging())
    # Some sentences are longer than a window of 14 tokens.
    test = [
        Sentence(s.words * (1 + n % 3), ("O",) * 7 * (1 + n % 3))
        for n, s in enumerate(sentences(40, 16))
    ]
    together = tags_of(tuned, test)
    assert together == [tags_of(tuned, [s])[0] for s in test]
    assert [len(tags) for tags in together] == [len(s.words) for s in test]


def test_a_stop_is_looked_for_before_each_step(fit: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[str] = []

    def stop(_session: Session, where: str = "") -> None:
        looks.append(where)
        if len(looks) == 4:
            raise Stopped("SIGTERM", "enough")

    monkeypatch.setattr(Session, "check_stop", stop)
    with pytest.raises(Stopped, match="enough"):
        fit(tagging(train=sentences(0, 10)))


def test_numbers_that_are_not_finite_end_the_run_with_a_way_out(fit: Fit) -> None:
    with pytest.raises(RunFailed, match=r"task 'town', seed 7: the loss is not finite at step \d"):
        fit(tagging(), 7, learning_rate=1e30)
    tuned = fit(classification())
    tuned.model.classifier.bias.data.fill_(float("nan"))
    with pytest.raises(RunFailed, match="scores that are not finite"):
        predict(tuned)


def test_a_checkpoint_that_cannot_tag_is_named(family_folder: Folder, tmp_path: Path) -> None:
    shutil.copytree(family_folder("bert"), tmp_path, dirs_exist_ok=True)
    (tmp_path / "config.json").write_text('{"model_type": "nothing"}', encoding="utf-8")
    with pytest.raises(BaseModelError, match="cannot be fine-tuned"):
        load_classifier(tmp_path, 3)


def test_frozen_layers_do_not_change(family_folder: Folder, session: Session) -> None:
    before = load_classifier(family_folder("bert"), 2).state_dict()
    changes = {"epochs": 1, "unfreeze": "gradual", "batch_size": 12}
    tuned = tune(family_folder("bert"), classification(), session, **changes)
    after, depth = tuned.model.state_dict(), depths(tuned.model)
    # Three steps are three thirds: the classifier alone, then the layers from the top.
    top = max(depth.values())
    changed = {depth[name] for name in depth if not torch.equal(before[name], after[name])}
    assert changed == {top, top - 1, top - 2}


@pytest.mark.parametrize(
    ("changes", "steps"),
    [
        ({}, 16), ({"min_steps": 20}, 20), ({"epochs": 9, "min_steps": 20}, 72),
        ({"steps": 3, "min_steps": 20}, 3),
    ],
)  # fmt: skip
def test_few_labels_get_more_passes_and_steps_are_exact(
    fit: Fit, monkeypatch: pytest.MonkeyPatch, changes: dict[str, int], steps: int
) -> None:
    looks: list[str] = []
    monkeypatch.setattr(Session, "check_stop", lambda _session, where="": looks.append(where))
    fit(tagging(), **changes)
    assert len(looks) == steps


def test_one_preparation_serves_every_seed(family_folder: Folder, session: Session) -> None:
    bar = Bar(Reporter(enabled=False), None, 0)
    candidate = prepare(family_folder("bert"), tagging(), SETTINGS, session)
    before = {name: value.clone() for name, value in candidate.model.state_dict().items()}
    first, second, again = (finetune(candidate, seed, bar) for seed in (0, 1, 0))
    assert same(candidate.model.state_dict(), before)
    assert same(first.model.state_dict(), again.model.state_dict())
    assert not same(first.model.state_dict(), second.model.state_dict())
    alone = tune(family_folder("bert"), tagging(), session, 1)
    assert same(alone.model.state_dict(), second.model.state_dict())
    assert set(prepare(family_folder("bert"), tagging(), SETTINGS, session, ["test"]).windows) == {
        "train", "test",
    }  # fmt: skip


def test_a_model_with_nan_is_refused_by_name(family_folder: Folder, tmp_path: Path) -> None:
    shutil.copytree(family_folder("bert"), tmp_path, dirs_exist_ok=True)
    weights = load_file(tmp_path / "model.safetensors")
    name = next(name for name in weights if "layer.0" in name)
    weights[name].view(-1)[0] = float("nan")
    save_file(weights, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(BaseModelError, match=r"layer\.0.* holds values that are not finite"):
        load_classifier(tmp_path, 3)


@pytest.mark.parametrize("changes", [{}, {"epoch": "best"}, {"unfreeze": "gradual"}])
@pytest.mark.parametrize("family", FAMILIES)
def test_rows_of_tokens_that_do_not_occur_are_what_adamw_makes_of_them(
    family_folder: Folder,
    session: Session,
    monkeypatch: pytest.MonkeyPatch,
    family: str,
    changes: dict[str, str],
) -> None:
    few = tune(family_folder(family), tagging(), session, **changes)
    monkeypatch.setattr("domainbert.tasks.finetune._learn_occurring", lambda _tuned: None)
    whole = tune(family_folder(family), tagging(), session, **changes)
    assert few.model.state_dict().keys() == whole.model.state_dict().keys()
    for name, value in few.model.state_dict().items():
        torch.testing.assert_close(value, whole.model.state_dict()[name], rtol=1e-4, atol=1e-5)


HEAD = ("classifier.", "head.", "model.classifier.", "model.bert.pooler.")


@pytest.mark.parametrize("pooling", ["mean", "head"])
@pytest.mark.parametrize("name", ["tagging", "one"])
def test_frozen_trains_the_head_alone(
    fit: Fit, family_folder: Folder, session: Session, name: str, pooling: str
) -> None:
    loaded, settings = TASKS[name](), {"pooling": pooling, "method": "frozen"}
    changed = SETTINGS.model_copy(update=settings)
    before = prepare(family_folder("bert"), loaded, changed, session).model.state_dict()
    after = fit(loaded, learning_rate=1e-2, **settings).model.state_dict()
    moved = {key for key in after if not torch.equal(before[key], after[key])}
    assert moved and all(key.startswith(HEAD) for key in moved)


@pytest.mark.parametrize("pooling", ["mean", "head"])
@pytest.mark.parametrize("name", ["tagging", "one"])
def test_lora_learns_and_is_merged_into_the_model(
    fit: Fit, family_folder: Folder, session: Session, name: str, pooling: str
) -> None:
    loaded = TASKS[name]()
    settings = {"pooling": pooling, "method": "lora", "lora": LoraSection(targets=("query",))}
    changed = SETTINGS.model_copy(update=settings)
    before = prepare(family_folder("bert"), loaded, changed, session).model.state_dict()
    tuned = fit(loaded, epochs=12, learning_rate=1e-2, **settings)
    after = tuned.model.state_dict()
    assert before.keys() == after.keys()  # nothing of peft is left
    moved = {key for key in after if not torch.equal(before[key], after[key])}
    others = {key for key in moved if not key.startswith(HEAD)}
    assert others and all(key.endswith("attention.self.query.weight") for key in others)
    if pooling == "mean":  # through the first token alone it takes longer
        assert next(iter(score(loaded.task, predict(tuned)["test"]).values())) > 0.9


def test_lora_targets_that_fit_nothing_are_named(fit: Fit) -> None:
    lora = LoraSection(targets=("Wqkv",))
    with pytest.raises(RecipeError, match=r"evaluate\.lora\.targets: 'Wqkv' fits no linear layer"):
        fit(tagging(), method="lora", lora=lora)
