from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from domainbert.errors import DataError, RunFailed
from domainbert.model.classifier import load_classifier
from domainbert.model.layers import depths
from domainbert.plugin.domain import Example
from domainbert.recipe.sections import EvaluateSection, TaskSection
from domainbert.run.progress import Bar, Reporter
from domainbert.tasks.baselines import BASELINES
from domainbert.tasks.finetune import finetune, unfreeze
from domainbert.tasks.kinds.classification import (
    average_windows,
    best_threshold,
    decide,
    label_matrix,
    text_windows,
)
from domainbert.tasks.load import LoadedTask, load_task
from domainbert.tasks.metrics.score import Scoring, score
from domainbert.tasks.predict import Device, long_texts, predict, score_texts
from domainbert.testing import FAMILIES

Folder = Callable[[str], Path]
PEOPLE = ["baker", "clerk", "miller", "painter"]
PLACES = ["barn", "garden", "market", "valley"]
SETTINGS = EvaluateSection(epochs=2, batch_size=4, learning_rate=1e-3, max_seq_length=16)


def cpu() -> Device:
    return Device(torch.device("cpu"), bf16=False, check_stop=lambda: None)


def bar() -> Bar:
    return Bar(Reporter(enabled=False), None, 0)


def examples(first: int, count: int, several: bool = False) -> tuple[Example, ...]:
    """A text is about people, about places, or (where several labels may be true) both."""
    found = []
    for n in range(first, first + count):
        who, where = f"the {PEOPLE[n % 4]} moved it", f"the {PLACES[n // 3 % 4]} was old"
        if several and n % 3 == 2:
            found.append(Example(f"{who} and {where}", ("person", "place")))
        else:
            found.append(Example(who, ("person",)) if n % 2 else Example(where, ("place",)))
    return tuple(found)


def task(several: bool = False, **splits: tuple[Example, ...]) -> LoadedTask:
    parts = {"train": (0, 36), "validation": (36, 12), "test": (48, 12)}
    made = {split: examples(*part, several) for split, part in parts.items()}
    return LoadedTask(
        name="about",
        title="",
        version="1",
        licence="",
        sample=True,
        scoring=Scoring("classification", ("person", "place"), several),
        splits={**made, **splits},
        sha256={},
    )


@pytest.mark.parametrize("several", [False, True])
def test_a_trivial_task_is_learned_without_a_mistake(family_folder: Folder, several: bool) -> None:
    known = task(several)
    settings = SETTINGS.model_copy(update={"epochs": 12, "learning_rate": 1e-2})
    tuned = finetune(family_folder("bert"), known, settings, 0, cpu(), bar())
    found = score(known.scoring, predict(tuned)["test"])
    assert next(iter(found.values())) == 1.0


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_classifies_every_text(family_folder: Folder, family: str) -> None:
    known = task(train=examples(0, 4))
    settings = SETTINGS.model_copy(update={"epochs": 1})
    tuned = finetune(family_folder(family), known, settings, 0, cpu(), bar())
    predictions = predict(tuned)
    assert [len(predictions[split]) for split in ("validation", "test")] == [12, 12]
    assert {len(p.predicted) for p in predictions["test"]} == {1}
    assert {frozenset(p.ranking) for p in predictions["test"]} == {frozenset(known.outputs)}
    assert all(p.ranking[0] == p.predicted[0] for p in predictions["test"])


def test_scores_do_not_depend_on_the_other_texts(family_folder: Folder) -> None:
    known = task()
    tuned = finetune(family_folder("bert"), known, SETTINGS, 0, cpu(), bar())
    texts = [
        Example(e.text + " and it" * (n % 4), e.labels) for n, e in enumerate(known.splits["test"])
    ]
    together = score_texts(tuned, texts)
    alone = np.concatenate([score_texts(tuned, [text]) for text in texts])
    assert together == pytest.approx(alone, abs=1e-5)


