"""The recipe: everything about one adaptation, as data.

The models here and in the modules beside it are the schema of the YAML, of
`domainbert recipes validate` and of `docs/reference/recipe.md`.
"""

from __future__ import annotations

import json
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from domainbert.recipe import sections
from domainbert.recipe.blend import BlendSection
from domainbert.recipe.corpus import CorpusSection, HeldoutSection, StepSection
from domainbert.recipe.cost import CostSection
from domainbert.recipe.evaluate import EvaluateSection
from domainbert.recipe.forgetting import ForgettingSection
from domainbert.recipe.sections import EachOnce, Name, Section
from domainbert.recipe.sentences import SentencesSection
from domainbert.recipe.tasks import TaskSection
from domainbert.recipe.train import TrainSection
from domainbert.storage.files import sha256_of


def _short_for(key: str) -> BeforeValidator:
    """Return a validator that takes plain text for the value of one key."""
    return BeforeValidator(lambda value: {key: value} if isinstance(value, str) else value)


# A tag of BCP 47, in its usual forms.
_Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]
_Task = Annotated[TaskSection, _short_for("name")]
Tasks = Annotated[tuple[_Task, ...], EachOnce]
"""Values of `tasks`."""


class Recipe(Section):
    """Everything about one adaptation."""

    version: Annotated[Literal[1], BeforeValidator(sections.no_truth_value)] = 1
    """Version of this schema."""
    name: Name
    """Name of the recipe, of the run folder and of the adapted model; else the name of the file."""
    title: str = ""
    """One line for people."""
    domain: Name | None = None
    """Domain whose corpora and tasks can be named; not needed for your own files."""
    language: Annotated[tuple[_Language, ...], EachOnce] = ()
    """Languages of the text, such as `en`, for the header of the card; else those of the domain."""
    base: Annotated[sections.BaseSection, _short_for("source")]
    """The checkpoint to start from."""
    corpus: tuple[CorpusSection, ...] = Field(min_length=1)
    """Sources of text, read in this order."""
    corpus_steps: Annotated[tuple[Name | StepSection, ...], EachOnce] = (
        "normalise", "exact-duplicates",
    )  # fmt: skip
    """Steps that documents pass in this order, of core or of plugins; hold-out is always last. A
    name, or `{name: near-duplicates, threshold: 0.8}` with options."""
    held_out: HeldoutSection = HeldoutSection()
    """The slice that measures bits per character."""
    vocabulary: sections.VocabularySection | None = None
    """Entries added to the tokenizer before training; absent for none."""
    train: TrainSection
    """Continued pretraining."""
    blend: BlendSection | None = None
    """The point between base and adapted model that is handed over; absent for the adapted one."""
    forgetting: ForgettingSection | None = None
    """How much the model may lose on general text; absent for no limit."""
    cost: CostSection | None = None
    """Price and power of the machine, for the card; absent for none."""
    sentences: SentencesSection | None = None
    """A second stage that trains the model on as a sentence encoder; absent for none."""
    tasks: Tasks = ()
    """Tasks on which base and adapted model are compared."""
    evaluate: EvaluateSection = EvaluateSection()
    """How they are fine-tuned."""

    @model_validator(mode="after")
    def _something_learns(self) -> Recipe:
        shares = [section.share for section in self.corpus]
        if None not in shares:
            raise ValueError("corpus: every entry has a `share`; leave it out of one at least")
        if sum(share or 0 for share in shares) >= 1:
            raise ValueError("corpus: the `share`s are together 1 or more, so nothing is left")
        if self.vocabulary is not None and self.train.freeze_embeddings:
            raise ValueError("train.freeze_embeddings: the new entries of `vocabulary` never learn")
        return self

    @model_validator(mode="after")
    def _blend_can_choose(self) -> Recipe:
        if self.blend is None:
            return self
        if self.blend.choose == "validation" and not self.tasks:
            raise ValueError(
                "blend.choose: `validation` needs `tasks`; give some, or choose `bits` or a number"
            )
        if self.blend.choose == "bits" and self.held_out.general is None:
            raise ValueError(
                "blend.choose: `bits` needs a general text: give `held_out.general`, such as "
                "{path: general/*.txt}"
            )
        if self.blend.average != "none" and self.train.method == "lora":
            raise ValueError("blend.average: checkpoints of `train.method: lora` hold no weights")
        limit, steps = self.train.save_total_limit, self.train.steps
        needed, average = self.blend.checkpoints(limit), self.blend.average
        if needed > limit:
            kept = f"`train.save_total_limit` keeps {limit}"
            raise ValueError(f"blend.average: {average} needs {needed} checkpoints; {kept}")
        if steps is not None and needed > (made := -(-steps // self.train.save_steps)):
            kept = f"{steps} steps make {made}, one every `train.save_steps`"
            raise ValueError(f"blend.average: {average} needs {needed} checkpoints; {kept}")
        return self

    @model_validator(mode="after")
    def _forgetting_is_measured(self) -> Recipe:
        if self.forgetting is not None and self.held_out.general is None:
            raise ValueError(
                "forgetting: needs a general text: give `held_out.general`, such as "
                "{path: general/*.txt}"
            )
        return self

    def hash(self) -> str:
        """Return the SHA-256 of the values that are not at their default, however written.

        A key that a later version adds with a default changes no hash.
        """
        content = self.model_dump(mode="json", exclude_defaults=True)
        return sha256_of(json.dumps(content, sort_keys=True, ensure_ascii=True))
