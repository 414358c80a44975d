"""Fetch a corpus, and read it without training on it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from domainbert.corpus.sources import read_sources
from domainbert.corpus.stats import dropped_by_step
from domainbert.corpus.steps import Counts, run_steps
from domainbert.errors import DataError
from domainbert.plugin.registry import Registry
from domainbert.recipe.resolve import check_names
from domainbert.recipe.schema import Recipe
from domainbert.run.progress import Reporter, download_bar
from domainbert.run.session import open_session
from domainbert.stages.inputs import locate_corpus
from domainbert.storage.locate import Fetcher
from domainbert.storage.remote import Publisher, fetch_feed, origin


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
        Stopped: A signal.
    """
    check_names(recipe, registry)
    counts: Counts = {}
    read = kept = characters = 0

    def documents() -> Any:
        nonlocal read
        for document in read_sources(sources):
            read += 1
            session.check_stop("reading", "nothing but downloads is kept")
            if read % 1000 == 0:
                bar.update(read, f"{read:,} documents read", "corpus")
            yield document

    with open_session(Path(), reporter) as session:
        with download_bar(reporter) as progress:
            fetcher = Fetcher(progress, session.check_stop)
            sources, _, steps = locate_corpus(recipe, registry, folder, fetcher)
        with reporter.bar("corpus") as bar:
            for document in run_steps(documents(), steps, counts):
                kept += 1
                characters += len(document.text)
    totals = {"read": read, "kept": kept, "characters": characters}
    return {**totals, "steps": dropped_by_step(counts)}


def fetch_corpus(
    registry: Registry, place: tuple[str, str], folder: Path, reporter: Reporter, **how: Any
) -> Iterator[Path]:
    """Yield the files of a corpus, fetched from its publisher into a folder.

    Args:
        registry: Plugins.
        place: Domain and name of the corpus.
        folder: Where the files go; those that are there stay.
        reporter: Where progress is shown.
        how: `limit`, `options`, `user_agent` and `mirror`; see `domainbert corpus fetch`.

    Raises:
        DataError: The corpus has no feed, or the publisher does not give a file.
        Stopped: A signal; whole files stay.
    """
    domain = registry.domain(place[0])
    corpora = {corpus.name: corpus for corpus in domain.corpora}
    feeds = {name: corpus.feed for name, corpus in corpora.items() if corpus.feed is not None}
    if (feed := feeds.get(place[1])) is None:
        known = ", ".join(sorted(feeds)) or "none"
        raise DataError(
            f"{'/'.join(place)}: no corpus that can be fetched; {place[0]} has {known}."
        )
    agent = how["user_agent"]
    if feed.user_agent and not agent:
        raise DataError(
            f"{'/'.join(place)}: the publisher asks for your name and mail address: give "
            "--user-agent 'NAME MAIL', or set DOMAINBERT_USER_AGENT."
        )
    # A mirror is another host: it neither wants nor gets the key.
    wants_key = bool(feed.key_variable) and not how["mirror"]
    key = os.environ.get(feed.key_variable, "") if wants_key else ""
    if wants_key and not key:
        raise DataError(
            f"{'/'.join(place)}: the publisher wants a key of yours: set {feed.key_variable}. "
            f"{corpora[place[1]].origin} says how to get one."
        )
    with open_session(folder, reporter) as session, download_bar(reporter) as bar:
        headers = {"User-Agent": agent or "domainbert"}
        publisher = Publisher(
            feed.per_second, headers, {feed.key_header: key} if key else {},
            origin(feed.url), session.check_stop, bar,
        )  # fmt: skip
        options = how["options"], how["limit"], how["mirror"]
        yield from fetch_feed(feed, publisher, folder, *options)
