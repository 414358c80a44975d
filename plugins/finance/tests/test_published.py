"""The declared tasks: what their files must be, what is counted, and what licences forbid."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from domainbert import DataError, DataFile, Domain, Task, UserError
from domainbert.errors import PluginError
from domainbert.recipe.tasks import TaskSection
from domainbert.report.licences import check_licences
from domainbert.storage.download import locate
from domainbert.tasks.load import load_task
from domainbert_finance.domain import FINANCE

PUBLISHED = {task.name: task for task in FINANCE.tasks if not task.sample}
README = Path(__file__).parents[1] / "README.md"
# Of each task: records of train with validation, and of test.
RECORDS = {
    "phrasebank-50agree": (3908, 928),
    "phrasebank-66agree": (3412, 799),
    "phrasebank-75agree": (2792, 656),
    "phrasebank-allagree": (1836, 423),
    "fiqa-news": (379, 119),
    "fiqa-news-classes": (379, 119),
    "fiqa-posts": (575, 100),
    "fiqa-posts-classes": (575, 100),
    "fomc": (1903, 476),
    "twitter-financial-news": (9543, 2388),
    "sec-ner": (1164, 303),
}


def in_folder(task: Task, **changes: Any) -> Domain:
    """Return a domain with a task whose files have no address."""
    splits = {
        split: replace(file, url=None)
        for split, file in task.splits.items()
        if isinstance(file, DataFile)
    }
    return Domain("finance", "Finance", tasks=(replace(task, splits=splits, **changes),))


def test_every_task_declares_its_counts() -> None:
    assert list(PUBLISHED) == list(RECORDS)
    for name, task in PUBLISHED.items():
        found = {"train": 0, "test": 0}
        for splits, counts in task.counts.items():
            found["test" if splits == "test" else "train"] += counts["records"]
            if task.kind == "classification":
                assert sum(counts[label] for label in task.labels) == counts["records"]
        assert (found["train"], found["test"]) == RECORDS[name]


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_real_files_are_read_as_declared(name: str) -> None:
    domain = in_folder(PUBLISHED[name])
    try:
        for file in PUBLISHED[name].splits.values():
            assert isinstance(file, DataFile)
            locate(replace(file, url=None))
    except DataError as error:
        pytest.skip(f"DOMAINBERT_DATA lacks a file: {error}")
    loaded = load_task(TaskSection(name=name), domain, Path())
    assert sum(map(len, loaded.splits.values())) == sum(RECORDS[name])


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_file_with_other_bytes_is_none_of_the_set(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOMAINBERT_DATA", str(tmp_path))
    monkeypatch.setenv("DOMAINBERT_CACHE", str(tmp_path / "cache"))
    file = PUBLISHED[name].splits["train"]
    assert isinstance(file, DataFile)
    (tmp_path / file.name).write_bytes(b" " * file.size)  # its name and size, other content
    said = rf"{file.name}: not found \(sha256 {file.sha256[:12]}…, {file.size} bytes; looked in"
    with pytest.raises(DataError, match=said):
        load_task(TaskSection(name=name), in_folder(PUBLISHED[name]), Path())


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_a_set_without_a_split_is_refused(split: str) -> None:
    task = PUBLISHED["fomc"]
    others = {key: file for key, file in task.splits.items() if key != split}
    with pytest.raises(PluginError, match=rf"task 'fomc': missing splits \['{split}'\]"):
        replace(task, splits=others)


@pytest.mark.parametrize(
    "name", [name for name in PUBLISHED if name.startswith(("phrasebank", "fomc"))]
)
@pytest.mark.parametrize("licence", ["apache-2.0", "mit", "cc-by-4.0", "cc-by-sa-4.0"])
def test_no_commercial_use_stops_publishing(name: str, licence: str) -> None:
    source = {name: PUBLISHED[name].licence}
    with pytest.raises(UserError, match=rf"{name} is under .*\(non-commercial use\)"):
        check_licences(licence, source)
    check_licences("other", source)


@pytest.mark.parametrize("name", ["public-news", "reuters", "fomc-texts"])
def test_corpora_for_research_stop_publishing(name: str) -> None:
    (corpus,) = (corpus for corpus in FINANCE.corpora if corpus.name == name)
    with pytest.raises(UserError, match=rf"{name} is under .*\(non-commercial use\)"):
        check_licences("apache-2.0", {name: corpus.licence})


@pytest.mark.parametrize("name", ["fiqa-news", "fiqa-posts-classes", "twitter-financial-news"])
def test_a_licence_that_is_not_stated_is_said(name: str) -> None:
    assert PUBLISHED[name].licence.startswith("Not stated")


def test_the_readme_lists_every_task_with_its_records() -> None:
    readme = README.read_text(encoding="utf-8")
    for name, (train, test) in RECORDS.items():
        assert f"| `{name}` | {train:,} | {test:,} |" in readme
