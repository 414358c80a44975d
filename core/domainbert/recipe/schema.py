"""The recipe: everything about one adaptation, as data.

The models here, in `sections.py` and in `train.py` are the schema of the YAML, of
`domainbert recipes validate` and of `docs/reference/recipe.md`.
"""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from domainbert.recipe.sections import (
    BaseSection,
    CorpusSection,
    EvaluateSection,
    HeldoutSection,
    Name,
    Section,
    TaskSection,
    VocabularySection,
)
from domainbert.recipe.train import TrainSection


def _short_for(key: str) -> BeforeValidator:
    """Return a validator that takes plain text for the value of one key."""
    return BeforeValidator(lambda value: {key: value} if isinstance(value, str) else value)


class Recipe(Section):
    """Everything about one adaptation."""

    version: Literal[1] = 1
    """Version of this schema."""
    name: Name
    """Name of the recipe, of the run folder and of the adapted model."""
    title: str = ""
    """One line for people."""
    domain: Name | None = None
    """Domain whose corpora and tasks can be named; not needed for your own files."""
    base: Annotated[BaseSection, _short_for("source")]
    """The checkpoint to start from."""
    corpus: tuple[CorpusSection, ...] = Field(min_length=1)
    """Sources of text, read in this order."""
    corpus_steps: tuple[Name, ...] = ("normalise", "exact-duplicates")
    """Steps that documents pass in this order, of core or of plugins; hold-out is always last."""
    held_out: HeldoutSection = HeldoutSection()
    """The slice that measures bits per character."""
    vocabulary: VocabularySection | None = None
    """Entries added to the tokenizer before training; absent for none."""
    train: TrainSection
    """Continued pretraining."""
    tasks: tuple[Annotated[TaskSection, _short_for("name")], ...] = ()
    """Tasks on which base and adapted model are compared."""
    evaluate: EvaluateSection = EvaluateSection()
    """How they are fine-tuned."""

    @field_validator("tasks")
    @classmethod
    def _distinct_tasks(cls, tasks: tuple[TaskSection, ...]) -> tuple[TaskSection, ...]:
        names = [task.name for task in tasks]
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise ValueError(f"task named twice: {', '.join(doubled)}")
        return tasks

    @field_validator("corpus_steps")
    @classmethod
    def _distinct_steps(cls, steps: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(steps)) < len(steps):
            raise ValueError("each step once")
        return steps

    @model_validator(mode="after")
    def _new_entries_learn(self) -> Recipe:
        if self.vocabulary is not None and self.train.freeze_embeddings:
            raise ValueError("train.freeze_embeddings: the new entries of `vocabulary` never learn")
        return self

    def hash(self) -> str:
        """Return the SHA-256 of the values that are not at their default, however written.

        A key that a later version adds with a default changes no hash.
        """
        content = self.model_dump(mode="json", exclude_defaults=True)
        canonical = json.dumps(content, sort_keys=True, ensure_ascii=True)
        return hashlib.sha256(canonical.encode()).hexdigest()
