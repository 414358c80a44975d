"""Output of `domainbert adapt --dry-run`."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from domainbert.cli.common import print_json, print_line, print_table
from domainbert.recipe.origins import leaves
from domainbert.recipe.yaml import dotted

if TYPE_CHECKING:
    from domainbert.cli.choose import Chosen
    from domainbert.planning.dry_run import Place


def forecast(chosen: Chosen, place: Place, as_json: bool) -> None:
    """Print the recipe with the origin of each value, and what a run would take."""
    from domainbert.planning.dry_run import dry_run
    from domainbert.run.progress import Reporter

    plan = dry_run(chosen.recipe, place, Reporter())
    if os.environ.get("RANK", "0") != "0":
        return
    recipe = chosen.recipe.model_dump(mode="json")
    if as_json:
        origins = {dotted(at): origin for at, origin in chosen.origins.items()}
        print_json({"recipe": recipe, "sha256": chosen.recipe.hash(), "origins": origins, **plan})
        return
    print_line(f"# recipe, sha256 {chosen.recipe.hash()}")
    rows = [(dotted(at), _scalar(value), chosen.origins[at]) for at, value in leaves(recipe)]
    first = max(len(key) for key, _, _ in rows) + 1
    second = min(40, max(len(value) for _, value, _ in rows))
    for key, value, origin in rows:
        print_line(f"{key + ':':<{first}} {value:<{second}}  # {origin}")
    print_line()
    for line in _corpus_lines(plan):
        print_line(line)
    phases = [
        [
            phase["name"],
            *(f"{phase[key]:,}" for key in ("steps", "sequences", "tokens")),
            f"{phase['epochs']:.2f}",
            _duration(phase["seconds"]),
        ]
        for phase in plan["phases"]
    ]
    print_table(["phase", "steps", "sequences", "tokens", "epochs", "time"], phases)
    for line in _notes(plan, chosen.recipe.vocabulary is not None):
        print_line(line)


def _scalar(value: Any) -> str:
    return value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)


def _corpus_lines(plan: dict[str, Any]) -> tuple[str, str]:
    corpus, training = plan["corpus"], plan["training"]
    counts = ", ".join(f"{corpus[key]:,} {key}" for key in ("documents", "tokens", "characters"))
    mean = f"{training['tokens_per_sequence']:.1f} tokens on average"
    held_out = f"{corpus['held_out_documents']:,} documents held out"
    sequences = f"{training['n_sequences']:,} sequences of {mean}, {training['n_tokens']:,} in all"
    return (
        f"corpus: {counts}; {held_out}",
        f"training slice: {sequences}, special tokens included",
    )


def _notes(plan: dict[str, Any], extends: bool) -> list[str]:
    notes = [
        f"{name}: {1 / timed['seconds_per_token']:,.0f} tokens/s, median of {timed['steps']} "
        "timed steps"
        for name, timed in plan["timed"].items()
    ]
    processes = plan["processes"]
    if plan["timed_in_processes"] < processes:
        notes.append(
            f"timed in one process: {processes} processes were not measured; each does "
            f"1/{processes} of the work of a step, so a budget of minutes holds more steps"
        )
    if extends:
        notes.append(
            "vocabulary: counted with the tokenizer of the base; with new entries the same text "
            "has fewer tokens and the model more rows"
        )
    if plan["peak_memory"] is not None:
        whose = "this process, with Python and libraries" if plan["device"] == "cpu" else "device"
        notes.append(
            f"peak memory of the timed steps: {plan['peak_memory'] / 1e9:.2f} GB ({whose})"
        )
    done = [name for name, is_done in plan["done"].items() if is_done]
    notes += [f"done already: {', '.join(done)}"] if done else []
    notes.append("Not counted: reading, tokenising, measuring, checkpoints, evaluation on tasks.")
    return [*notes, "Nothing was written."]


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"
