"""Base checkpoints from a model hub, into its cache or past it."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from pathlib import Path

from domainbert.errors import BaseModelError
from domainbert.run.heartbeat import heartbeat

_WANTED = ("*.json", "*.safetensors", "*.txt", "*.model")


def from_hub(source: str, revision: str | None, spare: Path | None) -> tuple[Path, str]:
    """Return the folder and the commit of a hub checkpoint, without files that can run code.

    Args:
        source: Its id.
        revision: Its commit; None for the newest.
        spare: Cache for what the hub's own lacks, which then stays as it is.

    Raises:
        BaseModelError: It is neither in the cache nor to be had.
    """
    import httpx2
    from huggingface_hub.errors import HfHubHTTPError

    try:
        path = Path(_snapshot(source, revision, spare))
    except (HfHubHTTPError, ValueError, OSError, httpx2.HTTPError) as error:
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise BaseModelError(
            f"base {source!r}: neither a local folder nor available from the model hub: {first} "
            "Without a network, name a folder or `package:…` (see `domainbert recipes list`)."
        ) from None
    # The cache names a snapshot's folder by its commit.
    return path, path.name


def _snapshot(source: str, revision: str | None, spare: Path | None) -> str:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError
    from huggingface_hub.utils.tqdm import tqdm

    class Beating(tqdm):
        def update(self, n: float | None = 1) -> bool | None:
            heartbeat("downloading the base")
            return super().update(n)

    fetch = partial(snapshot_download, source, allow_patterns=list(_WANTED), tqdm_class=Beating)
    if spare is None:
        return fetch(revision=revision)
    commit = _newest(source, revision)
    with suppress(LocalEntryNotFoundError):
        return fetch(revision=commit, local_files_only=True)
    return fetch(revision=commit, cache_dir=spare)


def _newest(source: str, revision: str | None) -> str | None:
    """Return the commit that the hub has now, or what was asked for if it cannot be reached."""
    import httpx2
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    try:
        return HfApi().model_info(source, revision=revision).sha
    except (HfHubHTTPError, OSError, httpx2.HTTPError):
        return revision
