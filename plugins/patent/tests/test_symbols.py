from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domainbert import DataError
from domainbert_patent.symbols import (
    SECTION_TITLES,
    SECTIONS,
    Symbol,
    code,
    parse_symbol,
    parse_version,
    sorted_out,
)

SPELLINGS = {
    "H04L9/32": ["H04L 9/32", "H04L9/32", "H04L   9/32  ", "H04L009/32", "H04L  932",
                 "H04L0009320000", " H04L 9/32"],
    "H04L9/3226": ["H04L 9/3226", "H04L0009322600", "H04L  93226"],
    "A61K31/415": ["A61K 31415", "A61K031/415", "A61K 31/415", "A61K0031415000"],
    "B60R9/00": ["B60R  900", "B60R009/00", "B60R0009000000"],
    "H04M11/00": ["H04M 1100", "H04M 11/00"],
    "C07D495/04": ["C07D49504", "C07D495/04"],
    "F21W2121/00": ["F21W2121/00", "F21W 2121/00", "F21W2121000000"],
    "A01L": ["A01L", " A01L "],
    "A01": ["A01"],
    "Y": ["Y"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "spelling"), [(name, one) for name, many in SPELLINGS.items() for one in many]
)
def test_spellings(name: str, spelling: str) -> None:
    assert str(parse_symbol(spelling)) == name


def test_parts_and_levels() -> None:
    symbol = parse_symbol("H04L 9/32")
    assert symbol == Symbol("H", "H04", "H04L", "9", "32")
    assert [symbol.at(level) for level in ("section", "class", "subclass")] == ["H", "H04", "H04L"]
    assert [parse_symbol("H04").at(level) for level in ("section", "subclass")] == ["H", ""]
    with pytest.raises(DataError, match="level 'group': expected one of section, class, subclass"):
        symbol.at("group")


@pytest.mark.parametrize(
    "text",
    ["", "1402", "D14480", "I04L", "Z01B", "H4L 9/32", "H04L 9/3", "H04L 9/", "B60C15/00D2",
     "H04 9/32", "h04l 9/32", "H04L 9/32 X", "D 2-02", "H04L\n\n9/32x", "X" * 1000],
)  # fmt: skip
def test_no_symbols(text: str) -> None:
    with pytest.raises(DataError):
        parse_symbol(text)
    assert code("IPC", text) == " ".join(text.split())
    assert sorted_out([code("IPC", text)])[0] == ()


@given(
    st.sampled_from("ABCDEFGHY"), st.integers(1, 99), st.sampled_from("ABCXYZ"),
    st.integers(1, 9999), st.integers(0, 99), st.sampled_from(["", "1", "26", "703", "0001"]),
)  # fmt: skip
def test_every_symbol_comes_back_from_every_spelling(
    section: str, klass: int, letter: str, group: int, two: int, more: str
) -> None:
    subgroup = f"{two:02d}{more}"
    subclass = f"{section}{klass:02d}{letter}"
    symbol = Symbol(section, subclass[:3], subclass, str(group), subgroup)
    assert parse_symbol(str(symbol)) == symbol
    assert parse_symbol(f"{subclass} {group:>4}/{subgroup}") == symbol
    assert parse_symbol(f"{subclass}{group:04d}{subgroup:0<6}") == symbol
    if group < 1000:
        assert parse_symbol(f"{subclass}{group:03d}/{subgroup}") == symbol
        assert parse_symbol(f"{subclass}{group:>3}{subgroup}") == symbol


@pytest.mark.parametrize(
    ("text", "version"),
    [("07", "7"), ("7", "7"), ("2", "2"), ("20130101", "2013.01"), ("2013-01-01", "2013.01"),
     (" 20060101 ", "2006.01"), ("", "")],
)  # fmt: skip
def test_versions(text: str, version: str) -> None:
    assert parse_version(text) == version


def test_one_symbol_in_two_versions_is_two_codes() -> None:
    codes = [code("IPC", "A01L 1/00", v) for v in ("20060101", "7", "20060101")]
    assert sorted_out(codes) == ((codes[0], codes[1]), ())


def test_section_y_is_of_the_cpc_alone() -> None:
    fields = [
        code("CPC", "Y02E 10/50"),
        code("IPC", "Y02E 10/50"),
        code("IPC", "  / "),
        code("IPC", ""),
    ]
    found, others = sorted_out(fields)
    assert ([str(each.symbol) for each in found], others) == (["Y02E10/50"], ("Y02E 10/50",))


def test_sections_have_titles() -> None:
    assert (*SECTIONS, "Y") == tuple(SECTION_TITLES)
    assert all(SECTION_TITLES.values())
