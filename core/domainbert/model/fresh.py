"""A base that knows nothing: the family and tokenizer of a checkpoint, with random weights.

It is made once, in the cache; what follows sees a checkpoint like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from domainbert.errors import BaseModelError, one_line
from domainbert.model.check import hash_weights, weight_files
from domainbert.model.export import export_model
from domainbert.model.load import BaseFolder, LoadedModel, find_base
from domainbert.model.opening import quiet_transformers
from domainbert.recipe.schema import Recipe
from domainbert.recipe.sections import BaseSection
from domainbert.storage.download import cache_folder
from domainbert.storage.files import manifest_trouble, sha256_file, sha256_of
from domainbert.tokenizer.load import load_tokenizer


def base_of(
    recipe: Recipe,
    folder: Path,
    poll: Callable[[], None] = lambda: None,
    commits: Mapping[str, str] = MappingProxyType({}),
) -> BaseFolder:
    """Return the checkpoint that a recipe starts from, checked; with `base.fresh` a random one.

    Args:
        recipe: The recipe.
        folder: Its relative paths start here.
        poll: Called again and again during a download; raises if a signal asked to stop.
        commits: Those that the run took before, of `known_commits`: a tag may move.

    Raises:
        BaseModelError: Not found, not safe to load, or no model of the sizes of `base.fresh`.
    """
    section = recipe.base
    revision = commits.get(asked_for(section), section.revision)
    base = find_base(section.source, folder, revision, section.sha256, poll)
    if section.fresh is None:
        return base
    folder = fresh_folder(base, section.fresh, recipe.train.seed)
    digest = hash_weights(weight_files(folder, f"base {section.title!r}"))
    return BaseFolder(section.title, folder, None, digest)


def asked_for(section: BaseSection) -> str:
    """Return id and revision as a recipe names them."""
    return f"{section.source}@{section.revision or ''}"


def fresh_folder(base: BaseFolder, sizes: Mapping[str, int], seed: int) -> Path:
    """Return a checkpoint of the family of another, with its tokenizer and random weights.

    Args:
        base: Gives the configuration and the tokenizer.
        sizes: Keys of `config.json` with other numbers.
        seed: Of the weights.

    Raises:
        BaseModelError: A key is unknown, or there is no model of these sizes.
    """
    names = "config.json", "tokenizer.json", "tokenizer_config.json"
    hashes = [sha256_file(base.folder / n) for n in names if (base.folder / n).is_file()]
    key = sha256_of(f"{hashes} {sorted(sizes.items())} {seed}")
    target = cache_folder() / "fresh" / key[:16]
    name = f"base {base.source!r}"
    if not target.is_dir() or manifest_trouble(target):
        _make(base.folder, sizes, seed, target, name)
    return target


def _make(folder: Path, sizes: Mapping[str, int], seed: int, target: Path, name: str) -> None:
    import torch
    from transformers import AutoConfig, AutoModelForMaskedLM

    with quiet_transformers():
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    known = {k for k, v in config.to_dict().items() if isinstance(v, int) and not k.endswith("_id")}
    if unknown := sorted(sizes.keys() - known):
        shown = ", ".join(sorted(key for key in known if type(getattr(config, key)) is int))
        raise BaseModelError(
            f"{name}: fresh: no size {unknown[0]!r} in config.json; it has {shown}."
        )
    config.update(dict(sizes))
    torch.manual_seed(seed)
    try:
        with quiet_transformers():
            model = AutoModelForMaskedLM.from_config(config, trust_remote_code=False)
    except Exception as error:  # sizes that do not fit make transformers raise anything
        raise BaseModelError(f"{name}: fresh: no model of these sizes: {one_line(error)}") from None
    export_model(model.float(), LoadedModel(model, load_tokenizer(folder), False), target)
