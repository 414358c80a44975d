"""Data sets of the hub, kept in the cache as one Parquet file per split.

    CACHE/datasets/ORG--NAME/COMMIT/CONFIG/SPLIT.parquet

Whatever `datasets` opens without running code of the repository is read here, once: later runs need
neither the library nor a network. Class names stay in the schema of the file.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, MutableMapping
from pathlib import Path
from typing import Any

from domainbert.errors import DataError
from domainbert.plugin.places import HubData
from domainbert.storage.child import answer_parent, run_child
from domainbert.storage.download import cache_folder
from domainbert.storage.files import sha256_of

Pins = MutableMapping[str, str]
"""`ID@REVISION` of a data set → its commit."""

_ALIASES = {"validation": ("validation", "valid", "dev", "val")}


def fetch_splits(data: HubData, poll: Callable[[], None], pins: Pins) -> dict[str, Path]:
    """Return the files of the splits of a data set, fetched if they are not in the cache.

    Args:
        data: Its `split` alone is fetched if it names one.
        poll: Called again and again; raises if a signal asked to stop.
        pins: Commits to take where `data` names none; receives the commit that was taken.

    Raises:
        DataError: The hub does not give it; with what there is.
    """
    commit = pins.get(data.pin, data.revision or "")
    if (found := cached(data, commit)) is not None:
        pins.setdefault(data.pin, commit)
        return found
    from huggingface_hub.constants import HF_HOME, HF_HUB_CACHE

    wanted = json.dumps({**vars(data), "revision": commit or None})
    arrow = Path(os.environ.get("HF_DATASETS_CACHE") or Path(HF_HOME) / "datasets")
    blobs = Path(HF_HUB_CACHE) / f"datasets--{data.id.replace('/', '--')}"
    growing = _root(data), blobs, arrow / data.id.replace("/", "___"), arrow / "downloads"
    said, trouble = run_child(__name__, [wanted], growing, poll)
    found = cached(data, said)
    if trouble or found is None:
        raise DataError(f"data set {data.id!r}: {trouble or 'gone right after it came.'}")
    pins[data.pin] = said
    return found


def cached(data: HubData, commit: str) -> dict[str, Path] | None:
    """Return the files of a commit that are in the cache, or None."""
    folder = _folder(data, commit)
    if data.split is not None:
        file = folder / _file_name(data, data.split)
        return {data.split: file} if file.is_file() else None
    if not (folder / "splits.json").is_file():
        return None
    names = json.loads((folder / "splits.json").read_text(encoding="utf-8"))
    return {name: folder / f"{name}.parquet" for name in names}


def split_of(splits: MutableMapping[str, Path], name: str) -> Path | None:
    """Return the file of a split by its usual names."""
    return next((splits[key] for key in _ALIASES.get(name, (name,)) if key in splits), None)


def identity(path: Path) -> str | None:
    """Return the hash of data set, commit, configuration and split; None for other files.

    Parquet files of one data set differ between versions of the library that writes them.
    """
    root = cache_folder() / "datasets"
    if not described(path):
        return None
    return sha256_of(path.relative_to(root).as_posix())


def described(path: Path) -> str:
    """Return `ID@COMMIT CONFIG/SPLIT` of a file of the cache; else an empty text."""
    root = cache_folder() / "datasets"
    if not path.is_relative_to(root) or len(path.relative_to(root).parts) != 4:
        return ""
    name, commit, config, file = path.relative_to(root).parts
    return f"{name.replace('--', '/')}@{commit[:12]} {config}/{Path(file).stem}"


def _root(data: HubData) -> Path:
    return cache_folder() / "datasets" / data.id.replace("/", "--")


def _folder(data: HubData, commit: str) -> Path:
    return _root(data) / (commit or "-") / (data.config or "default")


def _file_name(data: HubData, split: str) -> str:
    return f"{split}.parquet" if data.limit is None else f"{split}-first-{data.limit}.parquet"


def _fetch(wanted: str) -> str:
    """Write the files of a data set, and return its commit."""
    from datasets import load_dataset
    from huggingface_hub import HfApi

    data = HubData(**json.loads(wanted))
    commit = str(HfApi().dataset_info(data.id, revision=data.revision).sha)
    where: dict[str, Any] = {"revision": commit, "streaming": data.streaming}
    loaded = load_dataset(data.id, data.config, split=data.split, **where)
    folder = _folder(data, commit)
    for split, rows in ({data.split: loaded} if data.split else loaded).items():
        _write(rows, folder, data, split)
    if not data.split:
        _publish(folder / "splits.json", lambda path: path.write_text(json.dumps([*loaded])))
    return commit


def _write(rows: Any, folder: Path, data: HubData, split: str) -> None:
    if data.limit is not None:
        rows = rows.take(data.limit)
    if rows.features is None:  # a stream of JSON or CSV shows its columns in the first rows
        rows = rows._resolve_features()
    _publish(folder / _file_name(data, split), lambda path: rows.to_parquet(str(path)))


def _publish(path: Path, write: Callable[[Path], object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    write(beside)
    beside.replace(path)


def _explained(error: Exception) -> str:
    """Return what an error of the hub means for the user; empty where it says so."""
    from huggingface_hub import errors

    private = "the hub has none of this id, or it is private: then `hf auth login`."
    kinds = [
        (errors.GatedRepoError, "it is gated: accept its terms on the hub, then `hf auth login`."),
        (errors.RevisionNotFoundError, "the hub has no such revision of it."),
        (errors.RepositoryNotFoundError, private),
        (errors.OfflineModeIsEnabled, "it is not in the cache, and HF_HUB_OFFLINE is set."),
        (ConnectionError, "the hub cannot be reached, and it is not in the cache."),
    ]
    return next((meaning for kind, meaning in kinds if isinstance(error, kind)), "")


def _main() -> None:
    import datasets
    import httpx2
    from huggingface_hub.errors import HfHubHTTPError

    datasets.disable_progress_bars()
    faults = (HfHubHTTPError, ValueError, OSError, RuntimeError, httpx2.HTTPError)
    answer_parent(_fetch, (*faults, datasets.exceptions.DatasetsError), _explained)


if __name__ == "__main__":
    _main()
