from __future__ import annotations

import re
import socket
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import psutil
import pytest

from domainbert import DataError
from domainbert_patent import stream
from domainbert_patent.reading import read_patents

Write = Callable[..., Path]
Made = dict[str, str]
BOMB = "".join(
    ["<!ENTITY a 'ha'>", *(f"<!ENTITY {c} '{f'&{p};' * 9}'>" for p, c in pairwise("abcdefgh"))]
)


def refusal(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        list(read_patents(path))
    assert str(caught.value).startswith(f"{path}: ")
    return str(caught.value)


def byte_of(text: str, what: str) -> int:
    return text.encode().index(what.encode())


def test_weekly_file_that_is_cut_within_its_last_record(made: Made, written: Write) -> None:
    text = made["weekly"]
    start = text.rindex("<?xml")
    said = refusal(written(text[: start + 900]))
    at = len(text[:start].encode())
    assert f"record 4, at byte {at}: cut short: the file ends before </us-patent-grant>" in said


def test_records_before_the_cut_are_given(made: Made, written: Write) -> None:
    reader = read_patents(written(made["weekly"][:-100]))
    assert [next(reader).id, next(reader).id] == ["US-9000001-B2", "US-20050099999-A1"]
    with pytest.raises(DataError, match="cut short"):
        next(reader)


def test_record_that_is_cut_within_a_weekly_file(made: Made, written: Write) -> None:
    text = made["grant"][:1500] + made["application"]
    said = refusal(written(text))
    assert "record 1, at byte 0: cut short: the next document begins" in said


def test_file_that_ends_within_a_prolog(made: Made, written: Write) -> None:
    text = made["grant"] + '<?xml version="1.0"?>\n<!DOCTYPE us-pat'
    assert "record 2" in refusal(written(text))
    assert "the file ends before a root element begins" in refusal(written(text))


def test_malformed_record_is_named(made: Made, written: Write) -> None:
    text = made["weekly"].replace("<title", "<t").replace("A clip.</p>", "A clip.</q>")
    said = refusal(written(text))
    at = byte_of(text, made["application"][:80])
    assert f"record 3, at byte {at}: not well-formed:" in said
    assert "mismatch" in said


@pytest.mark.parametrize(
    "subset",
    [
        BOMB,
        '<!ENTITY x SYSTEM "secret.txt">',
        '<!ENTITY x PUBLIC "p" "secret.txt">',
        '<!ENTITY % p SYSTEM "evil.dtd"> %p;',
        '<!ENTITY e "v"><!ENTITY x.TIF SYSTEM "x.TIF" NDATA TIF>',
        '<!ATTLIST p a CDATA "v">',
    ],
    ids=["bomb", "file", "public", "parameter", "mixed", "attribute"],
)
@pytest.mark.parametrize("form", ["grant", "application", "pap", "patdoc", "sgml", "marec", "ep"])
def test_declarations_are_refused(made: Made, written: Write, form: str, subset: str) -> None:
    declared = re.sub(r"<!DOCTYPE[^\[>]*(\[[^\]]*\])?\s*>", "", made[form]).lstrip()
    root = re.search(r"<(?![?!])[\w-]+", declared)
    assert root is not None
    start = root.start()
    doctype = f"<!DOCTYPE {root[0][1:]} [{subset}]>"
    text = declared[:start] + doctype + declared[start:]
    said = refusal(written(text))
    assert f"record 1, at byte 0: refused: its DOCTYPE has {subset[:13]!r}"[:-1] in said


def test_declaration_that_holds_markup_is_refused(made: Made, written: Write) -> None:
    text = made["grant"].replace("[ ]", "[<!ENTITY e '<us-patent-grant>'>]")
    assert "expected an XML prolog before the root element" in refusal(written(text))


def test_nothing_is_fetched_or_opened(made: Made, written: Write) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        url = f"http://127.0.0.1:{server.getsockname()[1]}/pap.dtd"
        text = made["pap"].replace("pap-v15-2001-01-31.dtd", url)
        assert [patent.title for patent in read_patents(written(text))] == ["Lamp"]
        with pytest.raises(BlockingIOError):
            server.accept()


def test_dtd_beside_the_file_is_not_read(made: Made, written: Write) -> None:
    written('<!ENTITY nosuchname "SECRET">', "pap-v15-2001-01-31.dtd")
    (patent,) = read_patents(written(made["pap"]))
    assert "SECRET" not in patent.abstract


def test_unknown_names_are_blanks_in_the_sgml_years_alone(made: Made, written: Write) -> None:
    (patent,) = read_patents(written(made["patdoc"].replace("It adds", "It&odd;adds")))
    assert patent.description == "FIELD\nIt adds."
    said = refusal(written(made["grant"].replace("After", "&odd;After")))
    assert "the entity &odd; is not declared" in said


def test_known_names_are_characters_everywhere(made: Made, written: Write) -> None:
    text = made["grant"].replace("After", "&Mgr;&lgr;&sfgr;&minus;&lt;&eegr;&rdquo;")
    assert "Μλς\u2212<η\u201d the table." in next(read_patents(written(text))).description


def test_elements_that_never_close_are_refused_outside_sgml(made: Made, written: Write) -> None:
    text = made["patdoc"].replace("<CITED-BY-EXAMINER/>", "<CITED-BY-EXAMINER>")
    assert "not well-formed" in refusal(written(text))


def test_sgml_end_tag_without_a_start_is_refused(made: Made, written: Write) -> None:
    text = made["sgml"].replace("<SDODE>", "</PARA><SDODE>")
    assert "record 1, at byte 0: not well-formed" in refusal(written(text))


def test_not_utf_8(made: Made, written: Write) -> None:
    said = refusal(written(made["ep"].encode("latin-1")))
    assert "is not utf-8. Convert the file." in said


@pytest.mark.parametrize("name", ["utf-16", "utf-7", "cp037", "x" * 999])
def test_other_encodings_are_refused(made: Made, written: Write, name: str) -> None:
    said = refusal(written(made["grant"].replace("UTF-8", name)))
    assert f"declares the encoding {name[:40]!r}" in said


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"Once upon a time", "begins with b'Once upon a time'"),
        (b"%PDF-1.7 and more of it here", "begins with b'%PDF-1.7"),
        ("<a/>".encode("utf-16"), "it is UTF-16. Convert it"),
        ("<a/>".encode("utf-16-le"), "it is UTF-16. Convert it"),
    ],
)
def test_no_patent_file(written: Write, content: bytes, shown: str) -> None:
    said = refusal(written(content))
    assert "no patent file of a known format" in said
    assert shown in said


