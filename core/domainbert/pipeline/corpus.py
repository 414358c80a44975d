"""Read a corpus without training on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from domainbert.corpus.sources import find_sources, read_sources
from domainbert.corpus.stats import dropped_by_step
from domainbert.corpus.steps import Counts, find_steps, run_steps
from domainbert.plugin.registry import Registry
from domainbert.recipe.resolve import check_names
from domainbert.recipe.schema import Recipe
from domainbert.run.progress import Reporter, download_bar
from domainbert.stages.inputs import step_context
from domainbert.storage.locate import Fetcher
from domainbert.tasks.load import load_task


def check_corpus(
    recipe: Recipe, folder: Path, registry: Registry, reporter: Reporter
) -> dict[str, Any]:
    """Read all text of a recipe, run its steps, and return counts; no tokenizer is needed.

    Args:
        recipe: The recipe.
        folder: Its relative paths start here.
        registry: Plugins.
        reporter: Where progress is shown.

    Returns:
        JSON values: documents `read` and `kept`, `characters` of those, and per step what it
        dropped and why, with examples.

    Raises:
        UserError: A file, a task or a step cannot be used.
    """
    domain = registry.domain(recipe.domain) if recipe.domain else None
    check_names(recipe, registry)
    with download_bar(reporter) as progress:
        fetcher = Fetcher(progress)
        sources = find_sources(recipe.corpus, domain, folder, fetcher)
        tasks = [load_task(task, domain, folder, fetcher) for task in recipe.tasks]
    steps = find_steps(recipe.corpus_steps, step_context(tasks, domain))
    counts: Counts = {}
    read = kept = characters = 0

    def documents() -> Any:
        nonlocal read
        for document in read_sources(sources):
            read += 1
            if read % 1000 == 0:
                bar.update(read, f"{read:,} documents read", "corpus")
            yield document

    with reporter.bar("corpus") as bar:
        for document in run_steps(documents(), steps, counts):
            kept += 1
            characters += len(document.text)
    totals = {"read": read, "kept": kept, "characters": characters}
    return {**totals, "steps": dropped_by_step(counts)}
