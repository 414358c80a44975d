from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from collections import Counter
from importlib import metadata
from itertools import combinations
from pathlib import Path

import pytest
import yaml

import domainbert_legal
from domainbert import DataFile
from domainbert.plugin.registry import load_plugins
from domainbert.report.licences import check_licences
from domainbert_legal.domain import LEGAL, SAMPLE_LABELS

ROOT = Path(__file__).parents[3]
RECIPES = sorted((ROOT / "recipes" / "legal").glob("*.yaml"))
TASKS = {task.name: task for task in LEGAL.tasks}
CORPORA = {corpus.name: corpus for corpus in LEGAL.corpora}
SPLITS = ("train", "validation", "test")


def sample_rows(split: str) -> list[dict[str, str]]:
    with TASKS["sample-clauses"].splits[split].open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def sample_texts() -> list[str]:
    (path,) = CORPORA["sample"].files
    return [json.loads(line)["text"] for line in path.read_text("utf-8").splitlines()]


def test_the_hook_yields_the_domain() -> None:
    assert list(domainbert_legal.domainbert_domains()) == [LEGAL]
    assert list(CORPORA) == ["sample", "contracts", "eu-law", "us-opinions"]
    assert list(TASKS) == [
        "sample-clauses", "cuad-clauses", "cuad", "contract-nli", "ledgar", "eurlex", "case-hold",
        "scotus", "unfair-tos",
    ]  # fmt: skip


def test_the_installed_plugin_is_found() -> None:
    points = metadata.entry_points(group="domainbert", name="legal")
    assert {point.value for point in points} == {"domainbert_legal"}
    registry = load_plugins()
    assert registry.domain("legal") == LEGAL
    (plugin,) = (plugin for plugin in registry.plugins if plugin.name == "legal")
    assert (plugin.status, plugin.error) == ("ok", "")


def test_importing_the_plugin_is_light() -> None:
    code = (
        "import sys, domainbert_legal; list(domainbert_legal.domainbert_domains()); "
        "list(domainbert_legal.domainbert_components()); "
        "sys.exit(' '.join({'lxml', 'torch', 'transformers', 'pyarrow'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.strip()) == (0, "")


def test_everything_states_licence_and_origin() -> None:
    for record in (*LEGAL.corpora, *LEGAL.tasks, LEGAL.terms):
        assert record.licence
        assert record.origin
    assert all(task.citation for task in LEGAL.tasks if not task.sample)


def test_licences_allow_a_published_model() -> None:
    records = (*LEGAL.corpora, *LEGAL.tasks)
    check_licences("apache-2.0", {record.name: record.licence for record in records})


def test_declared_files_have_distinct_names() -> None:
    files = {
        file for task in LEGAL.tasks for file in task.splits.values() if isinstance(file, DataFile)
    }
    assert len({file.name for file in files}) == len({file.sha256 for file in files}) == 5


def test_the_sample_corpus_is_large_enough_and_has_no_near_duplicates() -> None:
    texts = sample_texts()
    assert sum(len(text.encode()) for text in texts) == 49_071
    assert len(texts) == 64
    every = [*texts, *(row["text"] for split in SPLITS for row in sample_rows(split))]
    shingles = [set(zip(*(re.findall(r"\w+", t.lower())[n:] for n in range(5)))) for t in every]  # noqa: B905
    assert [
        (i, j) for (i, a), (j, b) in combinations(enumerate(shingles), 2) if len(a & b) > 2
    ] == []


@pytest.mark.parametrize(("split", "each"), [("train", 13), ("validation", 3), ("test", 5)])
def test_the_sample_task_has_as_many_clauses_of_each_kind(split: str, each: int) -> None:
    counts = Counter(row["label"] for row in sample_rows(split))
    assert counts == dict.fromkeys(SAMPLE_LABELS, each)


def test_the_readme_of_the_sample_has_its_counts() -> None:
    (path,) = CORPORA["sample"].files
    text = (path.parent / "README.md").read_text("utf-8")
    size = path.stat().st_size
    assert f"64 documents, 49,071 bytes of text ({size:,} bytes as a file)" in text
    lengths = sorted(map(len, sample_texts()))
    assert f"{lengths[0]} to {lengths[-1]} characters" in text


def test_the_recipes() -> None:
    assert [path.stem for path in RECIPES] == [
        "bert-mini", "contract-nli-minilm", "ettin-17m", "ettin-32m", "legal-bert", "legal-lora",
        "quickstart",
    ]  # fmt: skip
    assert LEGAL.default_recipe == "legal/quickstart"


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_recipes_name_tasks_and_corpora_of_the_domain(path: Path) -> None:
    recipe = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert recipe["domain"] == "legal"
    assert {name.partition("@")[0] for name in recipe["tasks"]} <= {*TASKS}
    assert {corpus["name"] for corpus in recipe["corpus"]} <= {*CORPORA}


def test_legal_bert_has_the_published_settings() -> None:
    recipe = yaml.safe_load((ROOT / "recipes" / "legal" / "legal-bert.yaml").read_text("utf-8"))
    train = recipe["train"]
    assert (train["steps"], train["batch_size"], train["max_seq_length"]) == (1_000_000, 256, 512)
    assert float(train["learning_rate"]) == 1e-4
