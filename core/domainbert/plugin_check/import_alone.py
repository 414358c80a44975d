"""Import one plugin, declare its domains, and print what that did. Run as a script of its own.

Nothing of `domainbert` is imported here before the plugin is: what it imports is to be seen.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
from types import ModuleType
from typing import Any

HEAVY = {
    "accelerate", "datasets", "jax", "nltk", "numpy", "pandas", "pyarrow", "scipy", "sklearn",
    "spacy", "tensorflow", "tokenizers", "torch", "transformers",
}  # fmt: skip
CONNECTING = {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"}


def watch_network(seen: list[str]) -> None:
    """Refuse every connection of this process from now on, and write down what was tried."""

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in CONNECTING:
            place = arguments[1] if event in {"socket.connect", "socket.sendto"} else arguments[0]
            seen.append(f"{event} {place}")
            raise OSError(f"no network here: {event}")

    sys.addaudithook(hook)


def load(target: str) -> ModuleType:
    """Import a module by name, or from the path of a file."""
    if not target.endswith(".py"):
        return importlib.import_module(target)
    spec = importlib.util.spec_from_file_location("domainbert_file_alone", target)
    if spec is None or spec.loader is None:
        raise ImportError(target)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def main() -> None:
    """Import the plugin named on the command line."""
    seen: list[str] = []
    error = ""
    watch_network(seen)
    try:
        module = load(sys.argv[1])
        if hasattr(module, "domainbert_domains"):
            list(module.domainbert_domains())
    except (Exception, SystemExit) as caught:
        error = f"{type(caught).__name__}: {caught}"
    found = {"heavy": sorted(HEAVY & set(sys.modules)), "network": seen, "error": error}
    # The plugin may have printed something itself.
    print("\n" + json.dumps(found))  # noqa: T201  # read by the process that started this one


if __name__ == "__main__":
    main()
