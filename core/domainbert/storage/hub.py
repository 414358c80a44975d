"""Base checkpoints from a model hub, fetched by a child process that can be ended at any time.

`huggingface_hub` downloads in threads that nobody can stop, from a server that may never end.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from domainbert.errors import BaseModelError

# Not `model.fp16.safetensors` and the like, which are second copies of the weights.
_WANTED = ["*.json", "model.safetensors", "model-*.safetensors", "*.txt", "*.model"]

PATIENCE = 60.0
"""How long a hub may send nothing, in seconds."""

_LOOK = 0.2


def from_hub(
    source: str, revision: str | None, poll: Callable[[], None] = lambda: None
) -> tuple[Path, str]:
    """Return the folder and the commit of a hub checkpoint, without files that can run code.

    Args:
        source: Its id.
        revision: Its commit; None for the newest.
        poll: Called again and again; raises if a signal asked to stop.

    Raises:
        BaseModelError: It is neither in the cache nor to be had.
    """
    command = [sys.executable, "-m", __name__, source, revision or ""]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        try:
            said, trouble = _watched(child, source, poll)
        finally:
            child.kill()
    if trouble:
        raise BaseModelError(
            f"base {source!r}: neither a local folder nor available from the model hub: {trouble} "
            "Without a network, name a folder or `package:…` (see `domainbert recipes list`)."
        )
    # The cache names a snapshot's folder by its commit.
    return Path(said), Path(said).name


def _watched(child: subprocess.Popen[bytes], source: str, poll: Callable[[], None]) -> list[str]:
    """Return the folder and the trouble that a child reports, one of them empty."""
    arrived, since = -1, time.monotonic()
    while child.poll() is None:
        poll()
        if (size := _arrived(source)) != arrived:
            arrived, since = size, time.monotonic()
        if time.monotonic() - since > PATIENCE:
            return ["", f"nothing arrived in {PATIENCE:.0f} seconds."]
        time.sleep(_LOOK)
    answer = child.stdout.read() if child.stdout else b""
    said = json.loads(answer) if answer else ["", f"the download ended with {child.returncode}."]
    return list(said)


def _arrived(source: str) -> int:
    """Return how many bytes of a repository are in the cache."""
    from huggingface_hub.constants import HF_HUB_CACHE

    blobs = Path(HF_HUB_CACHE) / f"models--{source.replace('/', '--')}" / "blobs"
    sizes = 0
    for path in blobs.glob("*"):
        try:
            sizes += path.stat().st_size
        except OSError:  # renamed, as it is whole
            continue
    return sizes


def _fetch(source: str, revision: str) -> list[str]:
    import httpx2
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError

    try:
        return [snapshot_download(source, revision=revision or None, allow_patterns=_WANTED), ""]
    except (HfHubHTTPError, ValueError, OSError, httpx2.HTTPError) as error:
        return ["", (str(error).strip() or type(error).__name__).splitlines()[0]]


def _main() -> None:
    """Fetch, and print folder and trouble as JSON; end when the parent does."""

    def end_with_parent() -> None:
        sys.stdin.read()
        os._exit(1)

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent minds it
    threading.Thread(target=end_with_parent, daemon=True).start()
    answer = json.dumps(_fetch(*sys.argv[1:])).encode()
    sys.stdout.buffer.write(answer)
    sys.stdout.flush()
    os._exit(0)  # without waiting for threads of the library


if __name__ == "__main__":
    _main()
