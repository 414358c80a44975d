from __future__ import annotations

import csv
import hashlib
import json
import os
import re
import subprocess
import sys
from collections import Counter
from importlib import metadata
from pathlib import Path

import pytest

import domainbert_patent
from domainbert import DataError, DataFile
from domainbert.plugin.registry import load_plugins
from domainbert.recipe.tasks import TaskSection
from domainbert.tasks.load import load_task
from domainbert_patent import cpc_declared
from domainbert_patent.cpc_tasks import (
    read_classes,
    read_ipc_subclasses,
    read_later_sections,
    read_sections,
    read_subclasses,
)
from domainbert_patent.domain import PATENT
from domainbert_patent.reading import read_abstracts, read_claims, read_whole

TASKS = {task.name: task for task in PATENT.tasks}
CORPORA = {corpus.name: corpus for corpus in PATENT.corpora}
SPLITS = ("train", "validation", "test")


def sample_rows(split: str) -> list[dict[str, str]]:
    with TASKS["sample-cpc"].splits[split].open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, delimiter="\t", strict=True))


def test_the_hook_yields_the_domain() -> None:
    assert list(domainbert_patent.domainbert_domains()) == [PATENT]
    assert (PATENT.name, PATENT.default_recipe) == ("patent", "patent/quickstart")
    assert list(CORPORA) == [
        "sample",
        "public-patents",
        "patents",
        "patent-abstracts",
        "patent-claims",
    ]
    assert list(TASKS) == [
        "sample-cpc", "sample-title-abstract", "sample-abstract-claim", "cpc-section",
        "cpc-section-by-year", "cpc-subclass", "cpc-class", "ipc-subclass", "patent-sections",
    ]  # fmt: skip


def test_the_installed_plugin_is_found() -> None:
    points = metadata.entry_points(group="domainbert", name="patent")
    assert {point.value for point in points} == {"domainbert_patent"}
    registry = load_plugins()
    assert registry.domain("patent") == PATENT
    (plugin,) = (plugin for plugin in registry.plugins if plugin.name == "patent")
    assert (plugin.status, plugin.error) == ("ok", "")


