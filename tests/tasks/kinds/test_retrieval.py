from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.pairs import queries
from helpers.tasks import SETTINGS, labelled
from sentence_transformers import SentenceTransformer

from domainbert.errors import DataError, PluginError, RecipeError, RunFailed
from domainbert.plugin.domain import Domain, Prediction, Task
from domainbert.plugin.records import Query
from domainbert.recipe.evaluate import EvaluateSection
from domainbert.recipe.tasks import TaskSection
from domainbert.run.progress import Bar, Reporter
from domainbert.run.session import Session
from domainbert.tasks.candidate import predict, prepare
from domainbert.tasks.finetune import finetune
from domainbert.tasks.kinds.retrieval import RETRIEVAL, candidates, queries_of_rows, ranked
from domainbert.tasks.load import load_task
from domainbert.tasks.metrics.score import check_predictions, score
from domainbert.testing import FAMILIES

Folder = Callable[[str], Path]
TASK = labelled("retrieval")
ROWS = [("a pump", "it moves"), ("a pump", "it  lifts"), ("a seal", "it\nmoves"), ("b", "c")]


def write(path: Path, rows: list[Any], names: tuple[str, str] = ("query", "document")) -> str:
    lines = [json.dumps(dict(zip(names, row, strict=False))) for row in rows]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path.name


def section(folder: Path, rows: list[Any] | None = None, **changes: Any) -> TaskSection:
    files = {"validation": write(folder / "validation.jsonl", ROWS)}
    files["test"] = write(folder / "test.jsonl", ROWS if rows is None else rows)
    return TaskSection.model_validate({"name": "find", "kind": "retrieval", **files, **changes})


def test_rows_of_one_query_are_its_documents_and_candidates_are_distinct(tmp_path: Path) -> None:
    loaded = load_task(section(tmp_path), None, tmp_path)
    own = (
        Query("a pump", ("it moves", "it lifts")),
        Query("a seal", ("it moves",)),
        Query("b", ("c",)),
    )
    assert loaded.splits == {"train": (), "validation": own, "test": own}
    assert candidates(own) == ("it moves", "it lifts", "c")
    assert (loaded.task.labels, sorted(loaded.task.data), loaded.counts) == (
        (), ["test", "validation"], {},
    )  # fmt: skip


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_tables_and_other_columns_are_read(tmp_path: Path, form: str) -> None:
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet

    table = pa.table({"title": ["a pump", "a seal"], "body": ["it moves", "it rests"]})
    writer = {"csv": pyarrow.csv.write_csv, "parquet": pyarrow.parquet.write_table}[form]
    writer(table, tmp_path / f"a.{form}")
    files = {"test": f"a.{form}", "columns": {"query": "title", "document": "body"}}
    with pytest.raises(DataError, match=r"validation.jsonl:1.*no column 'title'"):
        load_task(section(tmp_path, **files), None, tmp_path)
    loaded = load_task(section(tmp_path, **files, validation=f"a.{form}"), None, tmp_path)
    assert loaded.splits["test"][1] == Query("a seal", ("it rests",))


def test_passages_are_documents_and_doubled_rows_are_counted(tmp_path: Path) -> None:
    write(tmp_path / "c.jsonl", [*ROWS, ROWS[0], ("a pump", "it   moves")], ("query", "passage"))
    loaded = load_task(section(tmp_path, test="c.jsonl"), None, tmp_path)
    assert loaded.splits["test"] == loaded.splits["validation"]
    assert loaded.counts == {"doubled_rows": 2}