@pytest.mark.parametrize("long", ["truncate", "window"])
def test_a_document_of_100_000_words_is_cut_or_read_whole(
    tokenizer_of: Callable[[str], Any], long: str
) -> None:
    document = Example("the baker " * 50_000, ("person",))
    windows = text_windows([document, Example("", ("place",))], tokenizer_of("bert"), 16, long)
    sizes = [len(window.input_ids) - 2 for window in windows if window.record == 0]
    assert sum(sizes) == (14 if long == "truncate" else 100_000)
    assert max(sizes) == 14
    assert sum(window.weight for window in windows if window.record == 0) == pytest.approx(1)
    assert [len(window.input_ids) for window in windows if window.record == 1] == [2]


def test_long_texts_are_counted(family_folder: Folder) -> None:
    known = task(
        test=(*examples(0, 3), Example("the " * 15, ("place",)), Example("the " * 14, ("place",)))
    )
    tuned = finetune(family_folder("bert"), known, SETTINGS, 0, cpu(), bar())
    assert long_texts(tuned, "test") == 1


def test_windows_average_their_scores(tokenizer_of: Callable[[str], Any]) -> None:
    texts = [Example("the " * 20, ("place",)), Example("the", ("place",))]
    windows = text_windows(texts, tokenizer_of("bert"), 16, "window")
    assert [window.record for window in windows] == [0, 0, 1]
    scores = np.array([[1, 2], [3, 6], [5, 5]], dtype=np.float32)
    assert average_windows(windows, scores, 2).tolist() == [[2, 4], [5, 5]]


def test_the_best_class_is_chosen_and_classes_are_ranked() -> None:
    known = replace(task(), splits={"test": examples(0, 2)})
    made = decide(known, {"test": np.array([[0.1, 0.7], [0.4, 0.3]], dtype=np.float32)})["test"]
    assert [(p.predicted, p.ranking) for p in made] == [
        (("place",), ("place", "person")), (("person",), ("person", "place")),
    ]  # fmt: skip


def test_the_threshold_is_the_best_of_the_validation_split() -> None:
    scores = np.array([[0.9, 0.1], [0.6, 0.2], [0.3, 0.4]], dtype=np.float32)
    gold = np.array([[1, 0], [1, 0], [0, 1]], dtype=np.float32)
    assert best_threshold(scores, gold) == pytest.approx(0.4)
    assert best_threshold(scores, np.zeros_like(gold)) > scores.max()


def test_label_matrix_leaves_unknown_classes_out() -> None:
    found = label_matrix(("a", "b"), [Example("x", ("b", "z")), Example("x", ())])
    assert found.tolist() == [[0, 1], [0, 0]]


@pytest.mark.parametrize("several", [False, True])
def test_baselines_on_words_that_decide(several: bool) -> None:
    known = task(several)
    scores = {
        name: score(known.scoring, baseline(known)["test"]) for name, baseline in BASELINES.items()
    }
    metric = next(iter(scores["majority"]))
    assert scores["tfidf-svm"][metric] == 1.0
    assert scores["majority"][metric] < 0.9
    if not several:
        # Half of the texts are of either class, and F1 of the class never named is zero.
        assert scores["majority"]["accuracy"] == 0.5
        assert scores["majority"]["f1_macro"] == pytest.approx(1 / 3)


def test_a_class_that_training_lacks_is_never_named_by_the_machine() -> None:
    known = task(several=True)
    scoring = Scoring("classification", ("person", "place", "thing"), True)
    made = BASELINES["tfidf-svm"](replace(known, scoring=scoring))["test"]
    assert {p.ranking[-1] for p in made} == {"thing"}
    assert {label for p in made for label in p.predicted} == {"person", "place"}


