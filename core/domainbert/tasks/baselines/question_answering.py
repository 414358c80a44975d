"""Baselines of questions: a sentence of the context, or no answer."""

from __future__ import annotations

from domainbert.plugin.components import LoadedTask, Predictions
from domainbert.plugin.domain import Prediction
from domainbert.plugin.records import Question
from domainbert.tasks.answers import gold_of
from domainbert.words import content_words, sentence_ends

_SPLITS = ("validation", "test")


def predict_closest_sentence(loaded: LoadedTask, seed: int) -> Predictions:
    """Return the sentence that shares most words with the question, of equal ones the first."""
    return {split: tuple(map(_closest, loaded.splits[split])) for split in _SPLITS}


def predict_no_answer(loaded: LoadedTask, seed: int) -> Predictions:
    """Return that no question has an answer."""
    return {
        split: tuple(Prediction(gold_of(question), ("",)) for question in loaded.splits[split])
        for split in _SPLITS
    }


def _closest(question: Question) -> Prediction:
    context = question.context
    ends = [*sentence_ends(context), len(context)]
    parts = zip([0, *ends], ends, strict=False)
    sentences = [text for start, end in parts if (text := context[start:end].strip())]
    asked = {word.casefold() for word in content_words(question.question)}
    shared = [len(asked & {word.casefold() for word in content_words(text)}) for text in sentences]
    return Prediction(gold_of(question), (sentences[shared.index(max(shared))],))
