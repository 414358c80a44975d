from __future__ import annotations

import os
import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domainbert import DataError, Sentence
from domainbert_bio.pubtator import TYPE_OF_CLASS, read_pubtator

# Counted on the published files; 8528200 stands twice in train, with 11 mentions each time.
FILES = {
    "NCBItrainset_corpus.txt": (593, 592, 5145, 5134, 5145),
    "NCBIdevelopset_corpus.txt": (100, 100, 787, 787, 883),
    "NCBItestset_corpus.txt": (100, 100, 960, 960, 882),
}


def block(title: str, abstract: str, *spans: tuple[int, int], pmid: int = 1) -> str:
    text = f"{title} {abstract}"
    lines = [f"{pmid}|t|{title}", f"{pmid}|a|{abstract}"]
    lines += [
        f"{pmid}\t{start}\t{end}\t{text[start:end]}\tSpecificDisease\tD1" for start, end in spans
    ]
    return "\n".join(lines) + "\n"


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "corpus.txt"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def read(folder: Path, text: str | bytes) -> list[Sentence]:
    return list(read_pubtator(written(folder, text)))


def shown(sentences: list[Sentence]) -> list[str]:
    marks = {"O": "", "B-Disease": "*", "I-Disease": "+"}
    return [
        " ".join(marks[tag] + word for word, tag in zip(s.words, s.tags, strict=True))
        for s in sentences
    ]


def spans(sentences: list[Sentence]) -> list[str]:
    """The words of each mention without blanks between them."""
    found: list[str] = []
    for sentence in sentences:
        for word, tag in zip(sentence.words, sentence.tags, strict=True):
            if tag == "B-Disease":
                found.append(word)
            elif tag == "I-Disease":
                found[-1] += word
    return found


# --- what is read -------------------------------------------------------------------------------


def test_sentences_words_and_tags(tmp_path: Path) -> None:
    text = block(
        "Skin tumour.", "Colon cancers (APC) arise. We saw 5%.", (0, 11), (13, 26), (28, 31)
    )
    assert read(tmp_path, text)[0] == Sentence(
        ("Skin", "tumour", "."), ("B-Disease", "I-Disease", "O")
    )
    assert shown(read(tmp_path, text)) == [
        "*Skin +tumour .",
        "*Colon +cancers ( *APC ) arise .",
        "We saw 5 % .",
    ]


def test_four_classes_become_one_type(tmp_path: Path) -> None:
    assert set(TYPE_OF_CLASS.values()) == {"Disease"}
    for name in TYPE_OF_CLASS:
        text = block("Flu", "", (0, 3)).replace("SpecificDisease", name)
        assert shown(read(tmp_path, text)) == ["*Flu"]


def test_adjacent_mentions_stay_two(tmp_path: Path) -> None:
    assert shown(read(tmp_path, block("Flu gout", "", (0, 3), (4, 8)))) == ["*Flu *gout"]


def test_word_is_cut_where_a_mention_starts_or_ends(tmp_path: Path) -> None:
    text = block("autosomal disorders antiflu", "", (0, 17), (24, 27))
    assert shown(read(tmp_path, text)) == ["*autosomal +disorde rs anti *flu"]


def test_offsets_decide_where_the_quoted_text_has_other_blanks(tmp_path: Path) -> None:
    text = block("Flu  gout.", "", (0, 9)).replace(
        "\tFlu  gout\t", '\tFlu gout  "\t'.replace('"', "")
    )
    assert shown(read(tmp_path, text)) == ["*Flu +gout ."]


def test_blanks_at_the_ends_of_a_mention_do_not_count(tmp_path: Path) -> None:
    assert shown(read(tmp_path, block("A flu is", "", (1, 6)))) == ["A *flu is"]


def test_of_overlapping_mentions_the_longest_stays(tmp_path: Path) -> None:
    text = block("colon cancer cells", "", (6, 12), (0, 12), (6, 18), (0, 12))
    # (0, 12) and (6, 18) are equally long: the first one stays.
    assert shown(read(tmp_path, text)) == ["*colon +cancer cells"]


def test_repeated_pmid_is_read_once(tmp_path: Path) -> None:
    text = block("Flu.", "Is bad.", (0, 3)) + "\n"
    other = block("Gout.", "", (0, 4), pmid=2)
    assert read(tmp_path, text + other + text) == read(tmp_path, text + other)


