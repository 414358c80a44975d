"""Find what a recipe or a plugin names: a path, a file by hash, a data set of the hub."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from domainbert.plugin.places import HubData, Place
from domainbert.storage.download import Progress, locate
from domainbert.storage.files import read_json, sha256_file, sha256_of
from domainbert.storage.hub_data import Pins, fetch_splits, identity


class Fetcher:
    """Turns places into paths; one is shared by all that is fetched for a run.

    Args:
        progress: Called during downloads.
        poll: Called while the hub sends something; raises if a signal asked to stop.
        pins: Commits of data sets, from an earlier run; receives those that are taken.
    """

    def __init__(
        self,
        progress: Progress | None = None,
        poll: Callable[[], None] = lambda: None,
        pins: Pins | None = None,
    ) -> None:
        self.progress, self.poll = progress, poll
        self.pins: Pins = {} if pins is None else pins

    def path(self, place: Place) -> Path:
        """Return the file or folder of a place, fetched if need be.

        Raises:
            DataError: It is nowhere, cannot be fetched, or is another file.
        """
        if isinstance(place, HubData):
            return self.splits(place)[place.split or ""]
        return place if isinstance(place, Path) else locate(place, self.progress)

    def splits(self, data: HubData) -> dict[str, Path]:
        """Return the files of the splits of a data set.

        Raises:
            DataError: The hub does not give it.
        """
        return fetch_splits(data, self.poll, self.pins)


def known_pins(lock: Path) -> dict[str, str]:
    """Return the commits of data sets that the lock of a run holds; none if there is no lock."""
    return dict(read_json(lock).get("datasets", {})) if lock.is_file() else {}


def known_commits(lock: Path) -> dict[str, str]:
    """Return the commits of bases that the lock of a run holds, by `ID@REVISION` as asked for."""
    return dict(read_json(lock).get("bases", {})) if lock.is_file() else {}


def data_sha256(path: Path) -> str:
    """Return the hash that stands for data: of a file, of a folder, or of a commit of the hub."""
    if path.is_dir():
        files = sorted(item for item in path.rglob("*") if item.is_file())
        named = (f"{item.relative_to(path).as_posix()} {sha256_file(item)}\n" for item in files)
        return sha256_of("".join(named))
    return identity(path) or sha256_file(path)