def test_a_class_that_training_always_has_is_ranked_first_by_the_machine() -> None:
    always = {
        split: tuple(Example(e.text, (*e.labels, "thing")) for e in examples(*part))
        for split, part in {"train": (0, 36), "validation": (36, 12), "test": (48, 12)}.items()
    }
    scoring = Scoring("classification", ("person", "place", "thing"), True)
    made = BASELINES["tfidf-svm"](replace(task(True, **always), scoring=scoring))["test"]
    assert {p.ranking[0] for p in made} == {"thing"}
    assert score(scoring, made)["f1_micro"] == 1.0


def test_the_machine_takes_labels_without_difference() -> None:
    same = {split: (Example("?", ("a", "b")), Example("aa", ("a", "b"))) for split in
            ("train", "validation", "test")}  # fmt: skip
    scoring = Scoring("classification", ("a", "b"), True)
    made = BASELINES["tfidf-svm"](replace(task(True, **same), scoring=scoring))["test"]
    assert [p.predicted for p in made] == [("a", "b"), ("a", "b")]


def test_texts_without_a_word_have_no_baseline_of_words() -> None:
    with pytest.raises(DataError, match="no training text has a word of two letters"):
        BASELINES["tfidf-svm"](task(train=(Example("?", ("place",)), Example("!", ("person",)))))


def test_depths_of_a_bert() -> None:
    from transformers import BertConfig, BertModel

    config = BertConfig(
        vocab_size=9, hidden_size=4, num_hidden_layers=3, num_attention_heads=1, intermediate_size=4
    )
    found = depths(BertModel(config))
    assert {name.split(".")[0]: place for name, place in found.items()} == {
        "embeddings": 0, "encoder": 3, "pooler": 4,
    }  # fmt: skip
    assert {place for name, place in found.items() if name.startswith("encoder.layer.1.")} == {2}


@pytest.mark.parametrize("family", FAMILIES)
def test_gradual_unfreezing_goes_from_the_top_to_the_embeddings(
    family_folder: Folder, family: str
) -> None:
    model = load_classifier(family_folder(family), 2, 0)
    depth = depths(model)
    learning = []
    for thirds in range(max(depth.values()) + 1):
        unfreeze(model, depth, thirds)
        names = [n for n, p in model.named_parameters() if p.requires_grad]
        assert {depth[name] for name in names} <= set(range(max(depth.values()) - thirds, 99))
        learning.append(len(names))
        assert model.classifier.weight.requires_grad
    assert learning == sorted(learning)
    assert learning[0] >= 2
    assert learning[-1] == len(depth)


def test_frozen_layers_stay_as_they_were(family_folder: Folder) -> None:
    settings = SETTINGS.model_copy(update={"epochs": 1, "unfreeze": "gradual", "batch_size": 12})
    before = load_classifier(family_folder("bert"), 2, 0).state_dict()
    tuned = finetune(family_folder("bert"), task(), settings, 0, cpu(), bar())
    after = tuned.model.state_dict()
    depth = depths(tuned.model)
    changed = {depth[name] for name in depth if not torch.equal(before[name], after[name])}
    # Three steps are three thirds: the classifier alone, then the layers from the top.
    top = max(depth.values())
    assert changed == {top, top - 1, top - 2}


def test_lower_layers_learn_more_slowly(family_folder: Folder) -> None:
    moved = {}
    for decay in (1.0, 0.01):
        settings = SETTINGS.model_copy(update={"epochs": 1, "layerwise_lr_decay": decay})
        before = load_classifier(family_folder("bert"), 2, 0).encoder.state_dict()
        tuned = finetune(family_folder("bert"), task(), settings, 0, cpu(), bar())
        name = "embeddings.position_embeddings.weight"
        moved[decay] = float((tuned.model.encoder.state_dict()[name] - before[name]).abs().max())
    assert moved[0.01] < 0.01 * moved[1.0]


def test_scores_that_are_not_finite_end_the_run(family_folder: Folder) -> None:
    tuned = finetune(family_folder("bert"), task(), SETTINGS, 0, cpu(), bar())
    with torch.no_grad():
        tuned.model.classifier.bias.fill_(float("nan"))
    with pytest.raises(RunFailed, match="scores that are not finite"):
        predict(tuned)


