from __future__ import annotations

import pytest

from domainbert import DataError
from domainbert_finance.markup import html_paragraphs, looks_like_html, text_paragraphs


def read(body: str) -> list[str]:
    return html_paragraphs(f"<html><body>{body}</body></html>", "a.htm")


def test_blocks_are_paragraphs_and_inline_markup_is_none() -> None:
    body = "<p>Net <b>sal</b>es\n rose<br>again</p>tail<div>A<span> B</span><p>C</p>D</div>"
    assert read(body) == ["Net sales rose", "again", "tail", "A B", "C", "D"]


def test_hidden_data_of_inline_xbrl_is_left_out_and_its_facts_are_kept() -> None:
    body = (
        '<div style="display:none"><ix:header><ix:hidden>0000320193</ix:hidden></ix:header></div>'
        "<ix:header>us-gaap</ix:header>"
        "<p>Sales were <ix:nonFraction>12</ix:nonFraction> million.</p>"
        "<script>var a</script><style>p {}</style><p STYLE='Display : None'>secret</p><p>End</p>"
    )
    assert read(body) == ["Sales were 12 million.", "End"]


def test_tables_are_left_out_but_a_single_row_is_layout() -> None:
    row = "<tr><td>Sales</td><td>12</td></tr>"
    head = "<table><tr><td></td></tr><tr><td>ITEM 1.</td><td><p>BUSINESS</p></td></tr></table>"
    assert read(f"a<table>{row}{row}</table>b") == ["a", "b"]
    assert read(f"a{head}b") == ["a", "ITEM 1. BUSINESS", "b"]
    assert read("a<table></table>b") == ["a", "b"]


def test_a_page_in_a_table_is_read_and_its_tables_are_left_out() -> None:
    row = "<tr><td>Sales</td><td>12</td></tr>"
    page = f"<table><tr><td><p>Prose</p><table>{row * 2}</table><p>More</p></td></tr></table>"
    assert read(page) == ["Prose", "More"]
    long = f"<table><tr><td><p>{'x ' * 3000}</p><p>More</p></td></tr></table>"
    assert [line[:4] for line in read(long)] == ["x x ", "More"]


def test_many_tables_in_each_other_are_read_in_linear_time() -> None:
    assert read("<table><tr><td>" * 600 + "<tr><td></td></tr>" * 20_000 + "End") == ["End"]


def test_furniture_is_left_out() -> None:
    body = "<p>12</p><p>- 3 -</p><p>Page 4</p><p>iv</p><p>Table of Contents</p><p>In 12 days</p>"
    assert read(body) == ["In 12 days"]


def test_entities_and_letters() -> None:
    assert read("<p>R&amp;D&nbsp;at&#160;Caf&eacute; &#8217;s é &lt;b></p>") == [
        "R&D at Café ’s é <b>"
    ]


def test_malformed_html_is_read_as_a_browser_would() -> None:
    assert read("<p>One<div>Two</b><td>Three<p>Four</body") == ["One", "Two", "Three", "Four"]
    assert html_paragraphs("only text", "a.htm") == ["only text"]


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ("", "a.htm:3: no HTML"),
        ("<!-- nothing -->", "a.htm:3: no HTML"),
        ("<html>\n<!ENTITY a 'b'>&a;</html>", "a.htm:3: refused: line 2 of the text declares"),
        ('<!DOCTYPE html [<!ENTITY a SYSTEM "x">]><html>', "a.htm:3: refused: line 1"),
        ("<!DOCTYPE html [", "a.htm:3: refused"),
        ("<div>" * 5000 + "deep", "a.htm:3: HTML that cannot be read whole: Excessive depth"),
    ],
    ids=["empty", "comment", "entity", "subset", "open", "deep"],
)
def test_refused_pages(page: str, said: str) -> None:
    with pytest.raises(DataError) as caught:
        html_paragraphs(page, "a.htm:3")
    assert str(caught.value).startswith(said)


def test_a_doctype_alone_is_no_declaration() -> None:
    page = '<!DOCTYPE html PUBLIC "-//W3C//DTD HTML 4.01//EN" "http://www.w3.org/x.dtd"><p>[1] Fine'
    assert html_paragraphs(page, "a.htm") == ["[1] Fine"]


def test_plain_text() -> None:
    text = (
        "<PAGE>   1\n        FORM 8-K\r\n\n  The company\n  sold &amp; leased\n-----------\n\n"
        "<TABLE>\n<CAPTION>\n<S>  <C>\nSales  12\n</TABLE>\n\n  -3-\n\n<PAGE>\nItem 5. Other\n"
    )
    assert text_paragraphs(text) == ["FORM 8-K", "The company sold & leased", "Item 5. Other"]


def test_a_table_without_end_is_kept() -> None:
    assert text_paragraphs("a\n\n<TABLE>\nb\n\nc\n") == ["a", "<TABLE> b", "c"]


def test_html_is_told_from_text() -> None:
    assert looks_like_html("\n<?xml version='1.0'?>\n<html xmlns='x'>")
    assert looks_like_html("<P ALIGN=left>")
    assert not looks_like_html("<PAGE>\n<TABLE>\n<CAPTION>\n<S> <C>\nprofit < loss")
