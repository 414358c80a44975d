from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

import domainbert_bio
from domainbert import DataFile, TaskReader
from domainbert.plugin.registry import load_plugins
from domainbert_bio import mtl
from domainbert_bio.domain import ADDRESS, BIO
from domainbert_bio.medline import read_medline
from domainbert_bio.pubtator import read_pubtator

TASKS = {task.name: task for task in BIO.tasks}
CORPORA = {corpus.name: corpus for corpus in BIO.corpora}
DECLARED = [
    file for task in BIO.tasks for file in task.splits.values() if isinstance(file, DataFile)
]


def test_the_hook_yields_the_domain() -> None:
    assert list(domainbert_bio.domainbert_domains()) == [BIO]
    assert BIO.name == "bio"
    assert BIO.default_recipe == "bio/quickstart"
    assert list(CORPORA) == [
        "sample",
        "public-abstracts",
        "public-articles",
        "pubmed",
        "pmc",
        "bioc",
    ]
    own = ["sample-disease", "ncbi-disease", "ncbi-disease-pubtator"]
    assert list(TASKS) == [*own, *(task.name for task in mtl.TASKS), "jnlpba", "pubmedqa"]
    assert len(TASKS) == 19


def test_the_hook_yields_the_readers_of_relations() -> None:
    parts = list(domainbert_bio.domainbert_components())
    readers = {part.name: part.kind for part in parts if isinstance(part, TaskReader)}
    assert readers == dict.fromkeys(("chemprot", "ddi", "pubtator-relations"), "relation")


def test_the_installed_plugin_is_found() -> None:
    points = metadata.entry_points(group="domainbert", name="bio")
    assert {point.value for point in points} == {"domainbert_bio"}
    registry = load_plugins()
    assert registry.domain("bio") == BIO
    (plugin,) = (plugin for plugin in registry.plugins if plugin.name == "bio")
    assert (plugin.status, plugin.error) == ("ok", "")


def test_importing_the_plugin_is_light() -> None:
    code = (
        "import sys, domainbert_bio; list(domainbert_bio.domainbert_domains()); "
        "sys.exit(' '.join({'lxml', 'torch', 'transformers', 'pyarrow'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.strip()) == (0, "")


def test_everything_states_licence_and_origin() -> None:
    for record in (*BIO.corpora, *BIO.tasks, BIO.terms):
        assert record.licence
        assert record.origin


def test_what_reads_the_disease_tasks() -> None:
    assert {task.kind for task in BIO.tasks} == {"tagging", "pairs"}
    assert all(TASKS[name].labels == ("Disease",) for name in list(TASKS)[:3])
    assert [task.name for task in BIO.tasks if task.sample] == ["sample-disease"]
    assert TASKS["sample-disease"].read is None
    assert TASKS["ncbi-disease"].read is None
    assert TASKS["ncbi-disease-pubtator"].read is read_pubtator
    assert all(task.citation for task in BIO.tasks if not task.sample)


def test_declared_files_have_distinct_names_and_addresses() -> None:
    # PubMedQA has one file for its three splits; 42 are of the sets of one repository.
    assert len({*DECLARED}) == 6 + 42 + 1
    assert len({file.name for file in DECLARED}) == len({file.sha256 for file in DECLARED}) == 49
    assert all(file.url.startswith(ADDRESS + "/") for file in DECLARED[:6])


def test_every_task_has_counts_of_every_split_but_one_of_the_hub() -> None:
    counted = {name: {*"+".join(task.counts).split("+")} for name, task in TASKS.items()}
    assert counted.pop("jnlpba") == {"test"}
    assert set(map(frozenset, counted.values())) == {frozenset({"train", "validation", "test"})}


@pytest.mark.parametrize("name", [n for n, t in TASKS.items() if not t.sample and n != "jnlpba"])
def test_the_how_to_page_has_the_declared_counts(name: str) -> None:
    page = (Path(__file__).parents[3] / "docs" / "how-to" / "bio.md").read_text(encoding="utf-8")
    task = TASKS[name]
    if task.kind == "pairs":
        totals = [sum(part[label] for part in task.counts.values()) for label in task.labels]
        assert "yes ({}), no ({}) and maybe ({})".format(*totals) in " ".join(page.split())
        return
    (row,) = (line for line in page.split("\n") if line.startswith(f"| `{name}` |"))
    parts = [task.counts[split] for split in ("train", "validation", "test")]
    mentions = [sum(part[label] for label in task.labels) for part in parts]
    shown = [f"{part['records']:,}" for part in parts], [f"{number:,}" for number in mentions]
    assert row.endswith(f"| {' / '.join(shown[0])} | {' / '.join(shown[1])} |")


@pytest.mark.parametrize("file", sorted({*DECLARED}, key=str), ids=lambda file: file.name)
def test_declared_hash_and_size_are_those_of_the_file(file: DataFile) -> None:
    folders = filter(None, os.environ.get("DOMAINBERT_DATA", "").split(os.pathsep))
    suffix = Path(file.url).name
    found = [
        path
        for folder in folders
        for path in sorted(Path(folder).rglob(suffix))
        if hashlib.sha256(path.read_bytes()).hexdigest() == file.sha256
    ]
    if not found:
        pytest.skip(f"DOMAINBERT_DATA names no folder with {suffix} of the declared hash")
    assert found[0].stat().st_size == file.size


def test_pubmed_files_are_the_users() -> None:
    assert CORPORA["pubmed"].files == ()
    assert CORPORA["pubmed"].read is read_medline


def test_sample_corpus_is_read_whole() -> None:
    (path,) = CORPORA["sample"].files
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
    assert len({record["id"] for record in records}) == len(records) > 0
    assert all(record["text"].strip() for record in records)


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_sample_task_files_are_columns_in_iob2(split: str) -> None:
    text = TASKS["sample-disease"].splits[split].read_text(encoding="utf-8")
    sentences = [part.split("\n") for part in text.strip().split("\n\n")]
    tags = [[line.split("\t")[1] for line in sentence] for sentence in sentences]
    assert all(line.count("\t") == 1 for sentence in sentences for line in sentence)
    assert {tag for sentence in tags for tag in sentence} == {"O", "B-Disease", "I-Disease"}
    for sentence in tags:
        pairs = set(zip(["O", *sentence], sentence, strict=False))
        assert ("O", "I-Disease") not in pairs
