"""The sections of a recipe except `train:`."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import PurePath
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)


def _each_once(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the values, or refuse two that are equal or have one name."""
    names = [getattr(value, "full_name", getattr(value, "name", value)) for value in values]
    counts = Counter(map(str, names))
    if twice := sorted(name for name, count in counts.items() if count > 1):
        raise ValueError(f"{', '.join(twice)}: twice; give each once")
    return values


def no_truth_value(value: Any) -> Any:
    """Refuse true and false where a number is expected; pydantic takes them for 1 and 0."""
    if isinstance(value, bool):
        raise ValueError(f"expected a number, found {str(value).lower()}")
    return value


def _types(annotation: Any) -> set[Any]:
    """Return the types that a field takes at its top level."""
    inner = get_args(annotation) if get_origin(annotation) in {Union, UnionType, Annotated} else ()
    return {annotation}.union(*map(_types, inner))


Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
# Also `refs/convert/parquet`, where the hub keeps Parquet files of data sets that are scripts.
Revision = Annotated[str, Field(pattern=r"^\w[\w./-]*$", max_length=128)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9]+([.-][a-z0-9]+)*$", max_length=64)]
Fraction = Annotated[float, Field(gt=0, lt=1), BeforeValidator(no_truth_value)]
Rate = Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False), BeforeValidator(no_truth_value)]
Count = Annotated[int, Field(ge=1, le=10**15), BeforeValidator(no_truth_value)]
BatchSize = Annotated[int, Field(ge=1, le=65_536), BeforeValidator(no_truth_value)]
Seed = Annotated[int, Field(ge=0, lt=2**32), BeforeValidator(no_truth_value)]
EachOnce = AfterValidator(_each_once)
"""No two values are equal or have one name."""


def name_of(path: str) -> str:
    """Return a name made from that of a file: its stem in lower case, with hyphens."""
    stem = re.sub(
        r"(\.(tsv|csv|txt|jsonl?|ya?ml|gz|zst|conllu?|iob|xlsx|parquet|arrow|pubtator))+$",
        "",
        PurePath(path).name,
    )
    return "-".join(re.findall(r"[a-z0-9]+", stem.lower()))[:64].strip("-")


class Section(BaseModel):
    """Settings shared by every section: unknown keys are errors, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    @field_validator("*", mode="before")
    @classmethod
    def _numbers_are_no_truth_values(cls, value: Any, info: ValidationInfo) -> Any:
        types = _types(cls.model_fields[str(info.field_name)].annotation)
        return no_truth_value(value) if {int, float} & types and bool not in types else value


class BaseSection(Section):
    """The checkpoint to start from; a plain string is short for `source`."""

    source: str
    """Hub id (`google-bert/bert-base-cased`), local folder (`./model`), or
    `package:MODULE/FOLDER` for weights inside an installed Python package."""
    revision: Revision | None = None
    """Commit, branch or tag of a hub id; without it the newest commit. The lock keeps which it
    was."""
    sha256: Sha256 | None = None
    """Expected hash of `model.safetensors`; another file is refused."""
    fresh: dict[str, Count] | None = None
    """Take family and tokenizer only, with random weights drawn by `train.seed`: `{}`, or other
    sizes of its config.json, as `{num_hidden_layers: 4}`."""

    @property
    def title(self) -> str:
        """What messages and results call it."""
        return self.source if self.fresh is None else f"{self.source} (random weights)"


class VocabularySection(Section):
    """New entries of a WordPiece tokenizer; without this section it stays as it is."""

    size: Count | None = None
    """Add this many entries, fewer if no more would save anything. Give `size` or `min_gain`."""
    min_gain: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """Add entries while each saves at least this many tokens per million of the training slice."""
    terms: bool = True
    """Whether words of the domain's terms are candidates; once in the training slice is enough."""
    mine: bool = True
    """Whether other words of the training slice are candidates."""
    min_frequency: Count = 5
    """Mined words occur at least this often."""
    slots: Literal["grow", "unused"] = "grow"
    """Add rows to the model, or take over the ids of its `[unusedN]` entries."""

    @model_validator(mode="after")
    def _one_budget(self) -> VocabularySection:
        if (self.size is None) == (self.min_gain is None):
            raise ValueError("give `size` or `min_gain`, one of the two")
        if not (self.terms or self.mine):
            raise ValueError("`terms` and `mine` are both off: no word is a candidate")
        return self
