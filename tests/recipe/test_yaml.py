from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from domainbert.errors import RecipeError
from domainbert.recipe.yaml import MAX_BYTES, MAX_DEPTH, parse_yaml, read_yaml


def refused(text: str) -> str:
    with pytest.raises(RecipeError) as caught:
        parse_yaml(text, "r.yaml")
    return str(caught.value)


def file_refused(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    with pytest.raises(RecipeError) as caught:
        read_yaml(path)
    return str(caught.value).replace(str(path.parent) + "/", "")


def test_values_and_the_line_of_every_key() -> None:
    parsed = parse_yaml("a: 1\nb:\n  - c: x\n    d: [1,\n        2]\n", "r.yaml")
    assert parsed.data == {"a": 1, "b": [{"c": "x", "d": [1, 2]}]}
    assert parsed.lines == {
        (): 1,
        ("a",): 1,
        ("b",): 2,
        ("b", 0): 3,
        ("b", 0, "c"): 3,
        ("b", 0, "d"): 4,
        ("b", 0, "d", 0): 4,
        ("b", 0, "d", 1): 5,
    }


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        (("b", 0, "c"), "r.yaml:3  b.0.c"),
        (("b", 0, "missing"), "r.yaml:3  b.0.missing"),
        (("missing", "key"), "r.yaml:1  missing.key"),
        ((), "r.yaml:1"),
    ],
)
def test_a_location_without_a_line_takes_that_of_its_nearest_parent(
    location: tuple[str | int, ...], expected: str
) -> None:
    assert parse_yaml("a: 1\nb:\n  - c: x\n", "r.yaml").where(location) == expected


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2020-01-01", "2020-01-01"),
        ("2020-13-45", "2020-13-45"),
        ("no", False),
        ("'no'", "no"),
        ("1e-4", "1e-4"),
        ("1.0e-4", 1e-4),
        ("~", None),
        ("", None),
    ],
)
def test_scalars_are_read_as_yaml_1_1_reads_them_but_dates_stay_text(text: str, value: Any) -> None:
    assert parse_yaml(f"a: {text}", "r.yaml").data == {"a": value}


KEYS = st.text(max_size=8).filter(lambda key: key != "<<")
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=12)
    | st.dates().map(str)
)


@given(
    st.dictionaries(
        KEYS,
        st.recursive(
            SCALARS,
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
            max_leaves=8,
        ),
        max_size=4,
    )
)
def test_what_yaml_writes_is_read_back_equal(data: dict[str, Any]) -> None:
    assert parse_yaml(yaml.safe_dump(data), "r.yaml").data == data


def test_all_duplicate_keys_are_named_with_both_lines() -> None:
    assert refused("a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\na: 4\n") == (
        "r.yaml:5  b.c: duplicate key; first set on line 3. Remove one of the two.\n"
        "r.yaml:6  a: duplicate key; first set on line 1. Remove one of the two."
    )


NO_ANCHORS = (
    "anchors (&) and aliases (*) are not allowed in a recipe. "
    "Write the value out, or quote it if it is text."
)


def test_an_alias_bomb_is_refused_at_its_first_anchor() -> None:
    pairs = zip("abcdefgh", "bcdefghi", strict=True)
    levels = [f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]" for a, b in pairs]
    bomb = "\n".join(["name: bomb", 'a: &a ["x"]', *levels])
    assert refused(bomb) == f"r.yaml:2: {NO_ANCHORS}"


@pytest.mark.parametrize("value", ["&x y", "*x", "&x [1]", "&x {a: 1}"])
def test_anchors_and_aliases_are_refused(value: str) -> None:
    assert refused(f"a: 1\nb: {value}\n") == f"r.yaml:2: {NO_ANCHORS}"


@pytest.mark.parametrize("key", ["<<: {b: 1}", "? [b]\n: 1", "? {b: 1}\n: 1"])
def test_a_key_that_is_no_plain_word_is_refused(key: str) -> None:
    assert refused(f"a: 1\n{key}\n") == "r.yaml:2  expected a plain key."


