from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from domainbert import DataError, Domain, Pair
from domainbert.recipe.tasks import TaskSection
from domainbert.storage.download import locate
from domainbert.tasks.load import load_task
from domainbert_bio import pubmedqa
from domainbert_bio.pubmedqa import LABELS, PUBMEDQA, official_test, read_pubmedqa, split_of

ENTRY = {
    "QUESTION": "Does  rest help?",
    "CONTEXTS": ["We asked\n20 people.", "", "Twelve felt better."],
    "LABELS": ["METHODS", "", "RESULTS"],
    "LONG_ANSWER": "Rest helps.",
    "final_decision": "yes",
}
TEST_ID = "12377809"


def written(folder: Path, content: Any) -> Path:
    path = folder / "ori_pqal.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return path


def read(folder: Path, content: Any) -> dict[str, list[Pair]]:
    path = written(folder, content)
    return {split: list(read_pubmedqa(path, split)) for split in PUBMEDQA.splits}


def test_the_official_test_split_is_that_of_the_published_file() -> None:
    """Ids and answers, laid out as in `data/test_ground_truth.json`, have its size and hash."""
    lines = Path(pubmedqa.__file__).with_name("pubmedqa_test.txt").read_text().splitlines()
    ids = " ".join(line for line in lines if not line.startswith("#")).split()
    answers = [a for a in LABELS for _ in range(PUBMEDQA.counts["test"][a])]
    published = json.dumps(dict(zip(ids, answers, strict=True)), indent=4).encode()
    digest = "939fe566f09017d13b1ca64d2ddfee0bc2374b366048152997669cccedc44d51"
    assert (len(published), hashlib.sha256(published).hexdigest()) == (11414, digest)
    assert official_test() == {*ids}


def test_counts_are_the_published_ones() -> None:
    parts = PUBMEDQA.counts.values()
    totals = {key: sum(part[key] for part in parts) for key in ("records", *LABELS)}
    assert totals == {"records": 1000, "yes": 552, "no": 338, "maybe": 110}


def test_a_question_has_its_sections_and_not_its_conclusion(tmp_path: Path) -> None:
    pair = Pair("Does rest help?", "We asked 20 people.\nTwelve felt better.", ("yes",))
    found = read(tmp_path, {TEST_ID: ENTRY})
    assert found == {"train": [], "validation": [], "test": [pair]}
    assert found["test"][0].document == TEST_ID


def test_every_question_is_in_one_split_and_a_tenth_in_validation(tmp_path: Path) -> None:
    many = {str(n): {**ENTRY, "QUESTION": f"Does number {n} help?"} for n in range(2000)}
    found = read(tmp_path, {**many, TEST_ID: ENTRY})
    sizes = {split: len(pairs) for split, pairs in found.items()}
    assert sizes == {"train": 1813, "validation": 187, "test": 1}
    assert not {p.text for p in found["train"]} & {p.text for p in found["validation"]}


def test_the_split_does_not_depend_on_case_or_blanks() -> None:
    texts = [f"Is {n} enough?" for n in range(50)]
    plain = [split_of("1", text, frozenset()) for text in texts]
    assert Counter(plain)["validation"] > 0
    assert plain == [split_of("2", f" {text.upper()} ", frozenset()) for text in texts]


def test_half_a_surrogate_in_a_question_is_read(tmp_path: Path) -> None:
    found = read(tmp_path, {"7": {**ENTRY, "QUESTION": "Does \ud800 help?"}})
    assert [pair.text for pairs in found.values() for pair in pairs] == ["Does \ud800 help?"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        (f'{{"7": {json.dumps(ENTRY)}, "7": {{}}}}', "not valid JSON: the key '7' stands twice"),
        ('{"7": {"QUESTION": "a", "QUESTION": "b"}}', "the key 'QUESTION' stands twice"),
        ([ENTRY], "expected an object with an entry per PMID"),
        ({"7": {**ENTRY, "QUESTION": None}}, ": 7: expected QUESTION as text"),
        ({"7": {**ENTRY, "CONTEXTS": "all"}}, ": 7: QUESTION or CONTEXTS is missing or empty"),
        ({"7": {**ENTRY, "CONTEXTS": [" "]}}, ": 7: QUESTION or CONTEXTS is missing or empty"),
        ({"7": {**ENTRY, "CONTEXTS": [1]}}, ": 7: expected QUESTION as text and CONTEXTS as a"),
        ({"7": {**ENTRY, "final_decision": "no idea"}}, ": 7: final_decision is 'no idea'; exp"),
        ({"7": "yes"}, ": 7: expected QUESTION as text"),
    ],
)
def test_what_is_refused(tmp_path: Path, content: Any, said: str) -> None:
    with pytest.raises(DataError) as caught:
        read(tmp_path, content)
    assert "ori_pqal.json" in str(caught.value)
    assert said in str(caught.value)


def test_a_file_without_a_split_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, {TEST_ID: ENTRY})
    task = replace(PUBMEDQA, splits=dict.fromkeys(PUBMEDQA.splits, path))
    with pytest.raises(DataError, match="has no pair"):
        load_task(TaskSection(name="pubmedqa"), Domain("b", "B", tasks=(task,)), Path())


def test_the_real_file_has_its_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    file = next(iter(PUBMEDQA.splits.values()))
    offline = replace(file, url=None)  # type: ignore[type-var]
    try:
        locate(offline)  # type: ignore[arg-type]
    except DataError:
        pytest.skip("DOMAINBERT_DATA names no folder with ori_pqal.json")
    task = replace(PUBMEDQA, splits=dict.fromkeys(PUBMEDQA.splits, offline))
    loaded = load_task(TaskSection(name="pubmedqa"), Domain("b", "B", tasks=(task,)), Path())
    assert len(loaded.splits["test"]) == 500
