"""Made-up labelled tasks that a tiny model learns, and how it is fine-tuned on them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from domainbert.plugin.components import LoadedTask
from domainbert.plugin.domain import Task
from domainbert.plugin.records import Example, Question, Relation, Sentence
from domainbert.recipe.evaluate import EvaluateSection
from domainbert.run.progress import Bar, Reporter
from domainbert.run.session import Session
from domainbert.tasks.candidate import Candidate, prepare
from domainbert.tasks.finetune import finetune
from helpers.town import PEOPLE, PLACES

DEEDS = ["moved", "counted", "found", "opened"]
TAGS = ("O", "B-ROLE", "O", "B-PLACE", "I-PLACE", "O", "O")
SETTINGS = EvaluateSection(
    epochs=2, min_steps=1, batch_size=4, learning_rate=1e-3, max_seq_length=16
)
HASHES = dict.fromkeys(("train", "validation", "test"), "0" * 64)


def labelled(kind: str, *labels: str, **changes: Any) -> Task:
    """Return the record of a task that was read."""
    record = Task("town", "", kind, "", "", "1", {}, labels, data=HASHES)
    return Task(**{**vars(record), **changes})


def sentences(first: int, count: int) -> tuple[Sentence, ...]:
    """Return sentences with a role and a place, recognised by their words."""
    return tuple(
        Sentence(
            ("the", PEOPLE[n % 4], "of", "the", PLACES[n // 4 % 4], DEEDS[n // 16 % 4], "it"), TAGS
        )
        for n in range(first, first + count)
    )


def examples(first: int, count: int, several: bool = False) -> tuple[Example, ...]:
    """Return texts about people, places, or (where several labels may be gold) both."""
    made = []
    for n in range(first, first + count):
        who, where = f"the {PEOPLE[n % 4]} moved it", f"the {PLACES[n // 3 % 4]} was old"
        if several and n % 3 == 2:
            made.append(Example(f"{who} and {where}", ("person", "place")))
        else:
            made.append(Example(who, ("person",)) if n % 2 else Example(where, ("place",)))
    return tuple(made)


def tagging(**splits: tuple[Sentence, ...]) -> LoadedTask:
    """Return a tagging task."""
    made = {"train": sentences(0, 32), "validation": sentences(32, 8), "test": sentences(40, 16)}
    return LoadedTask(labelled("tagging", "PLACE", "ROLE"), {**made, **splits})


def classification(several: bool = False, **splits: tuple[Example, ...]) -> LoadedTask:
    """Return a classification task."""
    parts = {"train": (0, 36), "validation": (36, 12), "test": (48, 12)}
    made = {split: examples(*part, several) for split, part in parts.items()}
    task = labelled("classification", "person", "place", multi_label=several)
    return LoadedTask(task, {**made, **splits})


def relations(first: int, count: int) -> tuple[Relation, ...]:
    """Return sentences with two people; without their marks nobody sees who is the first entity."""
    made = []
    for n in range(first, first + count):
        one, deed, other = PEOPLE[n // 4 % 4], ("moved", "found")[n % 2], PEOPLE[(n // 4 + 1) % 4]
        text = f"the {one} {deed} the {other}"
        spans = (4, 4 + len(one)), (len(text) - len(other), len(text))
        label = {"moved": "moves", "found": "finds"}[deed]
        if n // 2 % 2:
            spans, label = (spans[1], spans[0]), "none"
        made.append(Relation(text, *spans, (label,), document=text))
    return tuple(made)


def relation(**splits: tuple[Relation, ...]) -> LoadedTask:
    """Return a relation task whose null class is `none`."""
    parts = {"train": (0, 36), "validation": (36, 12), "test": (48, 24)}
    made = {split: relations(*part) for split, part in parts.items()}
    task = labelled("relation", "finds", "moves", "none", null_label="none")
    return LoadedTask(task, {**made, **splits})


def questions(first: int, count: int, unanswered: bool = False) -> tuple[Question, ...]:
    """Return questions who did it; every third has no answer, if asked for."""
    made = []
    for n in range(first, first + count):
        who, where, deed = PEOPLE[n % 4], PLACES[n // 4 % 4], DEEDS[n // 2 % 4]
        context = f"the {where} was old and the {who} {deed} it"
        if unanswered and n % 3 == 0:
            context = f"the {where} was old and nobody {deed} it"
        start = context.find(who)
        found = ((who,), (start,)) if start >= 0 else ((), ())
        made.append(Question(f"who {deed} it", context, *found, id=str(n), document=context))
    return tuple(made)


def question_answering(unanswered: bool = False, **splits: tuple[Question, ...]) -> LoadedTask:
    """Return a task of questions."""
    parts = {"train": (0, 48), "validation": (48, 24), "test": (72, 24)}
    made = {split: questions(*part, unanswered) for split, part in parts.items()}
    return LoadedTask(labelled("question-answering"), {**made, **splits})


def tune(
    folder: Path, loaded: LoadedTask, session: Session, seed: int = 0, **changes: Any
) -> Candidate:
    """Fine-tune a tiny checkpoint."""
    settings = SETTINGS.model_copy(update=changes)
    bar = Bar(Reporter(enabled=False), None, 0)
    return finetune(prepare(folder, loaded, settings, session), seed, bar)
