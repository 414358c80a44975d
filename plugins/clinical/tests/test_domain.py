from __future__ import annotations

import csv
import json
import subprocess
import sys
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

import domainbert_clinical
from domainbert import DataError, DataFile, UserError
from domainbert.errors import PluginError
from domainbert.plugin.registry import load_plugins
from domainbert.recipe.tasks import TaskSection
from domainbert.report.licences import check_licences
from domainbert.storage.download import locate
from domainbert.storage.locate import Fetcher
from domainbert.tasks.load import load_task
from domainbert_clinical.domain import CLINICAL, MTS_LABELS
from domainbert_clinical.notes import read_aci_bench

TASKS = {task.name: task for task in CLINICAL.tasks}
CORPORA = {corpus.name: corpus for corpus in CLINICAL.corpora}
DECLARED = {
    file
    for record in (*CLINICAL.tasks, *CLINICAL.corpora)
    for file in (record.splits.values() if hasattr(record, "splits") else record.files)
    if isinstance(file, DataFile)
}
MTS = "mts-dialog", "mts-dialog-test2", "mts-dialog-dialogue", "mts-dialog-dialogue-test2"


def here(file: Any) -> Path:
    """Return a declared file that is on this machine, or skip the test."""
    try:
        return locate(replace(file, url=None))
    except DataError:
        pytest.skip(f"DOMAINBERT_DATA names no folder with {file.name} of the declared hash")


def test_the_hook_yields_the_domain() -> None:
    assert list(domainbert_clinical.domainbert_domains()) == [CLINICAL]
    assert (CLINICAL.name, CLINICAL.default_recipe) == ("clinical", "clinical/quickstart")
    assert list(CORPORA) == ["sample", "aci-bench", "notes", "i2b2"]
    assert list(TASKS) == ["sample-sections", *MTS, "aci-bench-notes"]


def test_the_installed_plugin_is_found() -> None:
    points = metadata.entry_points(group="domainbert", name="clinical")
    assert {point.value for point in points} == {"domainbert_clinical"}
    registry = load_plugins()
    assert registry.domain("clinical") == CLINICAL
    (plugin,) = (plugin for plugin in registry.plugins if plugin.name == "clinical")
    assert (plugin.status, plugin.error) == ("ok", "")


def test_importing_the_plugin_is_light() -> None:
    code = (
        "import sys, domainbert_clinical as c; list(c.domainbert_domains()); "
        "sys.exit(' '.join({'lxml', 'torch', 'transformers', 'pyarrow'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.strip()) == (0, "")


def test_the_tasks_of_mts_dialog_have_its_sections_and_its_rows() -> None:
    assert len(MTS_LABELS) == len(set(MTS_LABELS)) == 20
    for name in MTS:
        assert TASKS[name].labels == MTS_LABELS
        rows = {split: counts["records"] for split, counts in TASKS[name].counts.items()}
        assert rows == {"train": 1201, "validation": 100, "test": 200}
    columns = [TASKS[name].columns["text"] for name in MTS]
    assert columns == ["section_text", "section_text", "dialogue", "dialogue"]
    tests = [TASKS[name].splits["test"] for name in MTS]
    assert tests[:2] == tests[2:]
    assert tests[0] != tests[1]


def test_declared_files_have_distinct_names_and_a_commit_where_one_is_known() -> None:
    assert len(DECLARED) == 9
    assert len({file.name for file in DECLARED}) == len({file.sha256 for file in DECLARED}) == 9
    for file in DECLARED:
        address = str(file.url)
        assert address.startswith("https://raw.githubusercontent.com/")
        assert ("/HEAD/" in address) == file.name.startswith("aci-bench-")


@pytest.mark.parametrize("name", MTS)
def test_real_files_have_the_declared_counts(name: str) -> None:
    for file in TASKS[name].splits.values():
        here(file)
    splits = load_task(TaskSection(name=name), CLINICAL, Path()).splits
    assert [len(splits[split]) for split in splits] == [1201, 100, 200]


def test_a_note_of_aci_bench_is_the_document_of_its_dialogue(written: Any) -> None:
    header = "dataset,encounter_id,dialogue,note\n"
    rows = "virtassist,D2N1,[doctor] hi,A cough.\nvirtscribe,D2N2,[doctor] hello,A rash.\n"
    splits = {split: written(f"{split}.csv", header + rows) for split in ("validation", "test")}
    task = replace(TASKS["aci-bench-notes"], splits=splits, counts={})
    queries = load(task).splits["test"]
    assert [(q.text, q.documents) for q in queries] == [
        ("[doctor] hi", ("A cough.",)), ("[doctor] hello", ("A rash.",)),
    ]  # fmt: skip


def test_real_visits_of_aci_bench_have_the_declared_counts() -> None:
    for file in TASKS["aci-bench-notes"].splits.values():
        here(file)
    splits = load_task(TaskSection(name="aci-bench-notes"), CLINICAL, Path()).splits
    assert [len(splits[split]) for split in splits] == [20, 40]


def test_real_notes_of_aci_bench_have_the_published_number() -> None:
    numbers = []
    for file in CORPORA["aci-bench"].files:
        numbers.append(sum(bool(note.text) for note in read_aci_bench(here(file))))
    assert numbers == [67, 20, 40, 40, 40]


def test_sample_corpus_is_prose_of_at_least_40_kb() -> None:
    (path,) = CORPORA["sample"].files
    assert isinstance(path, Path)
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert len({record["id"] for record in records}) == len(records) == 43
    assert sum(len(record["text"].encode()) for record in records) == 48215


def test_sample_task_has_168_distinct_texts() -> None:
    texts, sizes = [], {}
    for split, path in TASKS["sample-sections"].splits.items():
        assert isinstance(path, Path)
        with path.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))
        assert {row["label"] for row in rows} == set(TASKS["sample-sections"].labels)
        texts += [row["text"] for row in rows]
        sizes[split] = len(rows)
    assert sizes == {"train": 108, "validation": 24, "test": 36}
    assert len(set(texts)) == 168


