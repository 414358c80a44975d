"""What `domainbert adapt --dry-run` prints."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from domainbert.cli.common import print_json, print_line, print_table
from domainbert.recipe.origins import leaves
from domainbert.recipe.yaml import dotted

if TYPE_CHECKING:
    from domainbert.cli.choose import Chosen
    from domainbert.planning.dry_run import DryRun, Place


def forecast(chosen: Chosen, place: Place, as_json: bool) -> None:
    """Find out what a run would take, and print it."""
    from domainbert.planning.dry_run import dry_run
    from domainbert.run.progress import Reporter

    found = dry_run(chosen.recipe, place, Reporter())
    if found.is_main:
        print_forecast(chosen, found, as_json)


def print_forecast(chosen: Chosen, found: DryRun, as_json: bool) -> None:
    """Print the resolved recipe with the origin of each value, then what the run would take."""
    if as_json:
        print_json(forecast_json(chosen, found))
        return
    _print_recipe(chosen)
    print_line()
    _print_corpus(found)
    _print_phases(chosen, found)
    _print_memory(found)
    print_line("Not counted: reading and tokenising, measuring, checkpoints, evaluation on tasks.")
    print_line("Nothing was written.")


def forecast_json(chosen: Chosen, found: DryRun) -> dict[str, Any]:
    """Return the same as data: bytes, seconds and counts."""
    return {
        "recipe": chosen.recipe.model_dump(mode="json"),
        "sha256": chosen.recipe.hash(),
        "origins": {dotted(at): origin for at, origin in chosen.origins.items()},
        "corpus": {
            **{key: found.corpus[key] for key in ("documents", "tokens", "characters")},
            "held_out_documents": found.held_out,
            "training": asdict(found.size),
        },
        "phases": [asdict(phase) for phase in found.phases],
        "peak_memory": found.peak,
        "timed": {name: asdict(timed) for name, timed in found.throughput.items()},
        "done": found.done,
        "device": found.device,
        "processes": found.processes,
        "timed_in_processes": found.timed_in,
        "precision": "bf16" if found.bf16 else "fp32",
    }


def _print_recipe(chosen: Chosen) -> None:
    rows = [
        (dotted(at), _written(value), chosen.origins[at])
        for at, value in leaves(chosen.recipe.model_dump(mode="json"))
    ]
    first = max(len(key) for key, _, _ in rows) + 1
    second = min(40, max(len(value) for _, value, _ in rows))
    print_line(f"# recipe, sha256 {chosen.recipe.hash()}")
    for key, value, origin in rows:
        print_line(f"{key + ':':<{first}} {value:<{second}}  # {origin}")


def _written(value: Any) -> str:
    import json

    return value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)


def _print_corpus(found: DryRun) -> None:
    size = found.size
    print_line(
        f"corpus: {found.corpus['documents']:,} documents, {found.corpus['tokens']:,} tokens, "
        f"{found.corpus['characters']:,} characters; {found.held_out:,} documents held out"
    )
    print_line(
        f"training slice: {size.n_sequences:,} sequences of {size.tokens_per_sequence:.1f} tokens "
        f"in the mean, {size.n_tokens:,} in all, special tokens included"
    )


def _print_phases(chosen: Chosen, found: DryRun) -> None:
    rows = [
        [
            phase.name,
            f"{phase.steps:,}",
            f"{phase.sequences:,}",
            f"{phase.tokens:,}",
            f"{phase.epochs:.2f}",
            _duration(phase.seconds),
        ]
        for phase in found.phases
    ]
    print_table(["phase", "steps", "sequences", "tokens", "epochs", "time"], rows)
    for name, timed in found.throughput.items():
        speed = 1 / timed.seconds_per_token
        print_line(f"{name}: {speed:,.0f} tokens/s, median of {timed.steps} timed steps")
    if found.timed_in < found.processes:
        more = "" if chosen.recipe.train.minutes is None else ", and do more steps in the minutes"
        print_line(
            f"timed in one process: what {found.processes} take was not measured; each does "
            f"1/{found.processes} of a step's work{more}"
        )
    if chosen.recipe.vocabulary is not None:
        print_line(
            "vocabulary: counted with the tokenizer as it came; with new entries the same text has "
            "fewer tokens and the model more rows"
        )


def _print_memory(found: DryRun) -> None:
    if found.peak is not None:
        whose = "this process, Python and libraries included" if found.device == "cpu" else "device"
        print_line(f"memory at the peak of the timed steps: {_bytes(found.peak)} ({whose})")
    kept = [name for name, done in found.done.items() if done]
    if kept:
        print_line(f"done already: {', '.join(kept)}")


def _bytes(size: int) -> str:
    return f"{size / 1e9:.2f} GB" if size >= 1e8 else f"{size / 1e6:.1f} MB"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
