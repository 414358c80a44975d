"""Base checkpoints from a model hub."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from domainbert.errors import BaseModelError
from domainbert.storage.child import answer_parent, run_child

# Not `model.fp16.safetensors` and the like, which are second copies of the weights.
_WANTED = [
    "*.json", "model.safetensors", "model-*.safetensors", "*adapter_model.safetensors",
    "*_Dense/model.safetensors", "*.txt", "*.model",
]  # fmt: skip


def from_hub(
    source: str, revision: str | None, poll: Callable[[], None] = lambda: None
) -> tuple[Path, str]:
    """Return the folder and the commit of a hub checkpoint, without files that can run code.

    Args:
        source: Its id.
        revision: Its commit, branch or tag; None for the newest commit.
        poll: Called again and again; raises if a signal asked to stop.

    Raises:
        BaseModelError: It is neither in the cache nor to be had.
    """
    from huggingface_hub.constants import HF_HUB_CACHE

    blobs = Path(HF_HUB_CACHE) / f"models--{source.replace('/', '--')}" / "blobs"
    said, trouble = run_child(__name__, [source, revision or ""], [blobs], poll)
    if trouble:
        raise BaseModelError(
            f"base {source!r}: neither a local folder nor available from the model hub: {trouble} "
            "Without a network, name a folder or `package:…` (see `domainbert recipes list`)."
        )
    # The cache names a snapshot's folder by its commit.
    return Path(said), Path(said).name


def _fetch(source: str, revision: str) -> str:
    from huggingface_hub import snapshot_download

    return str(snapshot_download(source, revision=revision or None, allow_patterns=_WANTED))


def _main() -> None:
    import httpx2
    from huggingface_hub.errors import HfHubHTTPError

    answer_parent(_fetch, (HfHubHTTPError, ValueError, OSError, httpx2.HTTPError))


if __name__ == "__main__":
    _main()