TABLE = "text\tlabel\nthe barn\tplace\nthe baker\tperson\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for split in ("train", "validation", "test"):
        (tmp_path / f"{split}.tsv").write_text(TABLE.replace("the", f"the {split}"), "utf-8")
    return tmp_path


def own(**changes: Any) -> TaskSection:
    section = {
        "name": "mine", "kind": "classification", "train": "train.tsv",
        "validation": "validation.tsv", "test": "test.tsv",
    }  # fmt: skip
    return TaskSection.model_validate({**section, **changes})


def refused(section: TaskSection, folder: Path) -> str:
    with pytest.raises(DataError) as caught:
        load_task(section, None, folder)
    return str(caught.value).replace(f"{folder}/", "")


def test_own_classes_are_those_of_training_or_as_given(folder: Path) -> None:
    found = load_task(own(), None, folder)
    assert found.scoring == Scoring("classification", ("person", "place"))
    assert found.splits["test"][0] == Example("the test barn", ("place",))
    given = load_task(own(labels=["place", "person"]), None, folder)
    assert given.outputs == ("place", "person")


def test_a_label_that_is_not_given_is_refused(folder: Path) -> None:
    assert refused(own(labels=["place", "town"]), folder) == (
        "task 'mine': train.tsv has the label 'person', which is not declared (place, town)."
    )


def test_a_test_label_that_training_never_has(folder: Path) -> None:
    (folder / "test.tsv").write_text(TABLE + "noon\ttime\n", "utf-8")
    assert refused(own(), folder) == (
        "task 'mine': test.tsv has the label 'time', which is not in the training split "
        "(person, place)."
    )
    assert "not in the training split" in refused(own(labels=["person", "place", "time"]), folder)
    several = load_task(own(multi_label=True), None, folder)
    assert several.counts == {"unseen_labels": 1}
    given = load_task(own(multi_label=True, labels=["place", "person", "time"]), None, folder)
    assert given.counts == {"unseen_labels": 1}
    assert several.scoring.labels == ("person", "place")


def test_a_label_with_invisible_characters_is_refused(folder: Path) -> None:
    (folder / "train.tsv").write_text(TABLE + "noon\tplace\0\n", "utf-8")
    assert refused(own(), folder) == (
        "task 'mine': train.tsv, example 3: a label has invisible characters: ('place\\x00',)."
    )


def test_half_of_a_surrogate_pair_is_refused(folder: Path) -> None:
    (folder / "test.jsonl").write_text('{"text": "\\ud800", "label": "place"}\n', "utf-8")
    assert refused(own(test="test.jsonl"), folder) == (
        "task 'mine': test.jsonl, example 1: holds half of a surrogate pair, which is no text."
    )


def test_one_class_alone_is_refused(folder: Path) -> None:
    (folder / "train.tsv").write_text("text\tlabel\na\tplace\nb\tplace\n", "utf-8")
    assert refused(own(), folder) == (
        "task 'mine': train.tsv has 1 class (place); expected two or more."
    )


def test_an_empty_split_is_refused(folder: Path) -> None:
    (folder / "validation.tsv").write_text("text\tlabel\n", "utf-8")
    assert refused(own(), folder) == "task 'mine': validation.tsv has no example."


def test_two_labels_need_a_multi_label_task(folder: Path) -> None:
    (folder / "train.jsonl").write_text('{"text": "x", "labels": ["a", "b"]}\n', "utf-8")
    assert refused(own(train="train.jsonl"), folder).startswith(
        "task 'mine': train.jsonl, example 1: has 2 labels ('a', 'b'); expected one."
    )


def test_test_records_that_stand_in_train_are_counted(folder: Path) -> None:
    (folder / "test.tsv").write_text(TABLE.replace("the", "The  TRAIN"), "utf-8")
    assert load_task(own(), None, folder).counts == {"test_in_train": 2}
