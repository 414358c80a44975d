"""What a plugin declares: frozen records whose loaders run late.

Declaring is light: no record here opens a file or imports torch. A loader is a callable that
receives paths which `domainbert` has already found, downloaded and verified.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from domainbert.errors import PluginError
from domainbert.plugin.places import Feed, Place

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


def check_name(kind: str, name: str) -> None:
    """Refuse names that could not be an identifier, a folder and a YAML scalar alike.

    Raises:
        PluginError: `name` is not lower-case words joined by hyphens.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name) or len(name) > 64:
        raise PluginError(
            f"{kind} name {name!r}: expected lower-case letters, digits and single hyphens, "
            "at most 64 characters, such as 'ncbi-disease'."
        )


@dataclass(frozen=True)
class Document:
    """One unlabelled document.

    Args:
        id: Unique within its corpus.
        text: The text, paragraphs separated by newlines.
        source: Where it was read: a file name, and a record number where there is one.
        corpus: Name of the corpus; set on reading.
    """

    id: str
    text: str
    source: str
    corpus: str = ""

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not isinstance(value, str):
                raise TypeError(f"Document: `{name}` is {type(value).__name__}, expected text")


@dataclass(frozen=True)
class Prediction:
    """Gold labels of one record and those of a model.

    Args:
        gold: A tag per word, or the record's classes; none for the null class of relations. Of a
            query, the numbers of its relevant documents.
        predicted: The same from the model; of a query, the rank of each relevant document.
        ranking: Best classes or documents, best first; all classes up to 50, else ten; empty where
            nothing is ranked.
        words: The words that the tags belong to.
        scores: Scores of `ranking`, where a kind stores them; of one class they can be compared
            between records.
        seen: Per gold mention, in order, whether a mention of training has the same words; empty
            where nobody looked.
    """

    gold: tuple[str, ...]
    predicted: tuple[str, ...]
    ranking: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    scores: tuple[float, ...] = ()
    seen: tuple[bool, ...] = ()


@dataclass(frozen=True)
class Window:
    """Part of a record that fits the model.

    Args:
        record: Number of the record in its split.
        input_ids: Token ids, special tokens included.
        words: Numbers of the words that are scored here (tagging), or of the choice.
        positions: Position in `input_ids` of the first piece of each.
        weight: Share of the record's loss that this window carries; they sum to 1 per record.
        token_types: Type of each token of a pair; empty where the tokenizer gives none.
        spans: Range of each token in the record's text (questions); (0, 0) for others.
        word_weights: Weight of each of `words` in the loss (`class_weights`); empty for 1.
    """

    record: int
    input_ids: tuple[int, ...]
    words: tuple[int, ...] = ()
    positions: tuple[int, ...] = ()
    weight: float = 1.0
    token_types: tuple[int, ...] = ()
    spans: tuple[tuple[int, int], ...] = ()
    word_weights: tuple[float, ...] = ()


@dataclass(frozen=True)
class Corpus:
    """A source of unlabelled documents.

    Args:
        name: Name within the domain, such as `pubmed`.
        title: One line for people.
        licence: SPDX identifier or a sentence.
        origin: Address of the people who publish it.
        read: Turns one file into documents, streaming; None reads txt, JSONL, CSV and Parquet as
            recipes do.
        files: Declared files, or paths inside the plugin's package. Empty where the user brings
            the files, as with a corpus too large or too restricted to declare.
        citation: How to cite it.
        columns: Names of the columns `text` and `id` where tables have others.
        feed: How the publisher's files are fetched, or None.
    """

    name: str
    title: str
    licence: str
    origin: str
    read: Callable[[Path], Iterable[Document]] | None = None
    files: tuple[Place, ...] = ()
    citation: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    feed: Feed | None = None

    def __post_init__(self) -> None:
        check_name("corpus", self.name)


@dataclass(frozen=True)
class Terms:
    """The field's lexicon: one term per line, `#` starts a comment line.

    Args:
        path: A UTF-8 text file inside the plugin's package.
        licence: SPDX identifier or a sentence.
        origin: How the list was made.
    """

    path: Path
    licence: str
    origin: str

    def read(self) -> tuple[str, ...]:
        """Return the terms in file order.

        Raises:
            DataError: The file is missing or not UTF-8.
        """
        from domainbert.plugin.readers import read_utf8

        lines = read_utf8(self.path).splitlines()
        return tuple(line.strip() for line in lines if line.strip() and not line.startswith("#"))


