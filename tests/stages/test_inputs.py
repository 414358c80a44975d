from __future__ import annotations

from pathlib import Path

import pytest
from helpers.pairs import pairs, questions
from helpers.tasks import classification, question_answering

from domainbert.corpus.sources import describe_sources, read_sources
from domainbert.corpus.steps import find_steps, run_steps
from domainbert.errors import RecipeError
from domainbert.plugin.domain import Document, Domain, Task
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
        ("task tone", "tone-1", "train one"),
        ("task tone", "tone-2", "train two"),
    ]
    assert [source.share for source in sources] == [None, 0.5]
    described = describe_sources(sources)[1]
    assert (described["licence"], described["sha256"]) == ("CC0-1.0", sha256_file(files["train"]))


def test_a_task_as_corpus_is_one_of_the_domain() -> None:
    content = {"name": "tapt", "base": "x", "corpus": [{"task": "tone"}], "train": {"steps": 1}}
    with pytest.raises(RecipeError, match=r"corpus\.0: a recipe without `domain:` has no task"):
        check_names(Recipe.model_validate(content), load_plugins([]))
    for other in ("path", "name", "format"):
        with pytest.raises(ValueError, match="task"):
            CorpusSection.model_validate({"task": "tone", other: "x"})