def test_missing_file(tmp_path: Path) -> None:
    assert "no such file" in refusal(tmp_path / "none.xml")


def test_other_xml_is_named(written: Write) -> None:
    said = refusal(written("<?xml version='1.0'?>\n<html><p>1</p></html>"))
    assert "not a patent: its root element is 'html'" in said
    assert "us-patent-grant" in said


def test_text_before_the_root_is_refused(made: Made, written: Write) -> None:
    said = refusal(written(made["grant"].replace("<us-patent-grant", "hello <us-patent-grant", 1)))
    assert "expected an XML prolog" in said


def test_comment_before_the_root_may_name_elements(made: Made, written: Write) -> None:
    comment = "<!-- <!DOCTYPE x [ <us-patent-application> -->\n<!DOCTYPE"
    text = made["grant"].replace("<!DOCTYPE", comment)
    assert next(read_patents(written(text))).id == "US-9000001-B2"


@pytest.mark.parametrize(
    ("form", "removed"),
    [
        ("grant", "<doc-number>09000001</doc-number>"),
        ("pap", "<doc-number>20010099999</doc-number>"),
        ("patdoc", "<PDAT>06999999</PDAT>"),
        ("greenbook", "WKU  039999994\n"),
        ("marec", ' doc-number="1999999"'),
        ("ep", ' doc-number="2999999"'),
    ],
)
def test_record_without_a_number(made: Made, written: Write, form: str, removed: str) -> None:
    assert removed in made[form]
    said = refusal(written(made[form].replace(removed, "")))
    assert "record 1, at byte 0: no pa" in said or "record 1, at byte 0: no publication" in said


def test_greenbook_that_is_cut(made: Made, written: Write) -> None:
    text = made["greenbook"] + made["greenbook"].split("NUM  2.")[0]
    said = refusal(written(text, "a.txt"))
    at = len(made["greenbook"].encode())
    assert f"record 2, at byte {at}: cut short: 1 of 2 claims" in said


def test_greenbook_with_control_characters(made: Made, written: Write) -> None:
    said = refusal(written(made["greenbook"].replace("After.", "Af\x00ter."), "a.txt"))
    assert "control characters" in said


def test_greenbook_header_alone(written: Write) -> None:
    assert "no line `PATN`" in refusal(written("HHHHHT  APS1  ISSUE - 761221\n", "a.txt"))


def test_record_beyond_the_limit(
    made: Made, written: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "MAX_RECORD_BYTES", 1 << 20)
    text = made["grant"].replace("It", "x") + made["grant"].replace("BACK", "B" * (3 << 20))
    said = refusal(written(text))
    assert "record 2" in said
    assert "no record ends within 1 MiB" in said


def test_deep_nesting_is_refused(made: Made, written: Write) -> None:
    deep = "<b>" * 300 + "</b>" * 300
    assert "not well-formed" in refusal(written(made["grant"].replace("After", deep)))


def test_memory_does_not_grow_with_the_file(made: Made, written: Write) -> None:
    one = made["grant"].replace("After", "After " + "many words " * 4000)
    path = written(one * 800)
    assert path.stat().st_size > 35_000_000
    process = psutil.Process()
    before = peak = 0
    for number, _ in enumerate(read_patents(path)):
        if number % 50 == 20:
            peak = max(peak, process.memory_info().rss)
            before = before or peak
    assert number == 799
    assert peak - before < 8_000_000
