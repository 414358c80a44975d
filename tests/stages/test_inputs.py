from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.pairs import pairs, questions
from helpers.tasks import classification, question_answering

from domainbert.corpus.sources import describe_sources, read_sources
from domainbert.corpus.steps import find_steps, run_steps
from domainbert.errors import RecipeError
from domainbert.pipeline.choose import load_registry
from domainbert.plugin.domain import Document, Domain, Task
from domainbert.plugin.records import Example
from domainbert.plugin.registry import Registry, load_plugins
from domainbert.recipe.corpus import CorpusSection
from domainbert.recipe.resolve import check_names
from domainbert.recipe.schema import Recipe
from domainbert.stages.inputs import locate_corpus, step_context
from domainbert.storage.files import sha256_file
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
    registry = Registry((), {"town": domain})

    def steps(*named: str, domain: str | None = "town") -> list[str]:
        recipe = Recipe.model_validate(
            {
                "name": "town",
                "domain": domain,
                "base": "package:town/model",
                "corpus": [{"path": "a.txt"}],
                "corpus_steps": named,
                "train": {"steps": 1},
            }
        )
        found = locate_corpus(recipe, registry, tmp_path, Fetcher())[2]
        assert [s.facts for s in found if s.facts] == [
            {"step": s.record.name} for s in found if s.record.name not in named
        ]
        return [step.record.name for step in found]

    assert steps("exact-duplicates") == ["scrub", "normalise", "exact-duplicates"]
    assert steps("normalise", "exact-duplicates") == ["scrub", "normalise", "exact-duplicates"]
    assert steps("normalise", "scrub") == ["normalise", "scrub"]
    assert steps("normalise", domain=None) == ["normalise"]


def test_corpus_steps_see_questions_and_contexts() -> None:
    loaded = question_answering()
    context, question = step_context([loaded], None), loaded.splits["test"][0]
    assert {question.question, question.context} <= {*context.evaluation}
    assert f"{question.question} {question.context}" not in context.evaluation
    # A short context alone in a document: question and context together would not be found.
    documents = [Document("a", f"So {question.context}, it is said.", "a"), Document("b", "x", "b")]
    steps = find_steps(["decontaminate"], context)
    assert [document.id for document in run_steps(documents, steps, {})] == ["b"]


def test_training_texts_of_a_task_are_a_corpus(tmp_path: Path) -> None:
    files = {split: tmp_path / f"{split}.csv" for split in ("train", "validation", "test")}
    for split, path in files.items():
        path.write_text(f"text,label\n{split} one,a\n{split} two,b\n", encoding="utf-8")
    (tmp_path / "more.txt").write_text("More text.", encoding="utf-8")
    about = "Tone", "classification", "CC0-1.0", "made up", "1"
    domain = Domain("town", "Towns", tasks=(Task("tone", *about, files, ("a", "b")),))
    recipe = Recipe.model_validate(
        {
            "name": "tapt",
            "base": "x",
            "domain": "town",
            "train": {"steps": 1},
            "corpus": [{"task": "tone", "share": 0.5}, {"path": "more.txt"}],
        }
    )
    registry = Registry((), {"town": domain})
    sources, tasks, _ = locate_corpus(recipe, registry, tmp_path, Fetcher())
    assert tasks == ()
    read = [(each.corpus, each.id, each.text) for each in read_sources(sources)]
    assert read == [
        ("more.txt", read[0][1], "More text."),
        ("task tone, version 1", "tone-1", "train one"),
        ("task tone, version 1", "tone-2", "train two"),
    ]
    assert [source.share for source in sources] == [None, 0.5]
    described = describe_sources(sources)[1]
    assert (described["licence"], described["sha256"]) == ("CC0-1.0", sha256_file(files["train"]))


def test_a_task_as_corpus_is_one_of_the_domain() -> None:
    content = {"name": "tapt", "base": "x", "corpus": [{"task": "tone"}], "train": {"steps": 1}}
    with pytest.raises(RecipeError, match=r"corpus\.0: a recipe without `domain:` has no task"):
        check_names(Recipe.model_validate(content), load_plugins([]))
    with pytest.raises(ValueError, match="`task` is for `corpus`"):
        Recipe.model_validate({**content, "held_out": {"general": {"task": "tone"}}})
    for other in ("path", "name", "format", "text_field"):
        with pytest.raises(ValueError, match="task"):
            CorpusSection.model_validate({"task": "tone", other: "x"})


def test_what_records_of_a_document_share_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x", encoding="utf-8")

    def read(_path: Path, split: str) -> Iterator[Example]:
        for text, label, document in (("one", "a", "1"), ("one", "b", "1"), ("two", "a", "1")):
            yield Example(f"{split} {text}", (label,), document)

    files = dict.fromkeys(("train", "validation", "test"), tmp_path / "a.txt")
    about = "Tone", "classification", "CC0-1.0", "made up", "2"
    task = Task("tone", *about, files, ("a", "b"), read=read)
    domain = Domain("town", "Towns", tasks=(task,))
    content = {"name": "x", "base": "x", "domain": "town", "train": {"steps": 1}}
    recipe = Recipe.model_validate({**content, "corpus": [{"task": "tone"}]})
    sources, _, _ = locate_corpus(recipe, Registry((), {"town": domain}), tmp_path, Fetcher())
    assert sources[0].name == "task tone, version 2"
    assert "train one\ntrain two" in [each.text for each in read_sources(sources)]
