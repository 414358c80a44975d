"""Output of `domainbert adapt --dry-run`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from domainbert.cli.common import print_json, print_line, print_table
from domainbert.recipe.origins import DEFAULT, leaves
from domainbert.recipe.yaml import dotted
from domainbert.run.progress import duration

if TYPE_CHECKING:
    from domainbert.pipeline.choose import Chosen
    from domainbert.plugin.registry import Registry


def forecast(
    chosen: Chosen, out: Path, registry: Registry, processes: int, full: bool, as_json: bool
) -> None:
    """Print what a run would take, then the recipe with the origin of each value.

    Args:
        chosen: The recipe.
        out: Run folder.
        registry: Plugins.
        processes: Of the run.
        full: Print the values that are defaults too.
        as_json: Print JSON, with all values.
    """
    from domainbert.launch.supervisor import check_alone
    from domainbert.planning.dry_run import dry_run
    from domainbert.run.progress import Reporter

    check_alone("--dry-run")  # other ranks would wait for this one
    plan = dry_run(chosen.recipe, chosen.folder, out, registry, Reporter(), processes)
    recipe, digest = chosen.recipe.model_dump(mode="json"), chosen.recipe.hash()
    if as_json:
        origins = {dotted(at): origin for at, origin in chosen.origins.items()}
        print_json({"recipe": recipe, "sha256": digest, "origins": origins, **plan})
        return
    print_line(_answer(plan))
    numbers = ("steps", "sequences", "tokens")
    phases = [
        [
            p["name"],
            *(f"{p[key]:,}" for key in numbers),
            f"{p['epochs']:.2f}",
            duration(p["seconds"]),
        ]
        for p in plan["phases"]
    ]
    print_table(["phase", *numbers, "epochs", "time"], phases)
    print_line(_corpus_lines(plan))
    print_line("\n".join(_notes(plan, chosen.recipe.vocabulary is not None)))
    print_line(f"\n# recipe, sha256 {digest}")
    rows = [(f"{dotted(at)}:", _text(value), chosen.origins[at]) for at, value in leaves(recipe)]
    shown = [row for row in rows if full or row[2] != DEFAULT]
    first = max(len(key) for key, _, _ in shown)
    second = min(40, max(len(value) for _, value, _ in shown))
    for key, value, origin in shown:
        print_line(f"{key:<{first}} {value:<{second}}  # {origin}")
    if left_out := len(rows) - len(shown):
        print_line(f"# {left_out} more values are defaults: see them with --full.")
    print_line("Nothing was written.")


def _answer(plan: dict[str, Any]) -> str:
    """Return the one line that a dry run was asked for."""
    seconds = sum(phase["seconds"] for phase in plan["phases"])
    steps = sum(phase["steps"] for phase in plan["phases"])
    where = f"{plan['device'].upper()} in {plan['precision']}"
    answer = f"Training takes about {duration(seconds)}: {steps:,} steps on {where}"
    if plan["peak_memory"] is not None:
        answer += f", with {plan['peak_memory'] / 1e9:.2f} GB of memory"
    not_counted = "reading, tokenising, measuring, checkpoints, evaluation on tasks"
    return f"{answer}. Not counted: {not_counted}."


def _text(value: Any) -> str:
    return value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)


def _corpus_lines(plan: dict[str, Any]) -> str:
    corpus, slice_ = plan["corpus"], plan["training"]
    counts = ", ".join(f"{corpus[key]:,} {key}" for key in ("documents", "tokens", "characters"))
    mean = f"{slice_['tokens_per_sequence']:.1f} tokens on average"
    return (
        f"corpus: {counts}; {corpus['held_out_documents']:,} documents held out\n"
        f"training slice: {slice_['n_sequences']:,} sequences of {mean}, "
        f"{slice_['n_tokens']:,} in all, special tokens included"
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
        memory = f"{plan['peak_memory'] / 1e9:.2f} GB ({whose})"
        notes.append(f"peak memory of the timed steps: {memory}")
    if plan["trials"]:
        notes.append(f"evaluation: {plan['trials']} fine-tuning runs at most")
    if done := [name for name, is_done in plan["done"].items() if is_done]:
        notes.append(f"done already: {', '.join(done)}")
    return notes
