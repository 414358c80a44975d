from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.tasks import SETTINGS, labelled, relation, tune
from sklearn.metrics import precision_recall_fscore_support

from domainbert.errors import PluginError
from domainbert.pipeline.evaluate import ModelUnderTest, evaluate
from domainbert.plugin.domain import Prediction, Window
from domainbert.plugin.records import Relation
from domainbert.run.session import Session
from domainbert.storage.files import sha256_file
from domainbert.tasks.candidate import predict
from domainbert.tasks.kinds.relation import RELATION, encode, kept_tokens, marked
from domainbert.tasks.metrics.score import check_metrics, score
from domainbert.testing import FAMILIES
from domainbert.tokenizer.load import encode_texts

TokenizerOf = Callable[[str], Any]
TASK = labelled("relation", "finds", "moves", "none", null_label="none")


def related(text: str, first: tuple[int, int], second: tuple[int, int], *types: str) -> Relation:
    return Relation(text, first, second, ("finds",), types or ("", ""))  # type: ignore[arg-type]


def test_both_entities_are_marked_whatever_their_order() -> None:
    assert marked(related("aspirin hits COX-1.", (0, 7), (13, 18)))[0] == (
        " @ aspirin @  hits  # COX-1 # ."
    )
    text, spans = marked(related("aspirin hits COX-1.", (13, 18), (0, 7), "gene", "drug"), True)
    assert text == " # ^ drug ^ aspirin #  hits  @ * gene * COX-1 @ ."
    assert [text[slice(*span)] for span in spans] == ["@ * gene * COX-1 @", "# ^ drug ^ aspirin #"]
    # One in the other, with a common end; and two that cross.
    assert marked(related("COX-1 inhibitor", (6, 15), (0, 15)))[0] == (
        " # COX-1  @ inhibitor @  # "
    )
    assert marked(related("a b c", (0, 3), (2, 5)))[0] == " @ a  # b @  c # "


def test_marks_change_no_word_and_stand_where_they_say() -> None:
    random = np.random.default_rng(5)
    for _ in range(300):
        text = "".join(random.choice(list("ab ,é"), random.integers(4, 20)))
        spans = [tuple(sorted(random.choice(len(text) + 1, 2, replace=False))) for _ in range(2)]
        shown, places = marked(related(text, *spans))
        assert "".join(shown.split()).translate({64: None, 35: None}) == "".join(text.split())
        for (start, end), (first, last), sign in zip(spans, places, "@#", strict=True):
            part = shown[first:last]
            assert (part[0], part[-1]) == (sign, sign)
            inside = part.replace("@", "").replace("#", "")
            assert "".join(inside.split()) == "".join(text[start:end].split())


@pytest.mark.parametrize("family", FAMILIES)
def test_every_vocabulary_has_the_marks(tokenizer_of: TokenizerOf, family: str) -> None:
    tokenizer = tokenizer_of(family)
    (ids,) = encode_texts(tokenizer, [" @ * the * boat @ of # ^ the ^ mill #"])
    assert tokenizer.unk_token_id not in ids


def test_what_is_read_keeps_both_entities() -> None:
    random = np.random.default_rng(3)
    for _ in range(2000):
        size, room = random.integers(2, 60), random.integers(2, 40)
        spans = [sorted(random.integers(0, size + 1, 2)) for _ in range(2)]
        spans = [(int(a), int(b)) for a, b in spans if a < b]
        if len(spans) < 2:
            continue
        parts = kept_tokens(int(size), spans[0], spans[1], int(room))
        kept = [place for part in parts for place in part]
        assert len(kept) == len({*kept}) == min(size, room)
        assert kept == sorted(kept) and kept[0] >= 0 and kept[-1] < size
        (a, b), (c, d) = sorted(spans)
        high = max(b, d)
        if high - a <= room:
            assert len(parts) == 1 and {*range(a, high)} <= {*kept}
        elif c >= b and (b - a) + (d - c) <= room:
            assert {*range(a, b), *range(c, d)} <= {*kept}
        elif c >= b and room > 1:
            assert {a, c} <= {*kept}


def test_the_surroundings_are_shared_out() -> None:
    assert kept_tokens(100, (50, 52), (54, 56), 10) == [range(48, 58)]
    assert kept_tokens(100, (0, 2), (4, 6), 10) == [range(10)]
    assert kept_tokens(100, (96, 98), (98, 100), 10) == [range(90, 100)]
    assert kept_tokens(100, (20, 22), (80, 82), 12) == [range(18, 24), range(78, 84)]
    assert kept_tokens(100, (0, 2), (98, 100), 12) == [range(6), range(94, 100)]


def test_windows_of_long_texts_are_cut_around_the_entities_and_counted(
    tokenizer_of: TokenizerOf,
) -> None:
    tokenizer = tokenizer_of("bert")
    before, between = "the mill " * 50_000, "of the " * 500
    near = f"{before}baker moved widow"
    start = len(before)
    far = f"{before}baker {between}widow"
    short = related("baker moved widow", (0, 5), (12, 17))
    pairs = [
        short,
        related(near, (start, start + 5), (start + 12, start + 17)),
        related(far, (start, start + 5), (len(far) - 5, len(far))),
    ]
    windows = encode(pairs, tokenizer, SETTINGS)
    assert [window.record for window in windows] == [0, 1, 2]
    assert [len(window.input_ids) for window in windows] == [9, 16, 16]
    for window in windows:
        shown = tokenizer.convert_ids_to_tokens(window.input_ids)
        assert [shown.count(sign) for sign in "@#"] == [2, 2]
        assert {"baker", "widow"} <= {*shown}
    assert RELATION.count_long(pairs, tokenizer, 16) == {"long_texts": 2, "far_entities": 1}