@pytest.mark.parametrize(
    ("abstract", "expected"),
    [
        ("One. Two! Three? Four.", ["One.", "Two!", "Three?", "Four."]),
        ('He "fell." (Then) [he] (rose.) Up.', ['He"fell."', "(Then)[he](rose.)", "Up."]),
        ("E. coli, i.e. Smith et al. (1998) vs. Fig. 2. Done.", None),
        ("It was 12. 7 or <. 05 of them. no split", None),
        ("Grown at pH. 7 days on. 3 more.", ["GrownatpH.", "7dayson.", "3more."]),
        ("no capital. after it", None),
    ],
)
def test_sentence_ends(tmp_path: Path, abstract: str, expected: list[str] | None) -> None:
    if expected is None:
        expected = re.sub(r"\s|Done\.", "", abstract).split("\n")
        expected += ["Done."] if "Done." in abstract else []
    found = ["".join(sentence.words) for sentence in read(tmp_path, block("Title", abstract))]
    assert found == ["Title", *expected]


def test_no_sentence_ends_inside_a_mention(tmp_path: Path) -> None:
    text = block("T.", "Has type 1. Diabetes now. End.", (7, 23))
    assert shown(read(tmp_path, text)) == [
        "T .",
        "Has *type +1 +. +Diabetes now .",
        "End .",
    ]
    across = block("Breast", "cancer is.", (0, 13))
    assert shown(read(tmp_path, across)) == ["*Breast +cancer is ."]


def test_line_ends_byte_order_mark_and_missing_blank_lines(tmp_path: Path) -> None:
    text = block("Möb flu.", "", (4, 7)) + block("Gout.", "", (0, 4), pmid=2)
    expected = ["Möb *flu .", "*Gout ."]
    assert shown(read(tmp_path, text)) == expected
    assert shown(read(tmp_path, text.replace("\n", "\r\n"))) == expected
    assert shown(read(tmp_path, text.encode("utf-8-sig"))) == expected
    assert shown(read(tmp_path, "\n\n" + text.rstrip("\n"))) == expected


def test_empty_title_and_abstract(tmp_path: Path) -> None:
    assert read(tmp_path, "1|t|\n1|a|\n") == []
    assert shown(read(tmp_path, block("", "A flu.", (3, 6)))) == ["A *flu ."]
    assert read(tmp_path, "") == []


PROSE = st.text(
    st.sampled_from("abAB12 .?!\"'()-µ\u2009") | st.characters(categories=("L", "P", "Zs")),
    min_size=1,
    max_size=60,
).filter(lambda text: len(text.splitlines()) == 1)


@given(st.data(), PROSE, PROSE)
def test_any_text_is_covered_and_every_mention_found(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, title: str, abstract: str
) -> None:
    text = f"{title} {abstract}"
    places = st.integers(0, len(text))
    cuts = sorted(data.draw(st.sets(places, max_size=8)))
    chosen = [
        pair for pair in zip(cuts[::2], cuts[1::2], strict=False) if text[slice(*pair)].strip()
    ]
    found = read(tmp_path_factory.mktemp("pubtator"), block(title, abstract, *chosen))
    assert "".join(word for s in found for word in s.words) == "".join(text.split())
    assert spans(found) == ["".join(text[slice(*pair)].split()) for pair in chosen]
    for sentence in found:
        assert sentence.words
        assert len(sentence.words) == len(sentence.tags)
        before = ("O", *sentence.tags)
        assert ("O", "I-Disease") not in set(zip(before, sentence.tags, strict=False))


# --- what is refused ----------------------------------------------------------------------------

GOOD = block("Flu.", "Is bad.", (0, 3))


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("words\n", 1, "malformed line 'words'"),
        (GOOD + "1\t0\t3\tFlu\n", 4, "malformed line"),
        (GOOD + "1\t-1\t3\tFlu\tSpecificDisease\tD1\n", 4, "malformed line"),
        ("1|t|Flu.\n", 1, "no abstract for 1"),
        ("1|t|Flu.\n\n1|a|Bad.\n", 1, "no abstract for 1"),
        ("1|t|Flu.\n2|t|Gout.\n2|a|\n", 1, "no abstract for 1"),
        ("1|t|Flu.\n2|a|Bad.\n", 2, "abstract of 2"),
        ("1|a|Bad.\n", 1, "abstract of 1"),
        (GOOD + "1|a|Again.\n", 4, "abstract of 1"),
        ("1|t|Flu.\n1\t0\t3\tFlu\tModifier\tD1\n", 2, "mention of 1"),
        (GOOD + "2\t0\t3\tFlu\tModifier\tD1\n", 4, "mention of 2"),
        ("1\t0\t3\tFlu\tModifier\tD1\n", 1, "mention of 1"),
        (GOOD + "1\t0\t3\tFlu\tGene\tD1\n", 4, "class 'Gene'"),
        (GOOD.encode() + b"1|t|\xff\n", 4, "4:5: not UTF-8"),
    ],
)
def test_malformed(tmp_path: Path, text: str | bytes, line: int, said: str) -> None:
    with pytest.raises(DataError) as caught:
        read(tmp_path, text)
    assert f"corpus.txt:{line}:" in str(caught.value)
    assert said in str(caught.value)


