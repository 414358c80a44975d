"""Script for a process without the caller's state: import one plugin, or run recipes in miniature.

The question is JSON on standard input, each answer a line of JSON on standard output; the network
is refused for good. What a plugin imports is to be seen, so nothing is imported at the top.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HEAVY = {
    "accelerate", "datasets", "jax", "nltk", "numpy", "pandas", "pyarrow", "scipy", "sklearn",
    "spacy", "tensorflow", "tokenizers", "torch", "transformers",
}  # fmt: skip
CONNECTING = {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"}
SMALL = (
    "train.steps=2", "train.epochs=null", "train.tokens=null", "train.minutes=null",
    "train.batch_ramp=null", "train.head_steps=1", "train.batch_size=4",
    "train.micro_batch_size=2", "train.max_seq_length=32", "train.precision=fp32",
    "held_out.max_tokens=500", "evaluate.seeds=[0]", "evaluate.epochs=1", "evaluate.batch_size=32",
    "evaluate.max_seq_length=48",
)  # fmt: skip


def refuse_network(tried: list[str]) -> None:
    """Refuse every connection of this process from now on; append each attempt to `tried`."""

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in CONNECTING:
            place = arguments[1] if event in {"socket.connect", "socket.sendto"} else arguments[0]
            tried.append(f"{event} {place}")
            raise OSError(f"no network here: {event}")

    sys.addaudithook(hook)


def import_alone(key: str, files: list[Path]) -> str:
    """Load a plugin, none being loaded before; return the error."""
    from domainbert.plugin.registry import load_plugins

    return {info.key: info.error for info in load_plugins(files).plugins}[key]


def run_small(recipe: Path, base: Path, out: Path, files: list[Path]) -> str:
    """Adapt a tiny base by a recipe, all that takes time made small; return the error."""
    from domainbert.adapt import adapt
    from domainbert.errors import one_line
    from domainbert.plugin.registry import load_plugins
    from domainbert.recipe.resolve import load_recipe
    from domainbert.run.progress import Reporter

    try:
        # JSON quotes what YAML would read as something else.
        small = load_recipe(recipe, (f"base={json.dumps(str(base))}", *SMALL))
        adapt(small, recipe.parent, out, load_plugins(files), Reporter(enabled=False))
    except (Exception, SystemExit) as error:
        return one_line(error)
    return ""


def answers(question: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the answers to a question; `error` is empty where all is well."""
    tried: list[str] = []
    files = [Path(file) for file in question["files"]]
    if "plugin" in question:
        refuse_network(tried)
        error = import_alone(question["plugin"], files)
        yield {"error": error, "heavy": sorted(HEAVY & set(sys.modules)), "network": tried}
        return
    from domainbert.testing.tiny import tiny_checkpoint

    folder = Path(question["folder"])
    base = tiny_checkpoint(folder / "base")
    refuse_network(tried)
    for number, (name, path) in enumerate(question["recipes"].items()):
        error = run_small(Path(path), base, folder / f"run-{number}", files)
        asked = f" (it asked the network: {tried[-1]})" if error and tried else ""
        yield {"error": error + asked, "recipe": name}


if __name__ == "__main__":
    for answer in answers(json.load(sys.stdin)):
        # The plugin may have printed something without an end of line.
        print("\n" + json.dumps(answer), flush=True)  # noqa: T201  # read by the caller
