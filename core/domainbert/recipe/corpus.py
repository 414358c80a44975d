"""The sections of a recipe that say where text is."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Field,
    JsonValue,
    field_serializer,
    field_validator,
    model_validator,
)

from domainbert.recipe.sections import Count, Fraction, Name, Revision, Section, Sha256
from domainbert.visible import public_url

_HubId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?$")]
_Part = Annotated[str, Field(pattern=r"^\w[^/\\\x00-\x1f]*$", max_length=128)]


class FileSection(Section):
    """A file identified by its content: found in `DOMAINBERT_DATA`, the cache, or downloaded."""

    sha256: Sha256
    """Hash of the whole file."""
    size: Count
    """Length in bytes."""
    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    """Name in the cache; its suffix tells the format."""
    url: str | None = Field(default=None, pattern=r"^https?://")
    """Where to download it; without it the file must be in `DOMAINBERT_DATA`. User name, password
    and query are used for the download and written nowhere."""

    @field_serializer("url")
    def _without_secrets(self, url: str | None) -> str | None:
        return None if url is None else public_url(url)


def one_name_each(data: Any) -> Any:
    """Return a section with one name for each column that it names.

    `columns: {text: NAME}` is `text_field: NAME`, and `word_column: 2` is `columns: {words: 2}`.

    Raises:
        ValueError: A column is named in both ways.
    """
    if not isinstance(data, dict) or not isinstance(columns := data.get("columns") or {}, dict):
        return data
    data, columns = dict(data), dict(columns)
    for what, key in _FIELDS.items():
        if what in columns:
            _refuse_both(key in data, key, what)
            data[key] = columns.pop(what)
    for what, key in _NUMBERS.items():
        if key in data:
            _refuse_both(what in columns, key, what)
            columns[what] = data.pop(key)
    return {**data, "columns": columns} if columns or "columns" in data else data


def _refuse_both(both: bool, key: str, what: str) -> None:
    if both:
        raise ValueError(f"`{key}` and `columns: {{{what}: …}}`: give one")


_FIELDS = {"text": "text_field", "label": "label_field"}
_NUMBERS = {"words": "word_column", "tags": "tag_column"}


class HubSection(Section):
    """A data set of the hub, read by `datasets`; a plain string is short for `id`.

    No code of a data set is ever run.
    """

    id: _HubId
    """Such as `org/name`."""
    revision: Revision | None = None
    """Commit, branch or tag; without it the newest commit. The lock keeps which it was."""
    config: _Part | None = None
    """Configuration, where the data set has several."""
    split: _Part | None = None
    """Split to read, such as `train`; needed for a corpus. A task takes all of them."""


Hub = Annotated[
    HubSection, BeforeValidator(lambda value: {"id": value} if isinstance(value, str) else value)
]


class CorpusSection(Section):
    """One source of text: a plugin's corpus, your own files, or a file by hash."""

    name: Name | None = None
    """A corpus of the recipe's domain. With `path` or `file`, its reader reads those files."""
    path: str | None = None
    """Files as a glob, relative to the recipe: txt, jsonl, csv, parquet, arrow, xlsx, or what a
    plugin reads; plain, .gz, .zst or a .zip of one file. Or a folder that `datasets` saved."""
    file: FileSection | None = None
    """One file by hash."""
    hub: Hub | None = None
    """A split of a data set of the hub."""
    task: Name | None = None
    """A task of the recipe's domain: the texts of its training split, without labels (TAPT)."""
    streaming: bool = False
    """Whether to read a data set of the hub from the network, without downloading all of it."""
    limit: Count | None = None
    """Take this many rows of a data set of the hub, from its beginning."""
    format: Name | None = None
    """Name of a corpus reader, of core or of a plugin; else the suffix decides."""
    text_field: str = "text"
    """Field or column that holds the text in tables and JSON; also as `columns: {text: NAME}`."""
    columns: dict[Literal["id"], str] = Field(default_factory=dict)
    """Field or column of the id, where it has another name: `{id: pmid}`."""
    share: Fraction | None = None
    """At most this share of the tokens that are trained on, such as 0.1 of general text; the
    documents with the smallest text hashes stay. Without it all are used."""
    text_unit: Literal["file", "line", "paragraph"] = "file"
    """What one document of a txt file is: all of it, a line, or a block between blank lines."""

    _columns = model_validator(mode="before")(one_name_each)

    @model_validator(mode="after")
    def _one_source(self) -> CorpusSection:
        given = [key for key in ("path", "file", "hub", "task") if getattr(self, key)]
        if self.task is not None and self.model_fields_set - {"task", "share"}:
            raise ValueError("`task` reads its own files: give `share` beside it, or nothing")
        if len(given) > 1:
            raise ValueError(f"give `{given[0]}` or `{given[1]}`, not both")
        if not (self.name or given):
            raise ValueError("give `name` (a plugin's corpus), `path`, `file`, `hub` or `task`")
        if self.hub is None and (self.streaming or self.limit):
            raise ValueError("`streaming` and `limit` are for `hub`")
        if self.hub is not None and self.hub.split is None:
            raise ValueError("hub: give the `split` to read, such as {id: org/name, split: train}")
        return self


class StepSection(Section):
    """A corpus step with options: its name, and a key per option beside it."""

    name: Name
    """Name of the step."""
    options: dict[str, JsonValue] = Field(default_factory=dict)
    """Its options; written beside `name`, as `{name: near-duplicates, threshold: 0.8}`."""

    @model_validator(mode="before")
    @classmethod
    def _options_beside_the_name(cls, data: Any) -> Any:
        if not isinstance(data, dict) or "options" in data:
            return data
        rest = {str(key): value for key, value in data.items() if key != "name"}
        return {**({"name": data["name"]} if "name" in data else {}), "options": rest}


class HeldoutSection(Section):
    """The slice of the corpus that is never trained on and measures bits per character."""

    fraction: Fraction = 0.05
    """Share of documents, those with the smallest text hashes; at least one."""
    max_tokens: Count = 50_000
    """Measure on about this many tokens of them at most."""
    general: CorpusSection | None = None
    """Text outside the field, on which base and adapted model are measured as well: it shows what
    the base forgets. A plain string is short for `path`."""

    @field_validator("general", mode="after")
    @classmethod
    def _no_share(cls, value: CorpusSection | None) -> CorpusSection | None:
        if value is not None and value.share is not None:
            raise ValueError("`share` is for `corpus`: this text is measured, not trained on")
        if value is not None and value.task is not None:
            raise ValueError("`task` is for `corpus`: name a general text by `path` or `file`")
        return value

    @field_validator("general", mode="before")
    @classmethod
    def _path_is_enough(cls, value: Any) -> Any:
        return {"path": value} if isinstance(value, str) else value
