"""Base checkpoints from a model hub."""

from __future__ import annotations

from pathlib import Path

from domainbert.errors import BaseModelError

# Not `model.fp16.safetensors` and the like, which are second copies of the weights.
_WANTED = ["*.json", "model.safetensors", "model-*.safetensors", "*.txt", "*.model"]


def from_hub(source: str, revision: str | None) -> tuple[Path, str]:
    """Return the folder and the commit of a hub checkpoint, without files that can run code.

    Args:
        source: Its id.
        revision: Its commit; None for the newest.

    Raises:
        BaseModelError: It is neither in the cache nor to be had.
    """
    import httpx2
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError

    try:
        path = Path(snapshot_download(source, revision=revision, allow_patterns=_WANTED))
    except (HfHubHTTPError, ValueError, OSError, httpx2.HTTPError) as error:
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise BaseModelError(
            f"base {source!r}: neither a local folder nor available from the model hub: {first} "
            "Without a network, name a folder or `package:…` (see `domainbert recipes list`)."
        ) from None
    # The cache names a snapshot's folder by its commit.
    return path, path.name
