"""The components of core, declared by the hook that plugins use."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from importlib import import_module
from typing import Any

from domainbert.plugin.components import Baseline, Component, TaskReader
from domainbert.plugin.hookspecs import hookimpl
from domainbert.plugin.steps import CorpusReader, CorpusStep


@hookimpl
def domainbert_components() -> Iterator[Component]:
    """Yield the built-in task kinds, metrics, baselines, readers, steps and objectives."""
    yield from _of_tasks()
    yield from _of_corpus()
    yield from _of_training()


def _of_tasks() -> Iterator[Component]:
    from domainbert.plugin.pubtator import read_pubtator
    from domainbert.tasks.kinds.classification import CLASSIFICATION
    from domainbert.tasks.kinds.multiple_choice import MULTIPLE_CHOICE
    from domainbert.tasks.kinds.pairs import PAIRS
    from domainbert.tasks.kinds.question_answering import QUESTION_ANSWERING
    from domainbert.tasks.kinds.regression import REGRESSION
    from domainbert.tasks.kinds.relation import RELATION
    from domainbert.tasks.kinds.retrieval import RETRIEVAL
    from domainbert.tasks.kinds.tagging import TAGGING
    from domainbert.tasks.metrics import answers, entities, labels, numbers, ranked, retrieval
    from domainbert.tasks.readers.brat import read_brat
    from domainbert.tasks.readers.columns import read_columns
    from domainbert.tasks.readers.questions import read_squad

    yield TAGGING
    yield CLASSIFICATION
    yield from (PAIRS, MULTIPLE_CHOICE, REGRESSION, RELATION, QUESTION_ANSWERING, RETRIEVAL)
    yield TaskReader("columns", "tagging", (), lambda path, task, _: read_columns(path, task))
    yield TaskReader("conllu", "tagging", (".conllu",), lambda p, t, _: read_columns(p, t, True))
    yield TaskReader(
        "brat", "tagging", (".ann",), lambda path, _, counts: read_brat(path, counts), True
    )
    yield TaskReader("pubtator", "tagging", (".pubtator",), lambda p, _, c: read_pubtator(p, c))
    yield TaskReader("squad", "question-answering", (".json",), read_squad)
    yield from answers.METRICS
    yield from entities.METRICS
    yield from labels.METRICS
    yield from ranked.METRICS
    yield from numbers.METRICS
    yield from retrieval.METRICS
    yield from _baselines()


def _baselines() -> Iterator[Baseline]:
    from domainbert.tasks.baselines import classification as texts
    from domainbert.tasks.baselines import question_answering, regression, retrieval, tagging

    def bilstm() -> Any:
        return import_module("domainbert.tasks.baselines.bilstm")

    only, tags = ("classification",), ("tagging",)
    both = only + tags
    yield Baseline("majority", texts.predict_majority)
    yield Baseline("tfidf-svm", texts.predict_tfidf_svm, texts.check_tfidf)
    yield Baseline("tfidf-logreg", texts.predict_tfidf_logreg, texts.check_tfidf, kinds=only)
    yield Baseline("mean", regression.predict_mean)
    yield Baseline("tfidf-ridge", regression.predict_tfidf_ridge, texts.check_tfidf)
    yield Baseline("closest-sentence", question_answering.predict_closest_sentence)
    yield Baseline("no-answer", question_answering.predict_no_answer)
    yield Baseline("bm25", retrieval.predict_bm25, retrieval.check_bm25)
    yield Baseline("majority-type", tagging.predict_majority_type)
    yield Baseline("dictionary", tagging.predict_dictionary)
    yield Baseline("mentions", tagging.predict_mentions, kinds=tags)
    yield Baseline("bilstm", lambda *given: bilstm().predict_words(*given), kinds=both, seeded=True)
    yield Baseline(
        "bilstm-crf",
        lambda *given: bilstm().predict_words(*given, crf=True),
        lambda loaded: bilstm().check_crf(loaded),
        kinds=tags,
        seeded=True,
    )
    yield Baseline(
        "bilstm-pieces",
        predict_with_base=lambda *given: bilstm().predict_pieces(*given),
        kinds=both,
        seeded=True,
    )
    # A layer alone learns at ten to a thousand times the rate of a whole encoder.
    rates = {"learning_rate": (1e-3, 1e-2, 1e-1)}
    yield Baseline("frozen", tuned={"method": "frozen", "grid": rates})


def _of_corpus() -> Iterator[CorpusReader | CorpusStep]:
    from domainbert.corpus import read
    from domainbert.corpus.steps.exact_duplicates import drop_exact_duplicates
    from domainbert.corpus.steps.filters import scrub
    from domainbert.corpus.steps.normalise import normalise_documents

    yield CorpusReader("txt", (".txt",), read.read_txt)
    for form in read.TABLES:
        yield CorpusReader(form, (f".{form}",), partial(read.read_table, form))
    yield CorpusStep("normalise", normalise_documents, apart=True)
    yield CorpusStep("exact-duplicates", drop_exact_duplicates)
    yield _with_options("near-duplicates", "near_duplicates", "near_duplicates")
    yield _with_options(
        "decontaminate", "decontaminate", "decontaminate", ("evaluation",), apart=True
    )
    yield _with_options("select", "select", "select", reads=("training", "terms"))
    yield _with_options("filter", "filters", "filter_documents", apart=True)
    yield CorpusStep("scrub", scrub, apart=True)


def _with_options(
    name: str, module: str, function: str, reads: tuple[str, ...] = (), apart: bool = False
) -> CorpusStep:
    """Return a step of `corpus.steps`, whose module is imported when it is used."""

    def late(attribute: str) -> Any:
        return getattr(import_module(f"domainbert.corpus.steps.{module}"), attribute)

    return CorpusStep(
        name,
        make=lambda options, context: late(function)(options, context),
        options=lambda **given: late("Options")(**given),
        reads=reads,
        apart=apart,
    )


def _of_training() -> Iterator[Component]:
    from domainbert.training.objectives.masked_lm import MASKED_LM
    from domainbert.training.objectives.sentence_pairs import SENTENCE_PAIRS

    yield from (MASKED_LM, SENTENCE_PAIRS)
