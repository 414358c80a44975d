"""Run recipes in miniature, in a process of their own: what they need comes on standard input.

A process of its own, because Accelerate keeps its state for good, a plugin may do anything, and
the network can be refused for good.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from domainbert.plugin_check.import_alone import watch_network
from domainbert.plugin_check.outcome import reason
from domainbert.testing.tiny import tiny_checkpoint

SMALL = (
    "train.steps=2",
    "train.epochs=null",
    "train.tokens=null",
    "train.minutes=null",
    "train.batch_ramp=null",
    "train.head_steps=1",
    "train.batch_size=4",
    "train.micro_batch_size=2",
    "train.max_seq_length=32",
    "train.precision=fp32",
    "held_out.max_tokens=500",
    "evaluate.seeds=[0]",
    "evaluate.epochs=1",
    "evaluate.batch_size=32",
    "evaluate.max_seq_length=48",
)


def run_small(recipe: Path, base: Path, out: Path, files: list[Path]) -> None:
    """Adapt a tiny base by a recipe, all that takes time made small.

    Raises:
        DomainBertError: Something that the recipe asks for cannot be done.
    """
    from domainbert.adapt import adapt
    from domainbert.plugin.registry import load_plugins
    from domainbert.recipe.resolve import load_recipe
    from domainbert.run.progress import Reporter

    # JSON quotes what YAML would read as something else.
    small = load_recipe(recipe, (f"base={json.dumps(str(base))}", *SMALL))
    adapt(small, recipe.parent, out, load_plugins(files), Reporter(enabled=False))


def main() -> None:
    """Run what standard input names; one line of JSON a recipe on standard output."""
    asked = json.load(sys.stdin)
    folder = Path(asked["folder"])
    files = [Path(file) for file in asked["files"]]
    base = tiny_checkpoint(folder / "base")
    tried: list[str] = []
    watch_network(tried)
    for number, (name, path) in enumerate(asked["recipes"].items()):
        error = ""
        try:
            run_small(Path(path), base, folder / f"run-{number}", files)
        except (Exception, SystemExit) as caught:
            error = reason(caught) + (f" (it asked the network: {tried[-1]})" if tried else "")
        answer = {"recipe": name, "error": error}
        print(json.dumps(answer), flush=True)  # noqa: T201  # read by the process that started us


if __name__ == "__main__":
    main()
