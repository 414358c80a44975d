"""XML that nobody vouches for: declarations, entities, damage, and sizes beyond the limits."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from domainbert import DataError
from domainbert.plugin import xml_stream
from domainbert.readers import XmlFormat, XmlProlog, xml_elements

FORM = XmlFormat("list XML", ("list",), "item", ("item",), "nobody")
LEVELS = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 12))
LAUGHS = f'<!ENTITY l0 "lol">{LEVELS}'


def items(*texts: str, prolog: str = "") -> str:
    body = "\n".join(f"<item>{text}</item>" for text in texts)
    return f'<?xml version="1.0"?>\n{prolog}\n<list>\n{body}\n</list>\n'


def refuse(what: str, advice: str) -> DataError:
    return DataError(f"a.xml: {what}. {advice}")


def read(xml: str | bytes, size: int = 1000) -> list[str]:
    data = xml.encode() if isinstance(xml, str) else xml
    chunks = (data[start : start + size] for start in range(0, len(data), size))
    return ["".join(element.itertext()) for element in xml_elements(chunks, FORM, refuse)]


def refusal(xml: str | bytes, size: int = 1000) -> str:
    with pytest.raises(DataError) as caught:
        read(xml, size)
    assert str(caught.value).startswith("a.xml: ")
    return str(caught.value)


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_elements_are_those_of_the_format_in_the_order_of_their_ends(size: int) -> None:
    xml = items("a &amp; b", "<!-- c -->d<item>e</item><?p i?>", "<x>f</x>", prolog="<!-- p -->")
    assert read(xml, size) == ["a & b", "e", "d", "f"]
    spaced = xml.replace("<list>", '<n:list xmlns:n="urn:n" xmlns="urn:m">').replace("/l", "/n:l")
    assert read(spaced, size) == ["a & b", "e", "d", "f"]


def test_memory_does_not_grow_with_the_file() -> None:
    def chunks(count: int) -> Iterator[bytes]:
        yield b"<list>"
        yield from (b"<item>%s</item>" % (b"x" * 1000) for _ in range(count))
        yield b"</list>"

    # The element before is freed with the next; one more may wait in the parser.
    held = [len(element.getparent()) for element in xml_elements(chunks(3000), FORM, refuse)]
    assert len(held) == 3000
    assert max(held) <= 3


def test_an_address_of_a_dtd_is_accepted_and_not_fetched() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        url = f"http://127.0.0.1:{server.getsockname()[1]}/list.dtd"
        assert read(items("a", prolog=f'<!DOCTYPE list PUBLIC "-//X" "{url}">')) == ["a"]
        with pytest.raises(BlockingIOError):
            server.accept()


def test_a_dtd_beside_the_file_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("x.dtd").write_text('<!ENTITY stolen "SECRET">')
    doctype = '<!DOCTYPE list SYSTEM "x.dtd">'
    assert read(items("a", prolog=doctype)) == ["a"]
    message = refusal(items("&stolen;", prolog=doctype))
    assert "Entity 'stolen' not defined" in message
    assert "SECRET" not in message


@pytest.mark.parametrize(
    "declared",
    [
        '<!ENTITY e "internal">',
        '<!ENTITY e SYSTEM "secret.txt">',
        '<!ENTITY e PUBLIC "-//X" "secret.txt">',
        '<!ENTITY % e SYSTEM "secret.txt"> %e;',
        "<!ENTITY % e \"<!ENTITY f 'x'>\"> %e;",
        '%undeclared; <!ENTITY e "behind an unknown parameter entity">',
        "<!ATTLIST item a CDATA '1'>",
        "",
        LAUGHS,
        f'<!ENTITY a "{"a" * 100_000}">',
    ],
)
def test_an_internal_subset_is_refused_before_it_is_read(
    declared: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("secret.txt").write_text("SECRET")
    doctype = f'<!DOCTYPE list SYSTEM "x.dtd" [{declared}]>'
    for text in ("plain", "&e;", '<i a="&l11;"/>', "&l11;", "&a;" * 100_000):
        message = refusal(items(text, prolog=doctype))
        assert "refused: its DOCTYPE has an internal subset" in message
        assert "The files of nobody have none" in message
        assert "SECRET" not in message


@pytest.fixture
def without_first_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(XmlProlog, "feed", lambda self, data, is_last=False: None)


@pytest.mark.usefixtures("without_first_look")
@pytest.mark.parametrize("text", ["a&e;b", "a<i>&e;</i>", "&l9;"])
def test_a_declared_entity_is_refused_also_without_the_first_look(text: str) -> None:
    refusal(items(text, prolog=f'<!DOCTYPE list [<!ENTITY e "text">{LAUGHS}]>'))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.parametrize("declaration", ["<!ENTITY e {}>", "<!ENTITY % e {}> %e;"])
@pytest.mark.parametrize("looks", [True, False])
def test_the_target_of_an_external_entity_is_not_opened(
    tmp_path: Path, declaration: str, looks: bool, request: pytest.FixtureRequest
) -> None:
    if not looks:
        request.getfixturevalue("without_first_look")
    # To open a pipe that nobody writes to would block for ever.
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    declared = declaration.format(f'SYSTEM "{pipe.as_uri()}"')
    done = threading.Event()

    def attempt() -> None:
        refusal(items("&e;", prolog=f"<!DOCTYPE list [{declared}]>"))
        done.set()

    threading.Thread(target=attempt, daemon=True).start()
    assert done.wait(30)


@pytest.mark.parametrize("before", [0, 5000])
@pytest.mark.parametrize("doctype", ['<!DOCTYPE list SYSTEM "list.dtd">', ""])
@pytest.mark.parametrize("bad", ["a&nbsp;b", '<x a="A&nbsp;B">x</x>'])
def test_an_entity_that_nothing_declares_is_refused_with_its_line(
    bad: str, doctype: str, before: int
) -> None:
    good = [str(number) for number in range(before)]
    xml = items(*good, bad, *good, prolog=doctype)
    line = xml[: xml.index("&nbsp;")].count("\n") + 1
    assert f"Entity 'nbsp' not defined, line {line}," in refusal(xml)
    # No element is passed on from where the parser lost its way.
    found = []
    with pytest.raises(DataError):
        for element in xml_elements([xml.encode()], FORM, refuse):
            found.append(element.text)
    assert found == good[: len(found)]


@pytest.mark.parametrize(
    ("xml", "said"),
    [
        ("", "the file is empty"),
        (" \n", "the XML ends before its root element does"),
        ("words", "Start tag expected"),
        ("words <&>", "does not start as XML does"),
        ("<html><p/></html>", "not list XML: its root element is 'html'. Expected one of list."),
        ("<list><item></list>", "tag mismatch"),
        (items("a")[:-4], "the XML ends before its root element does"),
        (items("a") + "<more/>", "Extra content"),
        (items("a") * 2, "XML"),
        (items("a\0b"), "not well-formed"),
        (items("a").encode() + b"\xff", "not well-formed"),
        (items("@").encode().replace(b"@", b"\xff"), "encoding"),
        (items("<x:i>a</x:i>"), "Namespace prefix x"),
        ('<?xml version="1.0" encoding="EBCDIC"?><list/>', "it declares the encoding 'ebcdic'"),
    ],
)
def test_what_is_no_xml_of_the_format_is_refused(xml: str | bytes, said: str) -> None:
    assert said in refusal(xml)


@pytest.mark.parametrize(
    ("before", "unit", "count", "after", "said"),
    [
        ("", "x", 11_000_000, "", "Text node too long"),
        ("", "<i>", 300, "</i>" * 300, "Excessive depth"),
        ("", "<i>", 1_000_000, "", "Excessive depth"),
        ("<", "n", 11_000_000, "/>", "Name too long"),
        ('<i a="', "v", 17_000_000, '"/>', "no item ends within 16 MiB"),
        ('<i a="', "v", 11_000_000, '"/>', "Buffer size limit"),
    ],
    ids=["text", "deep", "very-deep", "name", "attribute", "short-attribute"],
)
def test_sizes_beyond_the_limits_are_refused(
    before: str, unit: str, count: int, after: str, said: str
) -> None:
    assert said in refusal(items("a", before + unit * count + after), 1 << 16)


def test_an_element_of_many_others_is_refused_before_it_fills_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(xml_stream, "MAX_ELEMENT_BYTES", 1 << 20)
    assert len(read(items(*["x" * 500_000] * 8), 1 << 16)) == 8
    message = refusal(items("a", "<i/>" * 300_000), 1 << 16)
    assert "no item ends within 1 MiB of XML" in message