def test_importing_the_plugin_is_light() -> None:
    code = (
        "import sys, domainbert_patent; list(domainbert_patent.domainbert_domains()); "
        "sys.exit(' '.join({'lxml', 'typer', 'torch', 'transformers'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.strip()) == (0, "")


def test_everything_states_licence_and_origin() -> None:
    for record in (*PATENT.corpora, *PATENT.tasks, PATENT.terms):
        assert record.licence
        assert record.origin


def test_corpora_of_files_are_the_users() -> None:
    readers = {name: corpus.read for name, corpus in CORPORA.items() if not corpus.files}
    assert readers == {
        "patents": read_whole, "patent-abstracts": read_abstracts, "patent-claims": read_claims,
    }  # fmt: skip


def test_tasks_are_classifications_and_retrieval() -> None:
    retrieval = ["sample-title-abstract", "sample-abstract-claim"]
    assert [task.name for task in PATENT.tasks if task.kind == "retrieval"] == retrieval
    assert {task.kind for task in PATENT.tasks} == {"classification", "retrieval"}
    samples = ["sample-cpc", *retrieval]
    assert [task.name for task in PATENT.tasks if task.sample] == samples
    assert all(task.citation and task.notes for task in PATENT.tasks if not task.sample)
    several = [task.name for task in PATENT.tasks if task.multi_label]
    assert several == ["cpc-subclass", "cpc-class", "ipc-subclass"]
    assert all(task.counts for task in PATENT.tasks)
    assert TASKS["cpc-section"].labels == tuple("ABCDEFGH")
    assert (TASKS["cpc-subclass"].labels, dict(TASKS["cpc-subclass"].levels)) == (
        (), {"section": 1, "class": 3},
    )  # fmt: skip
    assert TASKS["cpc-section"].splits == TASKS["cpc-subclass"].splits
    assert (TASKS["cpc-section"].read, TASKS["cpc-subclass"].read) == (
        read_sections, read_subclasses,
    )  # fmt: skip


# --- the sample ---------------------------------------------------------------------------------


def test_sample_corpus_is_read_whole() -> None:
    (path,) = CORPORA["sample"].files
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
    assert len({record["id"] for record in records}) == len(records) == 56
    assert sum(len(record["text"].encode()) for record in records) == 41_344


def test_sample_task_has_the_counts_of_its_readme() -> None:
    rows = {split: sample_rows(split) for split in SPLITS}
    assert {split: len(found) for split, found in rows.items()} == {
        "train": 112, "validation": 24, "test": 32,
    }  # fmt: skip
    for split, each in zip(SPLITS, (14, 3, 4), strict=True):
        counts = Counter(row["label"] for row in rows[split])
        assert counts == dict.fromkeys("ABCDEFGH", each)
    assert {frozenset(row) for found in rows.values() for row in found} == {
        frozenset({"text", "label"})
    }


def test_retrieval_has_the_abstracts_of_the_sample_task() -> None:
    words = {}
    for split in SPLITS[1:]:
        path = TASKS["sample-title-abstract"].splits[split]
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        assert [row["abstract"] for row in rows] == [row["text"] for row in sample_rows(split)]
        written = [row[key] for row in rows for key in ("title", "claim")]
        assert len(set(written)) == 2 * len(rows)
        words[split] = sum(len(text.split()) for text in written)
    assert words == {"validation": 757, "test": 1137}
    loaded = load_task(TaskSection(name="sample-abstract-claim"), PATENT, Path())
    (query, *_) = loaded.splits["test"]
    assert (loaded.splits["train"], query.text[:15]) == ((), "A tape dispense")
    assert query.documents[0].startswith("A device for paying out strips")


def test_no_sentence_of_the_sample_stands_twice() -> None:
    texts = [row["text"] for split in SPLITS for row in sample_rows(split)]
    (path,) = CORPORA["sample"].files
    lines = path.read_text(encoding="utf-8").split("\n")
    texts += [json.loads(line)["text"] for line in lines if line]
    sentences = [s for text in texts for s in re.split(r"(?<=[.;])\s+|\n", text) if s]
    assert [s for s, n in Counter(sentences).items() if n > 1] == []
    assert len(texts) == 224


# --- the CPC tasks ------------------------------------------------------------------------------


def record(**changes: object) -> bytes:
    whole = {
        "id": "US1-20150106", "date": "2015-01-06", "text": "A.", "section": "H",
        "subclasses": ["H04L", "Y02D"], **changes,
    }  # fmt: skip
    return json.dumps(whole).encode() + b"\n"


def test_sections_are_those_of_one_section_patents(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(record() + record(section=None) + record(date="2006-01-03", section="A"))
    found = list(read_sections(path, "train"))
    assert [(example.text, example.labels) for example in found] == [("A.", ("H",)), ("A.", ("A",))]


def test_subclasses_are_those_of_2015_and_later(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    days = ["2014-12-30", "2015-01-01", "2018-03-06"]
    path.write_bytes(b"".join(record(date=day, text=day, section=None) for day in days))
    found = list(read_subclasses(path, "test"))
    assert [(e.text, e.labels) for e in found] == [
        ("2015-01-01", ("H04L", "Y02D")), ("2018-03-06", ("H04L", "Y02D")),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"{\n", "not valid JSON"),
        (b'{"text": "\xff"}\n', "not UTF-8"),
        (b"[]\n", "expected an object"),
        (record(text=None), "expected an object"),
        (record(subclasses="H04L"), "expected an object"),
        (record(section="Y"), "section 'Y': expected one of A to H, or null"),
        (record(subclasses=["H04L 9/32"]), "subclass 'H04L 9/32'"),
        (record(subclasses=["H04"]), "subclass 'H04'"),
        (record(subclasses=[7]), "subclass 7"),
    ],
)
def test_malformed_task_files(tmp_path: Path, line: bytes, said: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(record() + line)
    with pytest.raises(DataError) as caught:
        list(read_sections(path, "train")) + list(read_subclasses(path, "train"))
    assert str(caught.value).startswith(f"{path}:2:")
    assert said in str(caught.value)


def declared(split: str) -> Path:
    file = TASKS["cpc-section"].splits[split]
    assert isinstance(file, DataFile)
    for folder in filter(None, os.environ.get("DOMAINBERT_DATA", "").split(os.pathsep)):
        for path in sorted(Path(folder).rglob("*.jsonl.gz")):
            if hashlib.sha256(path.read_bytes()).hexdigest() == file.sha256:
                assert path.stat().st_size == file.size
                return path
    pytest.skip(f"DOMAINBERT_DATA names no folder with {file.name} of the declared hash")


def test_declared_files_are_brought_by_the_user() -> None:
    files = list(TASKS["cpc-section"].splits.values())
    assert [file.url for file in files] == [None] * 3
    assert len({file.sha256 for file in files}) == len({file.name for file in files}) == 3


@pytest.mark.parametrize("name", [t.name for t in cpc_declared.TASKS])
def test_declared_counts_are_found_in_the_real_files(name: str) -> None:
    for split in SPLITS:
        declared(split)  # or skips
    task = TASKS[name]
    loaded = load_task(TaskSection(name=name), PATENT, Path())
    found = {
        split: {"records": len(records), **Counter(x for r in records for x in r.labels)}
        for split, records in loaded.splits.items()
    }
    for split, counts in task.counts.items():
        assert {key: found[split].get(key, 0) for key in counts} == counts


def test_a_file_of_other_bytes_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = TASKS["cpc-section"].splits["train"]
    (tmp_path / file.name).write_bytes(b"x" * file.size)
    monkeypatch.setenv("DOMAINBERT_DATA", str(tmp_path))
    with pytest.raises(DataError, match=file.sha256[:12]):
        load_task(TaskSection(name="cpc-section"), PATENT, Path())


def test_a_missing_split_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOMAINBERT_DATA", str(tmp_path))
    with pytest.raises(DataError, match=r"cpc-abstracts-train\.jsonl\.gz"):
        load_task(TaskSection(name="cpc-subclass"), PATENT, Path())


def test_years_of_the_splits(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    days = ["2006-01-03", "2012-12-25", "2013-01-01", "2014-12-30", "2015-01-06", "2018-03-06"]
    path.write_bytes(b"".join(record(date=day, text=day) for day in days))
    found = {split: [e.text for e in read_later_sections(path, split)] for split in SPLITS}
    assert found == {"train": days[:2], "validation": days[2:4], "test": days[4:]}
    ipc = [(e.text, e.labels) for e in read_ipc_subclasses(path, "train")]
    assert ipc == [(day, ("H04L", "Y02D")) for day in days[:2]]
    classes = [(e.text, e.labels) for e in read_classes(path, "train")]
    assert classes == [(day, ("H04", "Y02")) for day in days[4:]]


def test_real_counts_of_the_section_task() -> None:
    sizes, rare, texts = [], [], {}
    for split in SPLITS:
        found = list(read_sections(declared(split), split))
        sizes.append(len(found))
        rare.append(sum(example.labels == ("D",) for example in found))
        texts[split] = {example.text for example in found}
    assert (sizes, rare) == ([5977, 766, 739], [25, 3, 1])
    assert [f"{n:,}" in TASKS["cpc-section"].notes for n in sizes] == [True] * 3
    assert len(texts["train"] & texts["validation"]) == 1
    assert texts["test"] & (texts["train"] | texts["validation"]) == set()


def test_real_counts_of_the_subclass_task() -> None:
    found = {split: list(read_subclasses(declared(split), split)) for split in SPLITS}
    counts = {s: Counter(x for example in found[s] for x in example.labels) for s in SPLITS}
    assert [len(found[split]) for split in SPLITS] == [2638, 325, 361]
    assert [counts[split].total() for split in SPLITS] == [5741, 677, 805]
    assert len(counts["train"]) == 454
    for split, kinds, assignments in (("validation", 9, 9), ("test", 12, 13)):
        unseen = {label: n for label, n in counts[split].items() if label not in counts["train"]}
        assert (len(unseen), sum(unseen.values())) == (kinds, assignments)
