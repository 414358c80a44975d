from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

import domainbert_finance
from domainbert import DataFile
from domainbert.plugin.registry import load_plugins
from domainbert_finance.domain import FINANCE
from domainbert_finance.fomc import read_fomc
from domainbert_finance.items import read_10k
from domainbert_finance.phrasebank import read_phrasebank
from domainbert_finance.reuters import read_reuters
from domainbert_finance.sec_ner import read_sec_ner
from domainbert_finance.submission import read_submission
from domainbert_finance.tasks import FIQA, FOMC, PHRASEBANK, SEC_NER, TWEETS

TASKS = {task.name: task for task in FINANCE.tasks}
CORPORA = {corpus.name: corpus for corpus in FINANCE.corpora}
DECLARED = sorted(
    {file for task in FINANCE.tasks for file in task.splits.values() if isinstance(file, DataFile)},
    key=lambda file: file.name,
)
LEVELS = ("50agree", "66agree", "75agree", "allagree")


def test_the_hook_yields_the_domain() -> None:
    assert list(domainbert_finance.domainbert_domains()) == [FINANCE]
    assert FINANCE.name == "finance"
    assert FINANCE.default_recipe == "finance/quickstart"
    assert list(CORPORA) == [
        "sample", "public-reports", "public-filings", "public-news", "edgar-10k",
        "edgar-submission", "earnings-calls", "reuters", "fomc-texts",
    ]  # fmt: skip
    assert list(TASKS) == [
        "sample-tone", *(f"phrasebank-{level}" for level in LEVELS), "fiqa-news",
        "fiqa-news-classes", "fiqa-posts", "fiqa-posts-classes", "fomc", "twitter-financial-news",
        "sec-ner",
    ]  # fmt: skip


def test_the_installed_plugin_is_found() -> None:
    points = metadata.entry_points(group="domainbert", name="finance")
    assert {point.value for point in points} == {"domainbert_finance"}
    registry = load_plugins()
    assert registry.domain("finance") == FINANCE
    (plugin,) = (plugin for plugin in registry.plugins if plugin.name == "finance")
    assert (plugin.status, plugin.error) == ("ok", "")


def test_importing_the_plugin_is_light() -> None:
    code = (
        "import sys, domainbert_finance; list(domainbert_finance.domainbert_domains()); "
        "sys.exit(' '.join({'lxml', 'torch', 'transformers', 'typer'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.strip()) == (0, "")


def test_everything_states_licence_and_origin() -> None:
    for record in (*FINANCE.corpora, *FINANCE.tasks, FINANCE.terms):
        assert record.licence
        assert record.origin
    assert all(task.citation for task in FINANCE.tasks if not task.sample)


def test_readers_and_kinds() -> None:
    assert CORPORA["edgar-10k"].read is read_10k
    assert CORPORA["edgar-submission"].read is read_submission
    assert CORPORA["reuters"].read is read_reuters
    assert CORPORA["fomc-texts"].read is read_fomc
    assert [corpus.name for corpus in FINANCE.corpora if corpus.files] == [
        "sample", "public-reports", "public-filings", "public-news",
    ]  # fmt: skip
    assert [task.name for task in FINANCE.tasks if task.sample] == ["sample-tone"]
    kinds = {name: task.kind for name, task in TASKS.items() if task.kind != "classification"}
    assert kinds == {
        "fiqa-news": "regression", "fiqa-news-classes": "pairs",
        "fiqa-posts": "regression", "fiqa-posts-classes": "pairs", "sec-ner": "tagging",
    }  # fmt: skip
    for name in ("sample-tone", *(f"phrasebank-{level}" for level in LEVELS)):
        assert TASKS[name].labels == ("negative", "neutral", "positive")
    assert TASKS["fomc"].labels == ("dovish", "hawkish", "neutral")
    assert TASKS["twitter-financial-news"].labels == ("bearish", "bullish", "neutral")
    assert TASKS["sample-tone"].read is None
    assert {TASKS[f"phrasebank-{level}"].read for level in LEVELS} == {read_phrasebank}
    assert TASKS["sec-ner"].read is read_sec_ner


def test_phrasebank_tasks_share_one_file_among_splits_and_forbid_commercial_use() -> None:
    for level in LEVELS:
        task = TASKS[f"phrasebank-{level}"]
        assert len(set(task.splits.values())) == 1
        assert "CC BY-NC-SA 3.0" in task.licence
        assert "Malo" in task.licence


def test_declared_files_have_distinct_names_and_addresses() -> None:
    assert len(DECLARED) == 14
    assert len({file.name for file in DECLARED}) == 14
    assert len({file.sha256 for file in DECLARED}) == 14
    places = tuple(f"{place}/" for place in (PHRASEBANK, SEC_NER, FIQA, FOMC, TWEETS))
    assert all(file.url.startswith(places) for file in DECLARED)


@pytest.mark.parametrize("file", DECLARED, ids=lambda file: file.name)
def test_declared_hash_and_size_are_those_of_the_file(file: DataFile) -> None:
    folders = filter(None, os.environ.get("DOMAINBERT_DATA", "").split(os.pathsep))
    found = [
        path
        for folder in folders
        for path in sorted(Path(folder).rglob("*"))
        if path.is_file() and path.stat().st_size == file.size
    ]
    if not found:
        pytest.skip(f"DOMAINBERT_DATA names no folder with a file of the size of {file.name}")
    assert file.sha256 in {hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


def test_sample_corpus_is_read_whole_and_is_large_enough() -> None:
    (path,) = CORPORA["sample"].files
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
    assert len({record["id"] for record in records}) == len(records) == 60
    assert sum(len(record["text"].encode()) for record in records) == 47238


def test_no_sentence_of_the_sample_stands_twice() -> None:
    (path,) = CORPORA["sample"].files
    lines = path.read_text(encoding="utf-8").split("\n")
    texts = [json.loads(line)["text"] for line in lines if line]
    sentences = [part.strip() for text in texts for part in text.split(". ")]
    rows = [row for split in ("train", "validation", "test") for row in tone_rows(split)]
    assert len(set(sentences)) == len(sentences) > 400
    assert len({text.casefold() for text, _ in rows}) == len(rows) == 185
    assert [text for text, _ in rows if any(text in document for document in texts)] == []


def tone_rows(split: str) -> list[tuple[str, str]]:
    lines = TASKS["sample-tone"].splits[split].read_text(encoding="utf-8").split("\n")
    assert lines[0] == "text\tlabel"
    assert lines[-1] == ""
    return [(text, label) for text, label in (line.split("\t") for line in lines[1:-1])]


@pytest.mark.parametrize(
    ("split", "negative", "neutral", "positive"),
    [("train", 35, 45, 39), ("validation", 8, 10, 8), ("test", 12, 15, 13)],
)
def test_sample_labels_as_its_readme_counts_them(
    split: str, negative: int, neutral: int, positive: int
) -> None:
    labels = [label for _, label in tone_rows(split)]
    counts = [labels.count(label) for label in TASKS["sample-tone"].labels]
    assert counts == [negative, neutral, positive]
    assert len(labels) == sum(counts)
    readme = (TASKS["sample-tone"].splits[split].parents[1] / "README.md").read_text("utf-8")
    assert f"| {split} | {sum(counts)} | {negative} | {neutral} | {positive} |" in readme
