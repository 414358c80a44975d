"""Labelled files that cannot be right are refused with file and line, for both kinds of task."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.bad_inputs import Case, set_keys
from helpers.town import SPLITS, columns

pytestmark = pytest.mark.slow

LABELS = ("person", "place")
ROWS = [(f"the baker of {n} sings", LABELS[n % 2]) for n in range(12)]
TEXTS = {
    ".tsv": "text\tlabel\n" + "".join(f"{text}\t{label}\n" for text, label in ROWS),
    ".csv": "text,label\n" + "".join(f"{text},{label}\n" for text, label in ROWS),
    ".jsonl": "".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in ROWS),
    ".txt": columns(0, 12),
}


def task(split: str, suffix: str, change: Callable[[Path], object]) -> Callable[[Path], None]:
    """Return a change that writes a task of three files and spoils one of them."""

    def write(folder: Path) -> None:
        for each in SPLITS:
            (folder / f"t-{each}{suffix}").write_text(TEXTS[suffix], encoding="utf-8")
        path = folder / f"t-{split}{suffix}"
        path.unlink()
        change(path)
        files = {each: f"t-{each}{suffix}" for each in SPLITS}
        kind = "tagging" if suffix == ".txt" else "classification"
        set_keys(tasks=[{"name": "t", "kind": kind, **files}])(folder)

    return write


def content(raw: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(raw)


def spoilt(suffix: str, number: int, new: str) -> Callable[[Path], object]:
    """Return a change that replaces a line, from 1, of the file."""
    lines = TEXTS[suffix].splitlines(keepends=True)
    whole = "".join([*lines[: number - 1], new, *lines[number:]])
    return content(whole.encode("utf-8", "surrogatepass"))


def file_cases() -> Iterator[Case]:
    """Damage that any file can have, in each format and split."""
    whole: dict[str, Callable[[Path], object]] = {
        "missing": lambda path: None, "a folder": Path.mkdir, "a pipe": os.mkfifo,
        "a link to nothing": lambda path: path.symlink_to("nowhere"),
        "a link to a device": lambda path: path.symlink_to("/dev/zero"),
        "empty": content(b""), "blank": content(b"\n\n \n"), "noise": content(bytes(range(256))),
        "6 GB of nothing": sparse,
    }  # fmt: skip
    for suffix, text in TEXTS.items():
        for what, change in whole.items():
            for split in SPLITS if what in {"missing", "empty"} else ("train",):
                name = f"t-{split}{suffix}"
                yield Case(f"{name}: {what}", task(split, suffix, change), name)
        name = f"t-test{suffix}"
        old_mac = content(text.replace("\n", "\r").encode())
        yield Case(f"{name}: carriage returns", task("test", suffix, old_mac), name)
        for encoding in ("utf-16", "utf-32"):
            change = content(text.encode(encoding))
            yield Case(f"{name}: {encoding}", task("test", suffix, change), name)
        latin = content(
            text.replace("baker", "caf\xe9").replace("barn", "caf\xe9").encode("latin1")
        )
        yield Case(f"{name}: Latin-1", task("test", suffix, latin), name)


def sparse(path: Path) -> None:
    with path.open("wb") as stream:
        stream.truncate(6 << 30)


def table_cases() -> Iterator[Case]:
    """Rows and headers."""
    rows = {
        ".csv": ("a\n", "a,b,person\n", "a,\n", ",person\n", 'a "quote, person\n', 'a,"person\n',
                 '"a"b,person\n', "a,person,\n", "a; person\n"),
        ".tsv": ("a\n", "a\tb\tperson\n", "a\t\n", "\tperson\n", "a,person\n", "a\tperson\t\n",
                 "a person\n", "a\t person\n", "a\tperson \n"),
        ".jsonl": (
            "{\n", "[]\n", "3\n", '{"text": "a"}\n', '{"label": "person"}\n', "null\n",
            '{"text": 3, "label": "person"}\n', '{"text": "a", "label": null}\n',
            '{"text": "a", "label": {}}\n', '{"text": "a", "label": "person", "label": "x"}\n',
            '{"text": "a", "label": "person", "labels": ["place"]}\n',
            '{"text": "a", "label": 1.5}\n', '{"text": "a", "label": true}\n',
            '{"text": "", "label": "person"}\n', '{"text": "a", "label": ""}\n',
            '{"text": "a", "labels": ["person", "person"]}\n', "[" * 50_000 + "\n",
            '{"text": "a", "labels": ["person", "place"]}\n',
            '{"text": "\\ud800", "label": "person"}\n',
        ),
        ".txt": (
            "word\n", "word \n", "\tO\n", "word\tB\n", "word\tX-Y\n", "word\tb-ROLE\n",
            "word\tB-\n", "word\tQ-ROLE\n", "word\t0\n", '{"text": "a"}\n', "1\tword\tO\n",
            "word\tB ROLE\n", "word\tB_ROLE\n",
        ),
    }  # fmt: skip
    for suffix, lines in rows.items():
        for line in lines:
            change = task("train", suffix, spoilt(suffix, 4, line))
            yield Case(f"{suffix}: {line[:40]!r}", change, f"t-train{suffix}")
    headers = {
        ".csv": ("text,text\n", "text,label,label\n", "a,b\n", "label\n", "text;label\n",
                 "Text,Label\n", "text\tlabel\n", "\n"),
        ".tsv": ("text\ttext\n", "text\tlabel\tlabel\n", "a\tb\n", "text,label\n", "text label\n"),
    }  # fmt: skip
    for suffix, lines in headers.items():
        for line in lines:
            change = task("test", suffix, spoilt(suffix, 1, line))
            yield Case(f"{suffix}: header {line!r}", change, f"t-test{suffix}")


def label_cases() -> Iterator[Case]:
    """Labels that do not fit over the splits or the recipe."""
    unknown = {".csv": "a,nobody\n", ".tsv": "a\tnobody\n", ".txt": "word\tB-NOBODY\n",
               ".jsonl": '{"text": "a", "label": "nobody"}\n'}  # fmt: skip
    for suffix, line in unknown.items():
        if suffix != ".txt":
            change = task("test", suffix, spoilt(suffix, 4, line))
            yield Case(f"{suffix}: a label of test alone", change, "nobody")
    same = content(b"text,label\n" + b"a,person\n" * 12)
    yield Case("one class", task("train", ".csv", same), "t-t")
    plain = content(b"the\tO\nbaker\tO\n\n" * 12)
    yield Case("no mention to learn", task("train", ".txt", plain), "t-train.txt")
    yield Case("no mention to find", task("test", ".txt", plain), "t-test.txt")
    signs = content(b"text,label\n" + b"!?,person\n..,place\n" * 6)
    yield Case("no words for TF-IDF", task("train", ".csv", signs), "t")
    many = "".join(f"text {n},c{n}\n" for n in range(20_000))
    yield Case(
        "20,000 classes", task("train", ".csv", content(f"text,label\n{many}".encode())), "t"
    )
    for key, value in (("labels", ["person"]), ("labels", ["person", "person"]), ("labels", [""]),
                       ("multi_label", "maybe"), ("levels", {"a": 0}), ("levels",
                       {"a": 1})):  # fmt: skip
        yield Case(f"{key}: {value}", with_key(key, value), "t")


def with_key(key: str, value: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        task("train", ".csv", content(TEXTS[".csv"].encode()))(folder)
        files = {each: f"t-{each}.csv" for each in SPLITS}
        set_keys(tasks=[{"name": "t", "kind": "classification", **files, key: value}])(folder)

    return change


@pytest.mark.parametrize("family", [file_cases, table_cases, label_cases])
def test_labels(family: Callable[[], Iterator[Case]], check: Callable[..., None]) -> None:
    check(family())