@pytest.mark.parametrize(
    ("value", "tag"),
    [
        ("!!python/object/apply:os.mkdir [ran]", "tag:yaml.org,2002:python/object/apply:os.mkdir"),
        ("!!python/object/new:os.mkdir [ran]", "tag:yaml.org,2002:python/object/new:os.mkdir"),
        ("!!python/name:os.mkdir ''", "tag:yaml.org,2002:python/name:os.mkdir"),
        ("!!python/tuple [1]", "tag:yaml.org,2002:python/tuple"),
        ("!!binary aGk=", "tag:yaml.org,2002:binary"),
        ("!!set {x}", "tag:yaml.org,2002:set"),
        ("!own x", "!own"),
    ],
)
def test_tags_are_refused_and_run_nothing(
    value: str, tag: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert refused(f"a: 1\nb:\n  c: {value}\n") == f"r.yaml:3  b.c: the tag {tag!r} is not allowed."
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "value",
    [
        "!!int abc",
        '!!int ""',
        "!!float abc",
        '!!float ""',
        "!!bool abc",
        "!!map abc",
        "!!seq abc",
        "0x_",
        '"\\U00110000"',
    ],
)
def test_a_value_that_does_not_fit_its_type_is_refused_on_its_line(value: str) -> None:
    assert refused(f"a: 1\nb: {value}\n").startswith("r.yaml:2")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "nothing"),
        ("# only a comment\n", "nothing"),
        ("- a\n- b\n", "a list or a single value"),
        ("words\n", "a list or a single value"),
    ],
)
def test_the_top_level_must_be_a_mapping(text: str, found: str) -> None:
    assert refused(text) == (
        f"r.yaml: expected `key: value` lines at the top level, found {found}."
    )


@pytest.mark.parametrize(
    ("text", "line"), [("a: [1\nb: 2\n", 2), ("a: 1\n\tb: 2\n", 2), ("a: 1\n---\nb: 2\n", 2)]
)
def test_broken_yaml_is_refused_with_its_line(text: str, line: int) -> None:
    assert refused(text).startswith(f"r.yaml:{line}: not valid YAML: ")


@pytest.mark.parametrize(
    "text",
    [
        "a: " + "[" * 5000 + "]" * 5000,
        "a: " + "{a: " * 5000 + "}" * 5000,
        "a: " + "[" * 5000,
        "- " * 5000,
    ],
    ids=["lists", "mappings", "unclosed", "dashes"],
)
def test_a_depth_of_five_thousand_is_refused(text: str) -> None:
    assert refused(text) == f"r.yaml:1: nested more than {MAX_DEPTH} levels deep."


def test_the_deepest_nesting_allowed_is_read() -> None:
    inside = MAX_DEPTH - 1
    value = parse_yaml("a: " + "[" * inside + "]" * inside, "r.yaml").data["a"]
    depth = 1
    while value:
        value, depth = value[0], depth + 1
    assert depth == inside
    assert "nested more than" in refused("a: " + "[" * MAX_DEPTH + "]" * MAX_DEPTH)


@pytest.mark.parametrize(
    "content",
    [
        b"a: caf\xc3\xa9\nb: 2\n",
        b"\xef\xbb\xbfa: caf\xc3\xa9\nb: 2\n",
        b"a: caf\xc3\xa9\r\nb: 2\r\n",
        b"\xef\xbb\xbfa: caf\xc3\xa9\r\nb: 2",
    ],
    ids=["plain", "mark", "crlf", "mark-crlf"],
)
def test_byte_order_mark_and_windows_line_ends_change_nothing(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "r.yaml"
    path.write_bytes(content)
    parsed = read_yaml(path)
    assert parsed.data == {"a": "café", "b": 2}
    assert parsed.lines == {(): 1, ("a",): 1, ("b",): 2}


def test_latin_1_is_refused_with_the_line_of_the_first_bad_byte(tmp_path: Path) -> None:
    found = file_refused(tmp_path / "r.yaml", "a: 1\nb: café\nc: é\n".encode("latin-1"))
    assert found == "r.yaml:2: not UTF-8. Save the file as UTF-8."


def test_utf_16_with_a_mark_is_refused(tmp_path: Path) -> None:
    found = file_refused(tmp_path / "r.yaml", "a: 1\n".encode("utf-16"))
    assert found == "r.yaml:1: not UTF-8. Save the file as UTF-8."


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le"])
def test_wide_encodings_without_a_mark_are_refused(tmp_path: Path, encoding: str) -> None:
    assert file_refused(tmp_path / "r.yaml", "a: 1\n".encode(encoding)).startswith("r.yaml")


def test_one_mebibyte_is_read_and_one_byte_more_refused(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_bytes(b"a: 1\n" + b"#" * (MAX_BYTES - 5))
    assert read_yaml(path).data == {"a": 1}
    found = file_refused(path, b"a: 1\n" + b"#" * (MAX_BYTES - 4))
    assert found == "r.yaml: 1048577 bytes; a recipe has at most 1048576."


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "none.yaml"
    with pytest.raises(RecipeError) as caught:
        read_yaml(path)
    assert str(caught.value) == f"{path}: no such file. See `domainbert recipes list`."


def test_a_folder_is_no_recipe(tmp_path: Path) -> None:
    with pytest.raises(RecipeError) as caught:
        read_yaml(tmp_path)
    assert str(caught.value) == f"{tmp_path}: cannot be read: Is a directory."


def test_half_of_a_surrogate_pair_is_refused() -> None:
    told = refused('name: x\ntitle: "\\ud800"\n')
    assert told.startswith("r.yaml:2  title: ")
