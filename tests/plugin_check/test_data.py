from __future__ import annotations

import contextlib
import hashlib
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers.checks import checked, lines
from helpers.pairs import pairs, questions, ratings
from helpers.tasks import question_answering, relation

from domainbert import CorpusStep, DataFile, Document, Domain, Sentence
from domainbert.plugin.components import LoadedTask
from domainbert.plugin.registry import Registry
from domainbert.plugin_check.data import _perfect
from domainbert.plugin_check.subject import Outcome, Subject

NEVER = DataFile("0123456789abcdef" * 4, 7, "away.txt", "https://example.org/away.txt")


def task(domain: Domain, **changes: Any) -> Domain:
    return replace(domain, tasks=(replace(domain.tasks[0], **changes),))


def corpus(domain: Domain, **changes: Any) -> Domain:
    return replace(domain, corpora=(replace(domain.corpora[0], **changes),))


def tagged(*sentences: Sentence) -> Callable[[Path, str], list[Sentence]]:
    return lambda _path, split: [replace(s, words=(*s.words[:-1], split)) for s in sentences]


def last(domain: Domain, name: str) -> Outcome:
    """Return the outcome of a check of data that were read before."""
    return checked(domain, "samples", name)[1]


def test_good_data_pass(domain: Domain) -> None:
    assert lines(domain, "samples", "splits", "terms", "scores", "components") == [
        "ok    samples: 4 documents and 6 labelled texts, read twice alike, offline",
        "ok    splits: 1 task",
        "ok    terms: 3 terms",
        "ok    scores: perfect predictions score 1.0 on 1 task",
        "ok    components: 0 components, steps run on samples",
    ]


def test_files_that_are_not_here_are_left_out_and_nothing_is_downloaded(domain: Domain) -> None:
    away = corpus(task(domain, splits=dict.fromkeys(domain.tasks[0].splits, NEVER)), files=(NEVER,))
    (line,) = lines(away, "samples")
    assert line.endswith("; not read, files are not here: corpus 'notes', task 'knot-names'")


def read_by_clock() -> Callable[[Path], list[Document]]:
    calls = iter(range(100))
    return lambda path: [Document(str(next(calls)), "text", "x")]


def leave(*_: Any) -> Any:
    raise SystemExit(3)


def connect(*_: Any) -> list[Document]:
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", 9))
    return [Document("a", "text", "x")]


@pytest.mark.parametrize(
    ("read", "what"),
    [
        (read_by_clock(), "corpus 'notes': differs when it is read again"),
        (leave, "corpus 'notes': {}/corpus.txt: Corpus 'notes' called `sys.exit(3)`"),
        (lambda path: ["text"], "corpus 'notes': {}/corpus.txt: Corpus 'notes' failed: TypeError"),
        (connect, "reading asks the network: socket.getaddrinfo 127.0.0.1"),
    ],
)
def test_corpora_that_do_not_load(read: Any, what: str, domain: Domain, folder: Path) -> None:
    (found,) = checked(corpus(domain, read=read), "samples")
    assert found.what.startswith(what.format(folder))


def test_tasks_that_a_run_refuses(domain: Domain, folder: Path) -> None:
    bad = task(domain, read=tagged(Sentence(("a", "b"), ("O",))))
    found, scores = checked(bad, "samples", "scores")
    assert found.what.startswith(f"task 'knot-names': {folder}/train.tsv, sentence 1: 2 words, 1 ")
    assert scores.what.endswith("on 0 tasks")


def test_a_text_in_two_splits_and_a_label_without_example_are_refused(
    domain: Domain, folder: Path
) -> None:
    (folder / "test.tsv").write_text("the\tO\nbend\tB-Knot\nheld\tO\n\nit\tO\nslipped\tO\n")
    found = last(task(domain, labels=("Knot", "Rope")), "splits")
    assert found.what == (
        "task 'knot-names': 1 texts of test are in train too, as 'it slipped'; "
        "task 'knot-names': 1 texts of test are in validation too, as 'the bend held'; "
        "task 'knot-names': train never has Rope"
    )


def test_published_overlap_and_rare_labels_are_shown_and_not_refused(
    domain: Domain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").mkdir()
    monkeypatch.setenv("DOMAINBERT_DATA", str(tmp_path / "data"))
    rows = {"train": "one\ta|b\ntwo\tb\n", "validation": "one\ta\n", "test": "four\ta|c\n"}
    splits = {}
    for name, row in rows.items():
        text = f"text\tlabel\n{row}"
        (tmp_path / "data" / f"renamed-{name}.tsv").write_text(text)
        digest = hashlib.sha256(text.encode()).hexdigest()
        splits[name] = DataFile(digest, len(text), f"{name}.tsv")
    published = task(domain, kind="classification", labels=(), multi_label=True, splits=splits)
    assert lines(published, "samples", "splits")[1] == (
        "ok    splits: 1 task; knot-names: 1 texts of validation are in train too, as 'one'; "
        "knot-names: train never has c"
    )


def test_mentions_survive_alignment(domain: Domain) -> None:
    read = tagged(Sentence(("bowline", "and") * 100, ("B-Knot", "O") * 100))
    assert "perfect predictions score 1.0 on" in last(task(domain, read=read), "scores").what


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"rope\nrope\n", "terms.txt:2: 'rope' is in line 1 too"),
        ("rope\nno\u0308ck\n".encode(), "terms.txt:2: 'no\u0308ck' is no clean text"),
        (b"rope\n\xff\n", "{}/terms.txt:2:1: not UTF-8"),
        (b"rope\r\n# More\n\nSheet-Bend\r\n", "2 terms"),
    ],
)
def test_terms(content: bytes, what: str, domain: Domain, folder: Path) -> None:
    (folder / "terms.txt").write_bytes(content)
    (found,) = checked(domain, "terms")
    assert (found.ok, found.what.startswith(what.format(folder))) == (what == "2 terms", True)


@pytest.mark.parametrize(
    ("apply", "line"),
    [
        (lambda documents, _: documents, "ok    components: 1 component, steps run on samples"),
        (leave, "FAIL  components: CorpusStep 'keep' called `sys.exit(3)`"),
    ],
)
def test_steps_are_run_on_samples(apply: Any, line: str, domain: Domain) -> None:
    subject = Subject(domain, Registry(()), components=(CorpusStep("keep", apply),))
    assert lines(subject, "components")[0].startswith(line)


@pytest.mark.parametrize("kind", ["pairs", "multiple-choice", "regression"])
def test_perfect_predictions_of_every_kind_score_one(domain: Domain, kind: str) -> None:
    makers = {"pairs": pairs, "multiple-choice": questions, "regression": ratings}
    splits = makers[kind]().splits
    made = task(domain, kind=kind, labels=(), read=lambda _path, split: splits[split])
    assert last(made, "scores").what == "perfect predictions score 1.0 on 1 task"


@pytest.mark.parametrize("loaded", [relation(), question_answering(), question_answering(True)])
def test_labels_of_every_kind_pass_windows_and_decoding(loaded: LoadedTask) -> None:
    assert _perfect(loaded) == 1.0