@pytest.mark.parametrize("line", ["5\t13\tx", "3\t3\t", "3\t2\tu", "4\t5\t ", "1\t4\tFlu"])
def test_a_mention_unlike_its_text_is_left_out_and_counted(tmp_path: Path, line: str) -> None:
    path, counts = tmp_path / "corpus.txt", Counter[str]()
    path.write_text(f"{GOOD}1\t{line}\tModifier\tD1\n")
    assert list(read_pubtator(path, counts=counts)) == read(tmp_path, GOOD)
    assert +counts == {"mentions_unlike_text_left_out": 1}


def real(path: str) -> Path:
    for folder in filter(None, os.environ.get("DOMAINBERT_DATA", "").split(os.pathsep)):
        found = Path(folder) / "biomed" / "ncbi_disease" / path
        if found.is_file():
            return found
    pytest.skip(f"DOMAINBERT_DATA names no folder with biomed/ncbi_disease/{path}")


@pytest.mark.parametrize("name", FILES)
def test_real_counts(name: str) -> None:
    path = real(f"original/{name}")
    text = path.read_text(encoding="utf-8")
    titles = re.findall(r"^(\d+)\|t\|", text, re.MULTILINE)
    mentions = re.findall(r"^\d+\t\d+\t\d+\t", text, re.MULTILINE)
    blocks = {part.split("|")[0]: part for part in re.split(r"\n\s*\n", text.strip())}
    quoted = [
        "".join(line.split("\t")[3].split())
        for part in blocks.values()
        for line in part.splitlines()[2:]
    ]
    found = list(read_pubtator(path))
    counts = (len(titles), len(blocks), len(mentions), len(spans(found)), len(found))
    assert counts == FILES[name]
    assert Counter(spans(found)) == Counter(quoted)
    prose = "".join(
        "".join(line.split("|", 2)[2].split())
        for part in blocks.values()
        for line in part.splitlines()[:2]
    )
    assert "".join(word for s in found for word in s.words) == prose


@pytest.mark.parametrize(("name", "unlike"), list(zip(FILES, (1, 0, 0), strict=True)))
def test_real_mentions_that_differ_from_their_text(name: str, unlike: int) -> None:
    """One of train has other blanks than the text; the notes of the task say so."""
    texts: dict[str, str] = {}
    differing = []
    for line in real(f"original/{name}").read_text(encoding="utf-8").splitlines():
        if match := re.fullmatch(r"(\d+)\|[ta]\|(.*)", line):
            texts[match[1]] = f"{texts[match[1]]} {match[2]}" if match[1] in texts else match[2]
        elif line.strip():
            pmid, start, end, quoted = line.split("\t")[:4]
            if texts[pmid][int(start) : int(end)] != quoted:
                differing.append((texts[pmid][int(start) : int(end)].split(), quoted.split()))
    assert len(differing) == unlike
    assert all(found == quoted for found, quoted in differing)


@pytest.mark.parametrize(
    ("name", "column_file"), list(zip(FILES, ["train", "devel", "test"], strict=True))
)
def test_real_mentions_are_those_of_the_column_files(name: str, column_file: str) -> None:
    found = Counter(spans(list(read_pubtator(real(f"original/{name}")))))
    columns: list[str] = []
    for line in real(f"{column_file}.tsv").read_text(encoding="utf-8").splitlines():
        word, _, tag = line.partition("\t")
        if tag == "B-Disease":
            columns.append(word)
        elif tag == "I-Disease":
            columns[-1] += word
    more = Counter(columns) - found
    if column_file != "train":
        assert more + (found - Counter(columns)) == Counter()
    else:
        cut = ["autosomaldominantdisorder", "absenceoftheseventhcomponentofcomplement"]
        assert found - Counter(columns) == Counter(mention[:-1] for mention in cut)
        assert sum((more - Counter(cut)).values()) == 11