def mts_task(written: Any, name: str = "mts-dialog", **texts: str) -> Any:
    """Return the task on small files of its shape, without its counts."""
    splits = {split: written(f"{split}.csv", text) for split, text in texts.items()}
    return replace(TASKS[name], splits=splits, counts={})


HEADER = "ID,section_header,section_text,dialogue\n"
ROWS = (
    '0,CC,"Cough, dry.","Doctor: What is it? \nPatient: I cough. "\n'
    '1,FAM/SOCHX,Does not smoke.,"Doctor: Smoke?\nPatient: ROS?\tNo."\n'
)


def load(task: Any) -> Any:
    domain = replace(CLINICAL, tasks=(task,))
    return load_task(TaskSection(name=task.name), domain, Path())


@pytest.mark.parametrize("name", MTS)
def test_mts_dialog_is_read_by_the_names_of_its_columns(written: Any, name: str) -> None:
    other = (
        "dialogue,section_text,section_header,ID\n"
        '"Doctor: What is it? \nPatient: I cough. ","Cough, dry.",CC,0\n'
        "Doctor: Smoke?,Does not smoke.,FAM/SOCHX,1\n"
    )
    task = mts_task(written, name, train=HEADER + ROWS, validation=other, test=HEADER + ROWS)
    splits = load(task).splits
    assert [record.labels for record in splits["train"]] == [("CC",), ("FAM/SOCHX",)]
    assert splits["train"][0] == splits["validation"][0]
    text = splits["train"][0].text
    assert text.startswith("Doctor: What" if "dialogue" in name else "Cough, dry.")


@pytest.mark.parametrize(
    ("header", "row", "error"),
    [
        ("ID,header,section_text,dialogue\n", ROWS, "train.csv:1: no column 'section_header'"),
        (HEADER, "0,CCC,Cough.,Hm.\n", "CCC"),
        (HEADER, "0,CC,Cough, dry.,Hm.\n", "train.csv:2: expected 4 columns"),
        (HEADER, "0,CC,,Hm.\n", "train.csv:2"),
    ],
)
def test_other_columns_and_labels_are_refused(
    written: Any, header: str, row: str, error: str
) -> None:
    task = mts_task(written, train=header + row, validation=HEADER + ROWS, test=HEADER + ROWS)
    with pytest.raises(DataError, match=error):
        load(task)


def test_a_changed_file_is_refused_by_its_counts(written: Any) -> None:
    task = mts_task(written, train=HEADER + ROWS, validation=HEADER + ROWS, test=HEADER + ROWS)
    with pytest.raises(DataError, match="train: records: 2 were read, 1,201 are declared"):
        load(replace(task, counts=TASKS["mts-dialog"].counts))


def test_a_file_with_other_bytes_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = TASKS["mts-dialog"].splits["test"]
    assert isinstance(file, DataFile)
    (tmp_path / file.name).write_bytes(b"x" * file.size)
    monkeypatch.setenv("DOMAINBERT_DATA", str(tmp_path))
    monkeypatch.setenv("DOMAINBERT_CACHE", str(tmp_path / "cache"))
    with pytest.raises(DataError, match=file.sha256[:12]):
        Fetcher().path(replace(file, url=None))


def test_a_missing_split_is_refused() -> None:
    splits = {"train": Path("a.csv"), "test": Path("b.csv")}
    with pytest.raises(PluginError, match="missing splits \\['validation'\\]"):
        replace(TASKS["mts-dialog"], splits=splits)


def test_licences_of_the_public_data_let_a_model_be_published() -> None:
    sources = {name: TASKS[name].licence for name in MTS}
    check_licences("apache-2.0", {**sources, "aci-bench": CORPORA["aci-bench"].licence})


@pytest.mark.parametrize("name", ["notes", "i2b2"])
def test_a_model_of_notes_under_an_agreement_is_not_published(name: str) -> None:
    with pytest.raises(UserError, match=f"{name} is under .*non-commercial use"):
        check_licences("apache-2.0", {name: CORPORA[name].licence})
