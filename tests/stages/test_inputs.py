from __future__ import annotations

from pathlib import Path

from helpers.pairs import pairs, questions
from helpers.tasks import classification

from domainbert import Domain
from domainbert.pipeline.choose import load_registry
from domainbert.recipe.schema import Recipe
from domainbert.stages.inputs import locate_corpus, step_context
from domainbert.storage.locate import Fetcher


def test_corpus_steps_see_each_text_of_a_pair_and_each_choice() -> None:
    loaded = pairs(), questions(), classification()
    context = step_context(loaded, None)
    pair, question, example = (one.splits["test"][0] for one in loaded)
    wanted = {pair.text, pair.second, question.text, *question.choices, example.text}
    assert wanted <= {*context.evaluation}
    assert f"{pair.text}\n{pair.second}" not in context.evaluation
    n_train = [len(one.splits["train"]) for one in loaded]
    assert len(context.training) == 2 * n_train[0] + 4 * n_train[1] + n_train[2]


def test_the_steps_of_a_domain_come_first_where_the_recipe_does_not_name_them(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.txt").write_text("Text.")
    load_registry(())
    domain = Domain("town", "Town", corpus_steps=["scrub", "normalise"])

    def steps(*named: str, domain: Domain | None = domain) -> list[str]:
        recipe = Recipe.model_validate(
            {
                "name": "town",
                "base": "package:town/model",
                "corpus": [{"path": "a.txt"}],
                "corpus_steps": named,
                "train": {"steps": 1},
            }
        )
        found = locate_corpus(recipe, domain, tmp_path, Fetcher())[2]
        assert [s.facts for s in found if s.facts] == [
            {"step": s.record.name} for s in found if s.record.name not in named
        ]
        return [step.record.name for step in found]

    assert steps("exact-duplicates") == ["scrub", "normalise", "exact-duplicates"]
    assert steps("normalise", "exact-duplicates") == ["scrub", "normalise", "exact-duplicates"]
    assert steps("normalise", "scrub") == ["normalise", "scrub"]
    assert steps("normalise", domain=None) == ["normalise"]
