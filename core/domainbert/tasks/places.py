"""Where the splits of a user's own task are, and which are cut from the training split."""

from __future__ import annotations

import json
from pathlib import Path

from domainbert.errors import DataError
from domainbert.plugin.columnar import is_plain_name
from domainbert.plugin.places import HubData
from domainbert.plugin.rows import row_format
from domainbert.recipe.tasks import SPLITS, TaskSection
from domainbert.storage.files import expand_user
from domainbert.storage.hub_data import described, split_of
from domainbert.storage.locate import Fetcher


def find_splits(
    section: TaskSection, folder: Path, fetcher: Fetcher
) -> tuple[dict[str, Path], tuple[str, ...]]:
    """Return the file or folder of each split, and the splits to cut from that of train.

    Args:
        section: An own task.
        folder: Relative paths start here.
        fetcher: Fetches data sets of the hub.

    Raises:
        DataError: A data set lacks a split that no share makes; with those that it has.
    """
    if section.hub is not None:
        hub = section.hub
        data = HubData(hub.id, revision=hub.revision, config=hub.config)
        found = fetcher.splits(data)
        origin = described(next(iter(found.values()))).rpartition("/")[0] if found else hub.id
        return _named(section, found, origin)
    if section.file is None:
        given = {name: getattr(section, name) for name in SPLITS}
        paths = {n: folder / expand_user(str(path)) for n, path in given.items() if path}
        return _with_shared(paths, section)
    path = folder / expand_user(section.file)
    if (path / "dataset_dict.json").is_file():
        try:
            names = json.loads((path / "dataset_dict.json").read_text(encoding="utf-8"))["splits"]
            if not isinstance(names, list):
                raise TypeError
        except (ValueError, KeyError, TypeError, OSError):
            raise DataError(f"{path / 'dataset_dict.json'}: damaged; save it again.") from None
        if strange := next((name for name in names if not is_plain_name(name)), None):
            raise DataError(f"{path / 'dataset_dict.json'}: {strange!r} is no name of a split.")
        return _named(section, {name: path / name for name in names}, str(path))
    if any(getattr(section, name) for name in SPLITS):
        what = "give `file`, or `train`, `validation` and `test`"
        raise DataError(f"task {section.name!r}: {path} has no splits with names: {what}.")
    if section.splits is None:
        what = "is one split" if row_format(path) == "saved" else "is one file"
        raise DataError(f"{path}: {what}; say with `splits` which shares are for which split.")
    if wrong := section.splits.wrong(("validation", "test")):
        raise DataError(f"task {section.name!r}: {wrong}.")
    return dict.fromkeys(SPLITS, path), ("validation", "test")


def _named(
    section: TaskSection, found: dict[str, Path], origin: str
) -> tuple[dict[str, Path], tuple[str, ...]]:
    """Return the splits of a data set by the names that the recipe gives them."""
    paths, has = {}, f"{origin} has the splits {', '.join(found)}"
    for name in SPLITS:
        if (asked := getattr(section, name)) is not None and asked not in found:
            raise DataError(f"task {section.name!r}: {name}: no split {asked!r}; {has}.")
        path = found[asked] if asked is not None else split_of(found, name)
        if path is not None:
            paths[name] = path
    missing = [name for name in SPLITS if name not in paths]
    trainless = missing == ["train"] and section.splits is None  # enough where nothing learns
    if not trainless and ("train" in missing or (missing and section.splits is None)):
        cure = f"Name one, as `{missing[0]}: NAME`"
        if "train" not in missing:
            cure += f", or cut it from train with `splits: {{{missing[0]}: 0.1}}`"
        raise DataError(f"task {section.name!r}: no split for {missing[0]}; {has}. {cure}.")
    return _with_shared(paths, section)


def _with_shared(
    paths: dict[str, Path], section: TaskSection
) -> tuple[dict[str, Path], tuple[str, ...]]:
    missing = tuple(name for name in SPLITS if name not in paths)
    if missing == ("train",):
        return paths, ()
    if section.splits is not None and (wrong := missing and section.splits.wrong(missing)):
        raise DataError(f"task {section.name!r}: {wrong}.")
    return {name: paths.get(name, paths["train"]) for name in SPLITS}, missing