def test_micro_f1_leaves_out_the_null_class_as_scikit_learn_does() -> None:
    random = np.random.default_rng(7)
    for size in (1, 2, 5, 40, 200):
        gold, guess = (random.choice(["a", "b", "none"], size).tolist() for _ in range(2))
        sides = [[() if label == "none" else (label,) for label in side] for side in (gold, guess)]
        made = [Prediction(g, p) for g, p in zip(*sides, strict=True)]
        task = labelled("relation", "a", "b", "none", null_label="none")
        found = score(task, made)
        precision, recall, f1, _ = precision_recall_fscore_support(
            gold, guess, labels=["a", "b"], average="micro", zero_division=0
        )
        expected = {
            "f1_relation": f1, "precision_relation": precision, "recall_relation": recall,
            "accuracy": float(np.mean(np.array(gold) == guess)),
        }  # fmt: skip
        assert found == pytest.approx(expected)
        assert next(iter(found)) == "f1_relation"


def test_the_null_class_is_no_label_in_predictions() -> None:
    records = (related("a b", (0, 1), (2, 3)), Relation("a b", (2, 3), (0, 1), ("none",)))
    scores = np.array([[0.1, 0.2, 0.9], [0.1, 0.9, 0.2]], dtype=np.float32)
    windows = [Window(n, (1,)) for n in range(2)]
    rows = dict.fromkeys(("validation", "test"), (windows, scores))
    made = RELATION.decode(TASK, dict.fromkeys(rows, records), rows)["test"]
    ranked = ("none", "moves", "finds"), ("moves", "none", "finds")
    bare = tuple(replace(p, scores=()) for p in made)
    assert bare == (Prediction(("finds",), (), ranked[0]), Prediction((), ("moves",), ranked[1]))
    assert [RELATION.misfit(p, TASK) for p in made] == ["", ""]


@pytest.mark.parametrize(
    "name", ["mcc", "lrap", "top1_f1", *(f"{what}_at_{k}" for what in ("precision", "recall")
                                        for k in (1, 3, 5))],
)  # fmt: skip
def test_metrics_that_would_count_the_null_class_are_refused(name: str) -> None:
    with pytest.raises(PluginError, match=f"metric '{name}' would count the null_label as a class"):
        check_metrics(replace(TASK, metrics=(name,)))
    check_metrics(replace(TASK, null_label="", metrics=(name,)))


def test_metrics_that_leave_the_null_class_out_stay() -> None:
    check_metrics(replace(TASK, metrics=("f1_macro", "f1_micro", "balanced_accuracy", "auroc")))


@pytest.mark.parametrize(
    ("prediction", "said"),
    [
        (Prediction(("none",), ()), "the null_label 'none' is a label; expected none in its place"),
        (Prediction((), ("moves", "finds")), "at most one gold and one predicted label"),
        (Prediction((), ("d",)), "'d' is no label of the task (finds, moves, none)"),
        (Prediction((), (), ("moves", "moves")), "a label is named twice"),
        (Prediction((), (), ("moves",), scores=(1.0, 2.0)), "2 scores of 1 ranked labels"),
        (Prediction((), (), ("moves",), scores=(float("nan"),)), "a score is not finite"),
        (Prediction((), (), ("moves", "none"), scores=(1.0, 2.0)), "the scores of the ranking do"),
    ],
)
def test_misfits(prediction: Prediction, said: str) -> None:
    assert RELATION.misfit(prediction, TASK).startswith(said)


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (related("a b", (0, 4), (2, 3)), "first: offsets 0 to 4 lie outside the text of 3"),
        (related("a b", (0, 1), (3, 3)), "second: offsets 3 to 3 lie outside"),
        (related("a b", (0, 1), (1, 2)), "second: offsets 1 to 2 enclose blanks alone"),
        (related("a b", (0, 1), (0, 1)), "both entities are 'a' at 0; expected two"),
        (Relation("a b", (0, 1), (2, 3), ()), "0 labels (); expected one"),
    ],
)
def test_records_of_another_shape_are_refused(record: Relation, said: str) -> None:
    assert RELATION.check(record, TASK).startswith(said)


def test_a_model_learns_which_entity_is_which(
    family_folder: Callable[[str], Path], session: Session
) -> None:
    loaded = relation()
    tuned = tune(family_folder("bert"), loaded, session, epochs=40, learning_rate=3e-3)
    made = predict(tuned)["test"]
    assert score(loaded.task, made)["f1_relation"] == 1.0
    assert sum(not prediction.gold for prediction in made) == 12


def test_a_task_is_evaluated_with_baselines_and_its_model_is_kept(
    family_folder: Callable[[str], Path], session: Session
) -> None:
    folder = family_folder("roberta")
    model = ModelUnderTest("base", folder, sha256_file(folder / "model.safetensors"))
    settings = SETTINGS.model_copy(update={"seeds": (0,), "epochs": 1})
    (report,) = evaluate([model], [relation()], settings, session)
    assert list(report.scores) == ["base", "majority", "tfidf-svm"]
    assert report.metric == "f1_relation"
    # Half of the records have the null class, which is the majority and no relation.
    assert report.scores["majority"]["f1_relation"].values == (0.0,)
    assert report.scores["majority"]["accuracy"].values == (0.5,)
    assert (session.run.kept / "town" / "base-seed-0" / "model.safetensors").is_file()


def test_a_corpus_is_compared_with_the_text_without_marks() -> None:
    assert RELATION.parts is not None
    assert RELATION.parts(related("a b", (0, 1), (2, 3))) == ("a b",)
