from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from domainbert.errors import DataError
from domainbert.plugin.pubtator import read_pubtator
from domainbert.plugin.records import Sentence

BLOCK = (
    "7|t|Dry cough after rain\n7|a|A cough and a fever of 3 days.\n"
    "7\t4\t9\tcough\tSymptom\tD1\n7\t23\t28\tcough\tSymptom\n"
    "7\tAssociation\tD1\tD2\tNovel\n"
)


def read(folder: Path, text: str) -> tuple[list[Sentence], dict[str, int]]:
    path = folder / "set.pubtator"
    path.write_text(text)
    counts = Counter[str]()
    return list(read_pubtator(path, counts)), dict(+counts)


def test_any_types_are_read_and_relations_counted(tmp_path: Path) -> None:
    found, counts = read(tmp_path, f"{BLOCK}\n{BLOCK}")
    assert found == [
        Sentence(("Dry", "cough", "after", "rain"), ("O", "B-Symptom", "O", "O")),
        Sentence(
            ("A", "cough", "and", "a", "fever", "of", "3", "days", "."),
            ("O", "B-Symptom", *"OOOOOOO"),
        ),
    ]
    assert counts == {"relations": 2, "repeated_abstracts": 1}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("7\t4\t8\tcough\tSymptom", ":3: offsets 4 to 8 enclose 'coug', the file says 'cough'"),
        ("7\t4\tSymptom", ":3: malformed line"),
        ("8\t4\t9\tcough\tSymptom", ":3: mention of 8: expected after its own title"),
        ("8|a|Other", ":3: abstract of 8: expected after its own title line."),
        ("7\t4\t99\tcough\tSymptom", ":3: offsets 4 to 99 lie outside"),
        ("7\t4\t9\tcough\t ", ":3: the mention 'cough' has no type."),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(DataError) as caught:
        read(tmp_path, "\n".join(BLOCK.split("\n")[:2]) + f"\n{line}\n")
    assert str(caught.value).startswith(f"{tmp_path / 'set.pubtator'}{message}")


def test_mentions_unlike_their_text_are_left_out_and_counted(tmp_path: Path) -> None:
    wrong = "7\t4\t8\tcough\tSymptom\n7\t13\t99\tcough\tSymptom\n7\t9\t10\t \tSymptom\n"
    found, counts = read(tmp_path, BLOCK + wrong)
    assert found == read(tmp_path, BLOCK)[0]
    assert counts == {"relations": 1, "mentions_unlike_text_left_out": 3}
    with pytest.raises(DataError, match=r":3: offsets 4 to 8 .* None of its 3 mentions is at its"):
        read(tmp_path, "\n".join(BLOCK.split("\n")[:2]) + f"\n{wrong}")


def test_a_title_without_abstract_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=":1: no abstract for 7"):
        read(tmp_path, "7|t|Dry cough\n")


def test_the_real_sample_has_all_its_mentions() -> None:
    """DATA.md: 158 abstracts, 674 mentions."""
    root = Path(os.environ.get("DOMAINBERT_DATA", "/nowhere"))
    path = root / "biomed/raw_samples/pubtator/tmVar.Normalization.txt"
    if not path.is_file():
        pytest.skip("DOMAINBERT_DATA does not hold tmVar.Normalization.txt")
    counts = Counter[str]()
    found = list(read_pubtator(path, counts))
    begun = sum(tag.startswith("B-") for s in found for tag in s.tags)
    assert begun + counts["overlapping"] + counts["repeated_mentions"] == 674
