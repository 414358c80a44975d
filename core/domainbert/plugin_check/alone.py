"""Script for a process without the caller's state: import one plugin, without a network.

Arguments: key of the plugin, and its file if it is one. The answer is the last line on stdout, as
JSON. The imports of a plugin are to be seen, so nothing of ours is imported at the top.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HEAVY = {
    "accelerate", "datasets", "jax", "nltk", "numpy", "pandas", "pyarrow", "scipy", "sklearn",
    "spacy", "tensorflow", "tokenizers", "torch", "transformers",
}  # fmt: skip
CONNECTING = {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"}


@contextmanager
def offline() -> Iterator[list[str]]:
    """Refuse connections of this process while the block runs; yield the list of attempts."""
    tried: list[str] = []
    active = [True]

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if active and event in CONNECTING:
            tried.append(f"{event} {next(a for a in arguments if isinstance(a, str | tuple))}")
            raise OSError(f"no network here: {event}")

    sys.addaudithook(hook)  # for good, hence the switch
    try:
        yield tried
    finally:
        active.clear()


def main(key: str, *files: str) -> None:
    """Load a plugin, none being loaded before; print its error, heavy imports and connections."""
    with offline() as tried:
        from domainbert.plugin.registry import load_plugins

        plugins = {info.key: info.error for info in load_plugins(map(Path, files)).plugins}
    answer = {"error": plugins[key], "heavy": sorted(HEAVY & set(sys.modules)), "network": tried}
    # The plugin may have printed something without an end of line.
    print("\n" + json.dumps(answer), flush=True)  # noqa: T201  # read by the caller


if __name__ == "__main__":
    main(*sys.argv[1:])
