from __future__ import annotations

from pathlib import Path

from domainbert.corpus.sources import read_sources
from domainbert.corpus.steps import Counts, run_steps
from domainbert.pipeline.choose import load_registry
from domainbert.recipe.resolve import load_recipe
from domainbert.stages.inputs import locate_corpus
from domainbert.storage.locate import Fetcher

QUICKSTART = Path(__file__).parents[3] / "recipes" / "clinical" / "quickstart.yaml"
STRICT = "corpus_steps=[normalise, exact-duplicates, near-duplicates, decontaminate]"


def test_the_sample_passes_the_steps_of_the_domain_and_none_of_it_is_a_copy() -> None:
    recipe, counts = load_recipe(QUICKSTART, (STRICT,)), Counts()
    sources, _, steps = locate_corpus(recipe, load_registry(()), QUICKSTART.parent, Fetcher())
    texts = [document.text for document in run_steps(read_sources(sources), steps, counts)]
    assert len(texts) == 43
    assert not any(mark in text for text in texts for mark in ("[**", "___", "555-", "@"))
    found = {name: drops.reasons for name, drops in counts.items() if drops.reasons}
    assert found == {
        "note-sections": {"sections": 143, "unknown_headers": 1},
        "note-placeholders": {"dates": 10, "names": 6, "phones": 1, "blanks": 6, "hospitals": 1},
        "note-personal-data": {
            "emails": 2,
            "urls": 1,
            "birth_dates": 1,
            "phones": 5,
            "long_numbers": 1,
            "ages_over_89": 1,
            "names_behind_titles": 4,
        },
    }
