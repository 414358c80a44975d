from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from domainbert.errors import RecipeError
from domainbert.recipe.yaml import MAX_BYTES, MAX_DEPTH, parse_yaml, read_yaml


def refused(text: str) -> str:
    with pytest.raises(RecipeError) as caught:
        parse_yaml(text, "r.yaml")
    return str(caught.value)


def test_values_and_the_line_of_every_key() -> None:
    parsed = parse_yaml("a: 1\nb:\n  - c: x\n    d: [1,\n        2]\n", "r.yaml")
    assert parsed.data == {"a": 1, "b": [{"c": "x", "d": [1, 2]}]}
    assert parsed.lines == {
        (): 1, ("a",): 1, ("b",): 2, ("b", 0): 3, ("b", 0, "c"): 3,
        ("b", 0, "d"): 4, ("b", 0, "d", 0): 4, ("b", 0, "d", 1): 5,
    }  # fmt: skip
    # A location without a line takes that of its nearest parent.
    assert parsed.where(("b", 0, "missing")) == "r.yaml:3  b.0.missing"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2020-01-01", "2020-01-01"),
        ("no", "no"),
        ("1e-4", "1e-4"),
        ("~", None),
    ],
)
def test_scalars_are_read_as_yaml_1_2_reads_them_but_dates_stay_text(text: str, value: Any) -> None:
    assert parse_yaml(f"a: {text}", "r.yaml").data == {"a": value}


def test_all_duplicate_keys_are_named_with_both_lines() -> None:
    assert refused("a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\na: 4\n") == (
        "r.yaml:5  b.c: duplicate key; first set on line 3. Remove one of the two.\n"
        "r.yaml:6  a: duplicate key; first set on line 1. Remove one of the two."
    )


PAIRS = zip("abcdefgh", "bcdefghi", strict=True)
BOMB = 'a: &a ["x"]\n' + "\n".join(f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]" for a, b in PAIRS)


@pytest.mark.parametrize("text", ["b: &x y", "b: *x", "b: &x [1]", "b: &x {a: 1}", BOMB])
def test_anchors_and_aliases_are_refused_before_they_cost_anything(text: str) -> None:
    assert refused(f"name: 1\n{text}\n") == (
        "r.yaml:2: anchors (&) and aliases (*) are not allowed; write the value out, or quote it "
        "if it is text."
    )


@pytest.mark.parametrize("key", ["<<: {b: 1}", "? [b]\n: 1", "? {b: 1}\n: 1"])
def test_a_key_that_is_no_plain_word_is_refused(key: str) -> None:
    assert refused(f"a: 1\n{key}\n") == "r.yaml:2  expected a plain key."


@pytest.mark.parametrize(
    "value",
    ["!!python/object/apply:os.mkdir [ran]", "!!python/name:os.mkdir ''", "!!set {x}", "!own x"],
)
def test_tags_are_refused_and_run_nothing(
    value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    tag = value.split(maxsplit=1)[0].replace("!!", "tag:yaml.org,2002:")
    assert refused(f"a: 1\nb:\n  c: {value}\n") == f"r.yaml:3  b.c: the tag {tag!r} is not allowed."
    assert list(tmp_path.iterdir()) == []


MISFITS = ["!!int abc", '!!int ""', "!!float abc", "!!bool abc", "!!map abc", "!!seq abc", "0x_"]


@pytest.mark.parametrize("value", [*MISFITS, '"\\U00110000"', '"\\ud800"'])
def test_a_value_that_does_not_fit_its_type_is_refused_on_its_line(value: str) -> None:
    assert refused(f"a: 1\nb: {value}\n").startswith("r.yaml:2")


@pytest.mark.parametrize(
    ("text", "content"),
    [("# a comment\n", "nothing"), ("- a\n", "a list or a single value")],
)
def test_the_top_level_must_be_a_mapping(text: str, content: str) -> None:
    assert refused(text).endswith(f"`key: value` lines at the top level, found {content}.")


@pytest.mark.parametrize(
    ("text", "where"),
    [("a: [1\nb: 2\n", ":2"), ("a: 1\n\tb: 2\n", ":2"), ("a: \0", "")],
)
def test_broken_yaml_is_refused_with_its_line(text: str, where: str) -> None:
    assert refused(text).startswith(f"r.yaml{where}: not valid YAML: ")


@pytest.mark.parametrize(
    "value", ["[" * 5000 + "]" * 5000, "{a: " * 5000 + "}" * 5000, "[" * 5000, "\n" + "- " * 5000]
)
def test_a_depth_of_five_thousand_is_refused(value: str) -> None:
    assert refused(f"a: {value}").endswith(f": nested more than {MAX_DEPTH} levels deep.")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("a: 1\nb: café\nc: é\n".encode("latin-1"), ":2: not UTF-8. Save the file as UTF-8."),
        (b"#" * (MAX_BYTES + 1), ": 1,048,577 bytes, expected at most 1,048,576."),
        (None, ": no such file. See `domainbert recipes list`."),
    ],
)
def test_a_file_that_is_no_small_utf_8_text_is_refused(
    tmp_path: Path, content: bytes | None, expected: str
) -> None:
    path = tmp_path / "r.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RecipeError) as caught:
        read_yaml(path)
    assert str(caught.value).startswith(f"{path}{expected}")
