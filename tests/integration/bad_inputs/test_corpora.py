"""Corpus files that cannot be right are refused with their name, in every format."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from helpers.bad_inputs import Case, set_keys

from domainbert.testing import sample_texts

pytestmark = pytest.mark.slow

TEXTS = sample_texts(30)
ROWS = [{"id": f"t{n}", "text": text} for n, text in enumerate(TEXTS)]
JSONL = "".join(json.dumps(row) + "\n" for row in ROWS).encode()
CSV = ("id,text\n" + "".join(f'{row["id"]},"{row["text"]}"\n' for row in ROWS)).encode()
TXT = "".join(text + "\n" for text in TEXTS).encode()


def corpus(name: str, content: bytes, **more: Any) -> Callable[[Path], None]:
    """Return a change that makes one file the corpus."""

    def change(folder: Path) -> None:
        (folder / name).write_bytes(content)
        set_keys(corpus=[{"path": name, **more}])(folder)

    return change


def in_place(name: str, make: Callable[[Path], object]) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        make(folder / name)
        set_keys(corpus=[{"path": name}])(folder)

    return change


def line(content: bytes, number: int, new: bytes) -> bytes:
    lines = content.splitlines(keepends=True)
    return b"".join([*lines[:number], new, *lines[number + 1 :]])


def parquet(table: Any) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    return sink.getvalue().to_pybytes()


PARQUET = parquet(pa.Table.from_pylist(ROWS))


def plain_cases() -> Iterator[Case]:
    """Every format with damage that every format can have."""
    for name in ("a.txt", "a.jsonl", "a.csv", "a.parquet"):
        yield Case(f"{name}: empty", corpus(name, b""), "")
        yield Case(f"{name}: blank", corpus(name, b"\n \n\t\n"), "")
        yield Case(f"{name}: noise", corpus(name, bytes(range(128, 256)) * 40), "a.")
        yield Case(f"{name}: NUL bytes alone", corpus(name, b"\0" * 1000), "")
        yield Case(f"{name}: a folder", in_place(name, Path.mkdir), name)
        yield Case(f"{name}: a pipe", in_place(name, os.mkfifo), name)
        yield Case(f"{name}: a link to nothing", in_place(name, to_nothing), name)
        yield Case(f"{name}: a link to itself", in_place(name, to_itself), name)
        yield Case(f"{name}: a link to a device", in_place(name, to_device), name)
        yield Case(f"{name}: missing", set_keys(corpus=[{"path": name}]), name)
    for name, content in (("a.txt", TXT), ("a.jsonl", JSONL), ("a.csv", CSV)):
        latin = line(content, 3, content.splitlines()[3].replace(b"e", b"\xe9") + b"\n")
        yield Case(f"{name}: Latin-1", corpus(name, latin), f"{name}:4")
        utf16 = content.decode().encode("utf-16")
        yield Case(f"{name}: UTF-16", corpus(name, utf16), f"{name}:1")
        yield from packed_cases(name, content)


def to_nothing(path: Path) -> None:
    path.symlink_to("nowhere")


def to_itself(path: Path) -> None:
    path.symlink_to(path.name)


def to_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def packed_cases(name: str, content: bytes) -> Iterator[Case]:
    gz, zst = (
        gzip.compress(content),
        zstandard.ZstdCompressor(write_checksum=True).compress(content),
    )
    for suffix, whole in (("gz", gz), ("zst", zst)):
        packed = f"{name}.{suffix}"
        yield Case(f"{packed}: cut", corpus(packed, whole[:-9]), packed)
        yield Case(f"{packed}: not packed", corpus(packed, content), packed)
        yield Case(f"{packed}: empty", corpus(packed, b""), "")
        yield Case(f"{packed}: noise behind", corpus(packed, whole + b"noise"), packed)
        middle = len(whole) // 2
        flipped = whole[:middle] + bytes([whole[middle] ^ 255]) + whole[middle + 1 :]
        yield Case(f"{packed}: flipped", corpus(packed, flipped), packed)
    bomb = gzip.compress(b"a" * (80 << 20), 1)
    yield Case(f"{name}.gz: bomb", corpus(f"{name}.gz", bomb), f"{name}.gz")
    bomb = zstandard.ZstdCompressor().compress(b"a" * (80 << 20))
    yield Case(f"{name}.zst: bomb", corpus(f"{name}.zst", bomb), f"{name}.zst")


def jsonl_cases() -> Iterator[Case]:
    spoilt = {
        "cut": b'{"text": "on', "an array": b'["a"]', "a number": b"12", "a string": b'"a"',
        "no field": b'{"body": "a"}', "a number as text": b'{"text": 3}',
        "a list as text": b'{"text": ["a"]}', "an object as text": b'{"text": {}}',
        "true as text": b'{"text": true}', "two objects": b'{"text": "a"} {"text": "b"}',
        "a comma behind": b'{"text": "a"},', "a key twice": b'{"text": "a", "text": "b"}',
        "single quotes": b"{'text': 'a'}", "deep": b"[" * 100_000, "NaN": b"NaN",
        "a long number": b'{"text": ' + b"1" * 5000 + b"}", "a bare word": b"text",
        "a control character": b'{"text": "a\x01b"}', "an escape": rb'{"text": "\q"}',
    }  # fmt: skip
    for what, raw in spoilt.items():
        yield Case(f"jsonl: {what}", corpus("a.jsonl", line(JSONL, 4, raw + b"\n")), "a.jsonl:5")
    whole = json.dumps(ROWS, indent=1).encode()
    yield Case("jsonl: one array", corpus("a.jsonl", whole), "a.jsonl:1")
    yield Case("jsonl: other field", corpus("a.jsonl", JSONL, text_field="abstract"), "abstract")


def csv_cases() -> Iterator[Case]:
    spoilt = {
        "more cells": b"t,one,two\n", "a comma behind": b't,"one",\n', "fewer cells": b"t\n",
        "a stray quote": b't,"one "two" three"\n', "a quote that stays open": b't,"one\n',
        "one long open quote": b't,"' + b"a" * 3000 + b"\n",
    }  # fmt: skip
    for what, raw in spoilt.items():
        yield Case(f"csv: {what}", corpus("a.csv", line(CSV, 4, raw)), "a.csv:")
    headers = {
        "a column twice": b"text,text\n", "no column": b"id,body\n", "semicolons": b"id;text\n",
        "tabs": b"id\ttext\n", "other case": b"id,Text\n", "no header": b"one,two\n",
        "blanks": b"id, text\n", "a column without a name": b",body\n",
    }  # fmt: skip
    for what, raw in headers.items():
        yield Case(f"csv: {what}", corpus("a.csv", line(CSV, 0, raw)), "a.csv")
    yield Case("csv: a header alone", corpus("a.csv", b"id,text\n"), "")
    yield Case("csv: bars throughout", corpus("a.csv", CSV.replace(b",", b"|")), "a.csv")


def parquet_cases() -> Iterator[Case]:
    tables = {
        "no column": pa.table({"body": TEXTS}), "numbers": pa.table({"text": range(30)}),
        "lists": pa.table({"text": [["a"]] * 30}), "no rows": pa.table({"text": pa.array([],
        "str")}),
        "nulls alone": pa.table({"text": pa.nulls(30, "str")}),
        "bytes": pa.table({"text": [b"\xff\xfe"] * 30}),
        "a column twice": pa.Table.from_arrays([pa.array(TEXTS)] * 2, ["text", "text"]),
    }  # fmt: skip
    for what, table in tables.items():
        yield Case(f"parquet: {what}", corpus("a.parquet", parquet(table)), "")
    for cut in (4, 100, len(PARQUET) // 2, len(PARQUET) - 4):
        name = f"parquet: cut at {cut}"
        yield Case(name, corpus("a.parquet", PARQUET[:cut]), "a.parquet")
    for place in range(8, len(PARQUET), len(PARQUET) // 12):
        raw = PARQUET[:place] + bytes([PARQUET[place] ^ 255]) + PARQUET[place + 1 :]
        codes = (0, 2)  # a flipped name of a writer does no harm
        yield Case(f"parquet: flipped at {place}", corpus("a.parquet", raw), "", codes=codes)
    yield Case("parquet: in gzip", corpus("a.parquet.gz", gzip.compress(PARQUET)), "decompress")


def named_cases() -> Iterator[Case]:
    for name in ("a.doc", "a.pdf", "a", "a.json", "a.gz", "a.tar.gz", "a.zip", "a.html", "a.bz2"):
        yield Case(f"suffix of {name}", corpus(name, TXT), name)
    for path in ("*.none", "**/none.txt", "../none.txt", "/none.txt", "~nobody/a.txt", "[", "a\0b"):
        yield Case(f"path {path!r}", set_keys(corpus=[{"path": path}]), "corpus.0")
    one = corpus("a.txt", b"A single text.\n", text_unit="line")
    yield Case("one document", one, "too few")
    same = corpus("a.txt", b"The same text.\n" * 50, text_unit="line")
    yield Case("one document, fifty times", same, "too few")
    unknown = corpus(
        "a.txt", "".join(f"зима {n}й\n" for n in "абвгдежзиклм").encode(), text_unit="line"
    )
    yield Case("letters that the tokenizer lacks", unknown, "unknown")
    yield Case("a file by hash that is nowhere", set_keys(corpus=[absent()]), "sha256")
    for key, value in (("format", "nope"), ("format", "tagging"), ("name", "none")):
        changed = set_keys(corpus=[{"path": "letters.txt", key: value}])
        yield Case(f"{key}: {value}", changed, f"corpus.0.{key}")


def absent() -> dict[str, Any]:
    return {"file": {"sha256": "0" * 64, "size": 3, "name": "a.txt"}}


@pytest.mark.parametrize(
    "family", [plain_cases, jsonl_cases, csv_cases, parquet_cases, named_cases]
)
def test_corpora(family: Callable[[], Iterator[Case]], check: Callable[..., None]) -> None:
    check(family(), tasks=[])
