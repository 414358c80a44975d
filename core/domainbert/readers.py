"""Public helpers for readers of files, in core and in plugins."""

from domainbert.plugin.readers import (
    decode,
    open_bytes,
    read_bytes,
    read_chunks,
    read_lines,
    read_utf8,
)

__all__ = ["decode", "open_bytes", "read_bytes", "read_chunks", "read_lines", "read_utf8"]
