"""Rows of every kind of table, with class names and places."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from openpyxl import Workbook

from domainbert.errors import DataError
from domainbert.plugin.columnar import read_arrow
from domainbert.plugin.rows import FORMATS, read_table_rows, row_format

ROWS: list[dict[str, Any]] = [{"text": "Up, again", "label": "a"}, {"text": "Down", "label": "b"}]


def write(path: Path) -> Path:
    """Write `ROWS` in the format of the suffix."""
    if path.suffix in {".csv", ".tsv"}:
        lines = {".csv": '"Up, again",a\nDown,b', ".tsv": "Up, again\ta\nDown\tb"}[path.suffix]
        path.write_text(("text,label" if path.suffix == ".csv" else "text\tlabel") + f"\n{lines}\n")
    elif path.suffix == ".jsonl":
        path.write_text("\n".join(map(json.dumps, ROWS)))
    elif path.suffix == ".json":
        path.write_text(json.dumps(ROWS))
    elif path.suffix == ".xlsx":
        book = Workbook()
        for cells in [["text", "label"], *(list(row.values()) for row in ROWS), [None, None]]:
            book.active.append(cells)
        book.save(path)
    else:
        data_set().to_parquet(path) if path.suffix == ".parquet" else write_arrow(
            path, pa.ipc.new_file
        )
    return path


def write_arrow(path: Path, new: Any) -> Path:
    table = pa.Table.from_pylist(ROWS)
    with new(str(path), table.schema) as writer:
        writer.write_table(table)
    return path


def data_set() -> Any:
    from datasets import Dataset

    return Dataset.from_list(ROWS)


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_gives_the_same_rows(tmp_path: Path, form: str) -> None:
    path = write(tmp_path / f"a.{form}")
    assert [row for _, row in read_table_rows(path)] == ROWS
    assert all(where.startswith(str(path)) for where, _ in read_table_rows(path))
    # Under another name, the format is given.
    other = path.rename(tmp_path / "a.data")
    assert [row for _, row in read_table_rows(other, form)] == ROWS
    with pytest.raises(DataError, match=r"a\.data: expected a table named \.csv, \.tsv, \.jsonl"):
        next(read_table_rows(other))


def test_a_saved_data_set_is_read_in_all_its_files(tmp_path: Path) -> None:
    data_set().save_to_disk(tmp_path / "saved", num_shards=2)
    assert row_format(tmp_path / "saved") == "saved"
    assert [row for _, row in read_table_rows(tmp_path / "saved")] == ROWS


def test_arrow_is_read_as_stream_and_as_file(tmp_path: Path) -> None:
    for new in (pa.ipc.new_stream, pa.ipc.new_file):
        path = write_arrow(tmp_path / "a.arrow", new)
        assert [row for _, row in read_arrow(path)] == ROWS
        assert [row for _, row in read_arrow(path, ["text"], ["text", "id"])] == [
            {"text": row["text"]} for row in ROWS
        ]


def test_class_numbers_are_names_and_secret_ones_are_absent(tmp_path: Path) -> None:
    from datasets import ClassLabel, Dataset, Features, Sequence, Value

    tags = ClassLabel(names=["O", "B-X"])
    kinds = {"words": Sequence(Value("string")), "tags": Sequence(tags), "label": tags}
    rows = {"words": [["a", "b"], ["c"]], "tags": [[0, 1], [0]], "label": [1, -1]}
    Dataset.from_dict(rows, features=Features(kinds)).to_parquet(tmp_path / "a.parquet")
    assert [row for _, row in read_table_rows(tmp_path / "a.parquet")] == [
        {"words": ["a", "b"], "tags": ["O", "B-X"], "label": "B-X"},
        {"words": ["c"], "tags": ["O"], "label": None},
    ]


def state(folder: Path, content: str) -> Path:
    folder.mkdir()
    (folder / "state.json").write_text(content)
    return folder


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "`state.json` is missing or damaged; save it again."),
        ("{}", "`state.json` is missing or damaged; save it again."),
        ('{"_data_files": [{"filename": "../a.arrow"}]}', "'../a.arrow' is no plain file name."),
        ('{"_data_files": []}', "a saved data set without rows."),
        ('{"_data_files": [{"filename": "a.arrow"}]}', "a.arrow: no such file."),
    ],
)
def test_a_damaged_folder_is_refused(tmp_path: Path, content: str, message: str) -> None:
    folder = state(tmp_path / "saved", content)
    with pytest.raises(DataError) as caught:
        list(read_table_rows(folder))
    assert str(caught.value).endswith(message)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.json", b"{", "not valid JSON"),
        ("a.json", b'{"text": 1}', "expected a list of objects, found dict."),
        ("a.json", b'[{"text": 1}, 2]', "item 2: expected an object, found int."),
        ("a.xlsx", b"text,label", "not a readable .xlsx workbook"),
        ("a.arrow", b"ARROW1 and no more", "not a readable Arrow file"),
        ("a.arrow", b"", "not a readable Arrow file"),
        ("a.arrow.gz", b"", "Arrow is mapped into memory; decompress the file first."),
    ],
)
def test_damaged_files_are_refused(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError) as caught:
        list(read_table_rows(tmp_path / name, "arrow" if "arrow" in name else ""))
    assert message in str(caught.value)


def test_a_sheet_without_the_column_or_with_it_twice_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.xlsx")
    with pytest.raises(
        DataError, match=r"a\.xlsx:1: no column 'body'; the header names text, label"
    ):
        list(read_table_rows(path, needed=["body"]))
    book = Workbook()
    book.active.append(["text", "text"])
    book.save(path)
    with pytest.raises(DataError, match=r"a\.xlsx:1: the column 'text' stands twice"):
        list(read_table_rows(path))


def test_rows_on_a_second_sheet_are_not_lost(tmp_path: Path) -> None:
    book = Workbook()
    book.active.append(["text", "label"])
    book.active.append(["Up", "a"])
    book.create_sheet("Empty")
    book.create_sheet("Notes").append(["who"])
    book.save(path := tmp_path / "a.xlsx")
    assert [row for _, row in read_table_rows(path)] == [{"text": "Up", "label": "a"}]
    book["Notes"].delete_rows(1)
    book["Notes"].append(["text", "label"])
    book.save(path)
    with pytest.raises(DataError, match=r"the sheet 'Notes' has the columns of the first, which "):
        list(read_table_rows(path))


def test_a_stale_dimension_of_a_sheet_loses_no_row(tmp_path: Path) -> None:
    book = Workbook()
    for n in range(10):
        book.active.append(["text", "label"] if n == 0 else [f"Row {n}", n])
    book.save(path := tmp_path / "a.xlsx")
    packed = tmp_path / "b.xlsx"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(packed, "w") as new:
        for item in old.infolist():
            content = old.read(item)
            new.writestr(item, content.replace(b'ref="A1:B10"', b'ref="A1:B3"'))
    assert [row["text"] for _, row in read_table_rows(packed)] == [f"Row {n}" for n in range(1, 10)]


def test_an_arrow_stream_that_is_cut_between_batches_is_refused(tmp_path: Path) -> None:
    table = pa.Table.from_pylist(ROWS)
    with pa.ipc.new_stream(str(tmp_path / "a.arrow"), table.schema) as writer:
        for batch in table.to_batches(max_chunksize=1):
            writer.write_batch(batch)
    whole = (tmp_path / "a.arrow").read_bytes()
    (tmp_path / "a.arrow").write_bytes(whole[:-8])
    with pytest.raises(DataError, match="cut short: the Arrow stream has no end"):
        list(read_arrow(tmp_path / "a.arrow"))


def test_a_shard_that_is_a_link_to_elsewhere_is_refused(tmp_path: Path) -> None:
    data_set().save_to_disk(tmp_path / "saved")
    (shard,) = (tmp_path / "saved").glob("*.arrow")
    shard.rename(tmp_path / "away.arrow")
    shard.symlink_to(tmp_path / "away.arrow")
    with pytest.raises(DataError, match="a link to a file outside of"):
        list(read_table_rows(tmp_path / "saved"))


def test_a_key_twice_in_json_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('[{"text": "a", "text": "b"}]')
    with pytest.raises(DataError, match="not valid JSON: the key 'text' stands twice"):
        list(read_table_rows(tmp_path / "a.json"))


def test_nested_text_that_grows_as_no_text_does_is_refused(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    table = pa.table({"words": [["word" * 1000] * 400] * 200})
    pq.write_table(table, tmp_path / "a.parquet", compression="zstd")
    with pytest.raises(DataError, match="grows to more than 200 times its size"):
        list(read_table_rows(tmp_path / "a.parquet"))


def test_metadata_that_nobody_knows_leaves_numbers(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    told = {b"huggingface": b'{"info": {"features": {"label": {"_type": "Nope"}}}}'}
    table = pa.table({"label": [1]}).replace_schema_metadata(told)
    pq.write_table(table, tmp_path / "a.parquet")
    assert [row for _, row in read_table_rows(tmp_path / "a.parquet")] == [{"label": 1}]


def test_a_workbook_that_grows_as_no_text_does_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.xlsx")
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/bomb.xml", bytes(70 * 1024 * 1024))
    with pytest.raises(DataError, match="grows to more than 200 times its size"):
        list(read_table_rows(path))
