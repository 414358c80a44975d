"""Where data is: the records that declare a file by its hash, and a data set of the hub."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from domainbert.errors import PluginError

_SHA256 = re.compile(r"[0-9a-f]{64}")
HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")
"""`NAME` or `ORG/NAME` of a model or data set on the hub."""
# It names a file in the cache.
_PART = re.compile(r"\w[^/\\\0]{0,127}")


@dataclass(frozen=True)
class DataFile:
    """A file that is identified by its content.

    Args:
        sha256: Lower-case hex digest of the whole file.
        size: Length in bytes.
        name: File name in the cache; its suffix tells the format.
        url: Where to download it, or None if it must be brought by the user.
    """

    sha256: str
    size: int
    name: str
    url: str | None = None

    def __post_init__(self) -> None:
        if not _SHA256.fullmatch(self.sha256):
            raise PluginError(f"{self.name}: sha256 must be 64 lower-case hex digits.")
        if "/" in self.name or "\\" in self.name or self.name in {"", ".", ".."}:
            raise PluginError(f"file name {self.name!r}: expected a plain name without a folder.")

    @classmethod
    def listed(cls, address: str, lines: str) -> tuple[DataFile, ...]:
        """Return the files of a list.

        Args:
            address: Where their paths begin, such as `https://host/folder`.
            lines: Size, SHA-256 and path of each, with blanks between, a file per line.

        Raises:
            PluginError: A line has another form.
        """
        files = []
        for line in filter(None, map(str.strip, lines.splitlines())):
            size, _, rest = line.partition(" ")
            sha256, _, path = rest.partition(" ")
            if not size.isdecimal():
                raise PluginError(
                    f"{line!r}: expected size, SHA-256 and path, such as '9 ab… a.txt'."
                )
            files.append(cls(sha256, int(size), path.rpartition("/")[2], f"{address}/{path}"))
        return tuple(files)


@dataclass(frozen=True)
class HubData:
    """A data set of the hub, or one split of it; no code of it is ever run.

    Args:
        id: Such as `org/name`.
        split: Name of the split; None for all.
        revision: Commit, branch or tag; None for the newest commit. A plugin names a commit.
        config: Name of the configuration, where there are several.
        streaming: Whether to read it from the network without downloading all of it first.
        limit: Take this many rows from the beginning; None for all.
    """

    id: str
    split: str | None = None
    revision: str | None = None
    config: str | None = None
    streaming: bool = False
    limit: int | None = None

    def __post_init__(self) -> None:
        if not HUB_ID.fullmatch(self.id):
            raise PluginError(f"data set {self.id!r}: expected an id such as 'org/name'.")
        for name, value in (("split", self.split), ("config", self.config)):
            if value is not None and not _PART.fullmatch(value):
                raise PluginError(f"data set {self.id!r}: {name} {value!r} is no plain name.")

    @property
    def pin(self) -> str:
        """What its commit is kept under in a lock."""
        return f"{self.id}@{self.revision or 'main'}"


@dataclass(frozen=True)
class RemoteFile:
    """A file that a publisher lists, without a hash that was known before.

    Args:
        url: Where it is.
        name: Plain name that it gets.
        md5_url: Address of a text with its MD5 in hex; None where the publisher gives none.
    """

    url: str
    name: str
    md5_url: str | None = None

    def __post_init__(self) -> None:
        if not _PART.fullmatch(self.name):
            raise PluginError(f"file name {self.name!r}: expected a plain name without a folder.")


Get = Callable[[str], bytes]
"""An address to its content, with the patience and the pace of `Feed`."""


@dataclass(frozen=True)
class Feed:
    """How `domainbert corpus fetch` gets the files of a corpus from its publisher.

    Args:
        url: Where the publisher's files begin; `--mirror` takes another place.
        list: Called with `url` or the mirror, `Get` and the user's options; yields files in an
            order that stays, lazily, since `--limit` takes the first.
        options: Names of options → meaning; all have to be given, as `--option year=2023`.
        user_agent: Whether the publisher wants the name and mail of whoever asks.
        per_second: Requests per second at most.
        key_header: Header that carries the user's key, where the publisher wants one; no other host
            gets it.
        key_variable: Environment variable that holds the key.
    """

    url: str
    list: Callable[[str, Get, Mapping[str, str]], Iterable[RemoteFile]]
    options: Mapping[str, str] = field(default_factory=dict)
    user_agent: bool = False
    per_second: float = 3.0
    key_header: str = ""
    key_variable: str = ""


Place = Path | DataFile | HubData
"""What names data: a path, a file by hash, a data set of the hub."""
