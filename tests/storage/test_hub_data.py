"""Data sets of a stand-in for the hub on 127.0.0.1."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from helpers.hub import COMMIT

from domainbert.errors import DataError
from domainbert.plugin.places import HubData
from domainbert.plugin.rows import read_table_rows
from domainbert.recipe.tasks import TaskSection
from domainbert.storage.hub_data import described, fetch_splits, identity
from domainbert.storage.locate import Fetcher, data_sha256
from domainbert.tasks.load import load_task


def fetch(pins: dict[str, str] | None = None, **given: Any) -> dict[str, Path]:
    data = HubData(**{"id": "org/reviews", **given})
    return fetch_splits(data, lambda: None, {} if pins is None else pins)


def values(path: Path, column: str) -> list[Any]:
    return [row[column] for _, row in read_table_rows(path)]


def test_splits_are_fetched_once_with_class_names_and_the_commit(data_hub: Any) -> None:
    pins: dict[str, str] = {}
    found = fetch(pins)
    assert {split: len(values(path, "body")) for split, path in found.items()} == {
        "train": 60, "test": 12,
    }  # fmt: skip
    assert values(found["test"], "stars") == ["bad", "good"] * 6
    assert pins == {"org/reviews@main": COMMIT}
    # By its commit it is found again without a request.
    asked = len(data_hub.requests)
    assert fetch(pins) == found
    assert fetch(revision=COMMIT, split="test") == {"test": found["test"]}
    assert len(data_hub.requests) == asked
    assert described(found["test"]) == f"org/reviews@{COMMIT[:12]} default/test"
    assert data_sha256(found["test"]) == identity(found["test"])


def test_a_stream_stops_at_its_limit(data_hub: Any) -> None:
    (path,) = fetch(split="train", streaming=True, limit=5).values()
    assert values(path, "body") == [f"Review {n} of the pump" for n in range(5)]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"id": "org/none"}, "'org/none': the hub has none of this id, or it is private: then"),
        ({"id": "org/gated"}, "'org/gated': it is gated: accept its terms on the hub, then"),
        ({"revision": "v9"}, "'org/reviews': the hub has no such revision of it."),
        ({"config": "de"}, "'org/reviews': BuilderConfig 'de' not found. Available: ['default']"),
        ({"split": "dev"}, "'org/reviews': Unknown split \"dev\". Should be one of ['train', 't"),
        ({"id": "org/script"}, "'org/script': Dataset scripts are no longer supported, but found"),
    ],
)
def test_what_the_hub_does_not_have_is_named(
    data_hub: Any, given: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError) as caught:
        fetch(**given)
    assert str(caught.value).startswith(f"data set {message}")
    assert not list((tmp_path / "cache").rglob("*.parquet"))


def test_without_a_network_a_data_set_that_is_not_here_is_refused(
    data_hub: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(DataError, match="not in the cache, and HF_HUB_OFFLINE is set"):
        fetch()


def test_a_task_of_the_hub_gets_the_split_that_it_lacks_by_groups(
    data_hub: Any, tmp_path: Path
) -> None:
    given = {
        "name": "reviews", "kind": "classification", "hub": "org/reviews", "group": "doc",
        "columns": {"text": "body", "label": "stars"}, "splits": {"validation": 0.25},
    }  # fmt: skip
    fetcher = Fetcher()
    loaded = load_task(TaskSection.model_validate(given), None, tmp_path, fetcher)
    sizes = {split: len(records) for split, records in loaded.splits.items()}
    assert sizes == {"train": 45, "validation": 15, "test": 12}
    assert loaded.task.labels == ("bad", "good")
    groups = [
        {int(r.text.split()[1]) // 3 for r in loaded.splits[s]} for s in ("train", "validation")
    ]
    assert not groups[0] & groups[1]
    assert fetcher.pins == {"org/reviews@main": COMMIT}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "no split for validation; org/reviews@0123456789ab default has the splits train, tes"),
        ({"validation": "dev"}, "validation: no split 'dev'; org/reviews@0123456789ab default has"),
        ({"splits": {"validation": 0.1}, "text_field": "title"}, "no column 'title'; it has body"),
        ({"splits": {"validation": 0.1}, "group": "page"}, "no column 'page'; it has body"),
        ({"splits": {"validation": 0.01}, "group": "doc"},
         "group: doc: validation gets none of the 20 groups. Take a larger share"),
    ],
)  # fmt: skip
def test_splits_and_columns_that_are_not_there_are_named(
    data_hub: Any, tmp_path: Path, given: dict[str, Any], message: str
) -> None:
    task = {"name": "reviews", "kind": "classification", "hub": "org/reviews", "text_field": "body",
            "label_field": "stars"}  # fmt: skip
    with pytest.raises(DataError) as caught:
        load_task(TaskSection.model_validate({**task, **given}), None, tmp_path)
    assert message in str(caught.value)
