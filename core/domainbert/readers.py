"""Public helpers for readers, in core and in plugins: files and lines, tables, words."""

from domainbert.plugin.readers import (
    check_regular,
    decode,
    open_bytes,
    plain_suffix,
    read_bytes,
    read_chunks,
    read_lines,
    read_utf8,
)
from domainbert.plugin.tables import read_objects, read_rows
from domainbert.words import word_spans

__all__ = [
    "check_regular", "decode", "open_bytes", "plain_suffix", "read_bytes", "read_chunks",
    "read_lines", "read_objects", "read_rows", "read_utf8", "word_spans",
]  # fmt: skip
