"""Public helpers for readers and steps, in core and in plugins: files, tables, mentions, words."""

from domainbert.plugin.hash_splits import hash_fraction, split_by_hash
from domainbert.plugin.places import Get
from domainbert.plugin.pubtator import read_pubtator
from domainbert.plugin.readers import (
    check_regular,
    decode,
    decode_western,
    open_bytes,
    plain_suffix,
    read_bytes,
    read_chunks,
    read_lines,
    read_utf8,
)
from domainbert.plugin.replacing import replacing
from domainbert.plugin.rows import read_table_rows
from domainbert.plugin.spans import Mention, checked_mention, tagged_sentences
from domainbert.plugin.tables import each_once, read_objects, read_rows
from domainbert.plugin.xml_stream import (
    LXML_OPTIONS,
    XmlFormat,
    XmlProlog,
    refuse_declarations,
    xml_elements,
)
from domainbert.words import word_spans

__all__ = [
    "LXML_OPTIONS", "Get", "Mention", "XmlFormat", "XmlProlog", "check_regular", "checked_mention",
    "decode", "decode_western", "each_once", "hash_fraction", "open_bytes", "plain_suffix",
    "read_bytes", "read_chunks", "read_lines", "read_objects", "read_pubtator", "read_rows",
    "read_table_rows", "read_utf8", "refuse_declarations", "replacing", "split_by_hash",
    "tagged_sentences", "word_spans", "xml_elements",
]  # fmt: skip