@dataclass(frozen=True)
class Task:
    """A labelled data set with train, validation and test splits.

    The same record describes a task in its declaration, in a run and in a result.

    Args:
        name: Name within the domain, such as `ncbi-disease`.
        title: One line for people.
        kind: Name of a task kind: `tagging` (`Sentence`s), `classification` (`Example`s), `pairs`
            (`Pair`s), `multiple-choice` (`Question`s), `regression` (`Rating`s), or one of a
            plugin.
        licence: SPDX identifier or a sentence.
        origin: Address of the people who publish it.
        version: Changes whenever scores stop being comparable.
        splits: `train`, `validation` and `test`, each a declared file or a path in the package; the
            same file three times where `read` shares its records out. A kind that learns nothing
            needs no `train`.
        labels: Entity types or classes, in the order of the model's outputs. Empty only for
            multi-label tasks: then the labels of the training split, sorted.
        read: File and name of the split to records; None reads the default format of the kind. A
            parameter `counts` receives a counter of remarks, which cards show by their names.
        multi_label: Whether an example may have any number of labels (classification).
        levels: Name of a level → length of the prefix of a label that names its class there, as
            `{"section": 1, "class": 3}` where `H04L` is in section H and class H04; each is scored.
        format: Name of a task reader or of a table format, where the suffix does not tell.
        columns: What a column is (`text`, `label`, `words` and others) → its name in tables, or its
            number from 1, or from the end, in files without a header; `choices` may be several.
        null_label: Label of relations that says that there is none; empty if no label does.
        label_names: Names of labels that are numbers in the files, from 0.
        separator: What separates columns, where blanks, tabs and commas are wrong.
        metrics: Names of metrics beside those of the kind.
        baselines: Names of baselines beside those of the kind.
        notes: What the reader leaves out, with counts, for people who compare scores.
        sample: True for a small demonstration set that is not a benchmark.
        citation: How to cite it.
        counts: What a right reader finds, checked on loading: name of a split, or of several that
            share a file, as `train+validation` → counts of `records`, of `tokens` (tagging), and
            of labels: mentions of a type, or records of a class.
        domain: Domain that declares it; None for the user's files. Set on loading.
        data: SHA-256 of the file of each split. Set on loading; a task of a result has no `splits`.
        train_records: Label budget: number of training records that are used; None for all. Set on
            loading, where the name becomes `NAME@100`.
    """

    name: str
    title: str
    kind: str
    licence: str
    origin: str
    version: str
    splits: Mapping[str, Place]
    labels: tuple[str, ...]
    read: Callable[..., Iterable[Any]] | None = None
    multi_label: bool = False
    levels: Mapping[str, int] = field(default_factory=dict)
    format: str = ""
    columns: Mapping[str, str | int | tuple[str, ...]] = field(default_factory=dict)
    label_names: tuple[str, ...] = ()
    null_label: str = ""
    separator: str = ""
    metrics: tuple[str, ...] = ()
    baselines: tuple[str, ...] = ()
    notes: str = ""
    sample: bool = False
    citation: str = ""
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    domain: str | None = None
    data: Mapping[str, str] = field(default_factory=dict)
    train_records: int | None = None

    def __post_init__(self) -> None:
        if self.data and not self.splits:
            return  # a result of a stranger: any name is shown, and escaped
        budget = "" if self.train_records is None else f"@{self.train_records}"
        check_name("task", self.name.removesuffix(budget) if budget else self.name)
        counted = {*"+".join(self.counts).split("+")} - {""}
        # Whether a task needs `train` depends on its kind, and is checked when it is loaded.
        missing = {"validation", "test", *(counted & {"train"})} - set(self.splits)
        if missing:
            raise PluginError(f"task {self.name!r}: missing splits {sorted(missing)}.")
        if strange := counted - set(self.splits):
            what = f"counts: no split {min(strange)!r}; name splits, several joined by +"
            raise PluginError(f"task {self.name!r}: {what}.")


@dataclass(frozen=True)
class Domain:
    """A field of language: what a plugin yields from `domainbert_domains`.

    Args:
        name: Lower-case name; `domainbert adapt --domain NAME`.
        title: One line for people.
        corpora: Sources of unlabelled text.
        terms: The lexicon, or None.
        tasks: Labelled data sets.
        recipes: Folder of `*.yaml` recipes inside the plugin's package, or None.
        default_recipe: Recipe of `adapt --domain NAME`, such as `bio/quickstart`.
        languages: Of its texts, as codes such as `en`, for the header of model cards.
        corpus_steps: Steps that texts of its recipes pass first; a recipe that names one of them
            decides its place and options.
    """

    name: str
    title: str
    corpora: tuple[Corpus, ...] = ()
    terms: Terms | None = None
    tasks: tuple[Task, ...] = field(default=())
    recipes: Path | None = None
    default_recipe: str | None = None
    languages: tuple[str, ...] = ()
    corpus_steps: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_name("domain", self.name)
        for key in ("languages", "corpus_steps"):
            object.__setattr__(self, key, tuple(getattr(self, key)))
        if not isinstance(self.terms, Terms | None):
            raise PluginError(f"domain {self.name!r}: terms must be domainbert.Terms or None.")
        for kind, records in (("corpora", self.corpora), ("tasks", self.tasks)):
            # Plugin authors write lists; the record keeps tuples.
            object.__setattr__(self, kind, tuple(records))
            names = [record.name for record in records]
            doubled = sorted({name for name in names if names.count(name) > 1})
            if doubled:
                raise PluginError(f"domain {self.name!r}: {kind} named twice: {doubled}.")