def test_splits_cut_from_one_file_keep_a_query_whole(tmp_path: Path) -> None:
    rows = [(f"q{n // 2}", f"d{n}") for n in range(120)]
    file = {"file": write(tmp_path / "all.jsonl", rows), "splits": {"test": 0.5, "validation": 0.2}}
    loaded = load_task(TaskSection.model_validate({"kind": "retrieval", **file}), None, tmp_path)
    assert [len(loaded.splits[split]) for split in ("train", "validation", "test")] == [18, 12, 30]
    assert all(len(q.documents) == 2 for split in loaded.splits.values() for q in split)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], r"test.jsonl has no record"),
        ([("a", "b"), ("c", "b")], r"test.jsonl has one document alone, which every query finds"),
        ([("a", "b"), ("c",)], r"test.jsonl:2: no column 'document'; there are query"),
        ([("a", "b"), ("c", "")], r"test.jsonl:2: the text in `document` is empty"),
        ([("a", "b"), (" ", "d")], r"test.jsonl:2: the text in `query` is empty"),
        ([("a", None)], r"test.jsonl:1: expected `document` as text, found 'None'"),
        ([("a", "b"), ("c", "d\ud800")], r"record 2: a text holds half of a surrogate pair"),
    ],
)
def test_bad_rows_are_refused(tmp_path: Path, rows: list[Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        load_task(section(tmp_path, rows), None, tmp_path)


@pytest.mark.parametrize(
    ("key", "value"),
    [("label", 0), ("label", "0"), ("score", 0.0), ("relevance", False), ("label", "no"),
     ("label", None), ("score", ""), ("label", "irrelevant"), ("score", "nan"), ("score", -0.5)],
)  # fmt: skip
def test_documents_that_are_not_relevant_are_refused(tmp_path: Path, key: str, value: Any) -> None:
    row = {"query": "a", "document": "b"}
    rows = iter([("a.jsonl:1", row | {key: 1}), ("a.jsonl:2", row | {key: value})])
    with pytest.raises(DataError, match=rf"a.jsonl:2: `{key}` is .*; leave out documents that"):
        list(queries_of_rows(rows, TASK, Counter()))


def test_documents_that_are_relevant_are_read(tmp_path: Path) -> None:
    values = (1, "1", 0.3, "2.5", True, "true", "True")
    rows = [(str(n), {"query": "a", "document": f"{n}", "label": v}) for n, v in enumerate(values)]
    (query,) = queries_of_rows(rows, TASK, Counter())
    assert len(query.documents) == len(values)


def test_records_of_a_plugin_are_checked() -> None:
    assert RETRIEVAL.check(Query("a", ()), TASK) == "the query has no document"
    assert RETRIEVAL.check(Query("a", ("b", "")), TASK) == "the query or a document is empty"
    counts = Counter[str]()
    assert RETRIEVAL.repair(Query(" a  b", ("c ", "c", "d")), counts) == Query("a b", ("c", "d"))
    assert counts == {"doubled_rows": 1}
    twice = {"validation": queries().splits["test"], "test": (Query("a", ("b", "c")),) * 2}
    wrong = "has the query 'a' in two files; put its rows into one"
    assert RETRIEVAL.check_splits(TASK, twice) == ("test", wrong)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": ["x"]}, "labels, label_names, multi_label and levels are for classes"),
        ({"null_label": "x"}, "null_label is for relations"),
        ({"columns": {"second": "x"}}, "retrieval has no `second`; it reads `query`, `document`"),
        ({"metrics": ["mcc"]}, "metric 'mcc' is for classification, not for retrieval"),
        ({"train_records": 2}, "train_records is for fine-tuning, and retrieval has none"),
        ({"predictions": [{"file": "a", "name": "a", "date": "2026-05-01"}]},
         "the kind 'retrieval' reads no predictions"),
    ],
)  # fmt: skip
def test_keys_that_do_not_suit(tmp_path: Path, changes: Any, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        load_task(section(tmp_path, **changes), None, tmp_path)


def test_kinds_that_learn_need_train(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="tasks: 'find': pairs also needs `train`"):
        load_task(section(tmp_path, kind="pairs"), None, tmp_path)
    splits = dict.fromkeys(("validation", "test"), tmp_path / "test.jsonl")
    declared = Task("other", "", "pairs", "", "", "1", splits, ("a", "b"))
    domain = Domain("some", "", tasks=(declared,))
    with pytest.raises(RecipeError, match="tasks: 'other': pairs also needs `train`"):
        load_task(TaskSection(name="other"), domain, tmp_path)
    with pytest.raises(PluginError, match=r"missing splits \['validation'\]"):
        Task("other", "", "retrieval", "", "", "1", {"test": tmp_path}, ())


@pytest.mark.parametrize("family", FAMILIES)
def test_predictions_are_those_of_vectors_of_sentence_transformers(
    family_folder: Folder, session: Session, family: str
) -> None:
    folder, loaded = family_folder(family), queries()
    candidate = prepare(folder, loaded, SETTINGS, session)
    tuned = finetune(candidate, 7, Bar(Reporter(enabled=False), None, 0))
    assert tuned is candidate
    made = predict(tuned)
    check_predictions(RETRIEVAL, loaded, made)
    encoder = SentenceTransformer(str(folder), device="cpu")
    encoder.max_seq_length = SETTINGS.max_seq_length
    own = loaded.splits["test"]
    texts = [query.text for query in own], list(candidates(own))
    one, other = (encoder.encode(side, normalize_embeddings=True) for side in texts)
    expected = ranked(own, (one @ other.T).astype(np.float32))
    values = [score(loaded.task, rows) for rows in (made["test"], expected)]
    assert values[0] == pytest.approx(values[1], abs=1e-6)
    assert [p.gold for p in made["test"]] == [p.gold for p in expected]


def test_long_texts_are_cut_or_averaged_and_counted(tokenizer_of: Callable[[str], Any]) -> None:
    own = (Query("the", ("the " * 6, "the " * 7, "the " * 13)), Query("the " * 20, ("a",)))
    tokenizer = tokenizer_of("bert")
    assert RETRIEVAL.count_long(own, tokenizer, 8) == 3
    windows = {
        long: RETRIEVAL.encode(own, tokenizer, EvaluateSection(max_seq_length=8, long_texts=long))
        for long in ("truncate", "window")
    }
    # Two queries, then four documents.
    assert [w.record for w in windows["truncate"]] == [0, 1, 2, 3, 4, 5]
    assert Counter(w.record for w in windows["window"]) == {0: 1, 1: 4, 2: 1, 3: 2, 4: 3, 5: 1}
    vectors = np.array([[1, 0], *[[0, 1]] * 4, [1, 1], [4, 0], [0, 2], *[[0, 1]] * 3, [1, 0]])
    rows = windows["window"], vectors.astype(np.float32)
    made = RETRIEVAL.decode(TASK, {"test": own}, {"test": rows})["test"]
    # Documents: (1, 1), the mean (2, 1) of two windows, (0, 1) and (1, 0).
    assert made[0] == Prediction(("1", "2", "3"), ("3", "2", "4"), ("4", "2", "1", "3"))
    assert made[1] == Prediction(("4",), ("4",), ("3", "1", "2", "4"))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_scores_that_are_not_finite_are_refused(value: float) -> None:
    own = (Query("a", ("b",)), Query("c", ("d",)))
    with pytest.raises(RunFailed, match=r"query 2: a score of a document is not finite"):
        ranked(own, [np.array([0.0, 1.0]), np.array([0.0, value])])


TEN = tuple(map(str, range(1, 11)))


@pytest.mark.parametrize(
    ("gold", "ranks", "best", "message"),
    [
        (("2",), ("1",), ("2", "1"), ""),
        (("12", "3"), ("15", "3"), TEN, ""),
        (("2",), ("nan",), ("2", "1"), "numbers and ranks of documents, from 1, were expected"),
        (("2",), ("0",), ("2", "1"), "numbers and ranks of documents, from 1, were expected"),
        (("2",), ("1" * 5000,), ("2",), "numbers and ranks of documents, from 1, were expected"),
        ((), (), ("2", "1"), "a rank for each relevant document was expected, and one at least"),
        (("2", "1"), ("1",), ("2",), "a rank for each relevant document was expected, and one at"),
        (("2", "2"), ("1", "2"), ("2", "1"), "a document or a rank is named twice"),
        (("2",), ("2",), ("2", "1"), "rank 2 of document 2 is not that of the ranking"),
        (("3",), ("11",), TEN, "rank 11 of document 3 is not that of the ranking"),
        (("3",), ("7",), ("2", "1"), "rank 7 of document 3 is not that of the ranking"),
    ],
)
def test_stored_predictions_of_other_data_are_refused(
    gold: tuple[str, ...], ranks: tuple[str, ...], best: tuple[str, ...], message: str
) -> None:
    wrong = RETRIEVAL.misfit(Prediction(gold, ranks, best), TASK)
    assert wrong.startswith(message) and bool(wrong) == bool(message)
